using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>Places as other programs write them, columns and rows or pixels, to columns and rows.</summary>
/// <param name="Col">Column of every patch.</param>
/// <param name="Row">Row of every patch.</param>
/// <param name="Said">What they were taken for, a phrase.</param>
internal sealed record PatchGrid(int[] Col, int[] Row, string Said)
{
    // A grid all of whose columns and rows are multiples of so many would leave out all others; pixels are like that.
    private const int LeastPixelStep = 8, LeastPatches = 4;

    /// <summary>
    /// Places are pixels where the listing says so, or where on every slide they are a whole number of pixels apart that a patch's side
    /// divides or is divided by, or where they lie so thinly that as a grid no patch would have a neighbour. The grid's step is then their
    /// greatest common distance if that is a quarter of a patch or more, else the patch's side, halved until no two patches share a place.
    /// </summary>
    /// <param name="listing">What the step and the units are said to be.</param>
    /// <param name="patches">Those that are kept; all have a place.</param>
    /// <param name="slideOf">Slide of each.</param>
    /// <param name="side">Side of a patch, px.</param>
    public static PatchGrid Of(PatchListing listing, IReadOnlyList<ListedPatch> patches, ReadOnlySpan<int> slideOf, int side)
    {
        long[] x = [.. patches.Select(p => p.X!.Value)], y = [.. patches.Select(p => p.Y!.Value)];
        int[] slides = slideOf.ToArray();
        long step = listing.Step > 0 ? listing.Step : side, common = CommonStep(x, y, slides);
        bool regular = common >= LeastPixelStep && patches.Count >= LeastPatches
            && (common % side == 0 || side % common == 0 || common >= 2 * LeastPixelStep);
        bool thin = !regular && patches.Count >= LeastPatches && IsThin(x, y, slides, side);
        if (!listing.InPixels && !regular)
            RefuseTwoUnits(x, y, patches, slides, side);
        if (!listing.InPixels && !regular && !thin)
            return new(Whole(x, patches), Whole(y, patches), "places are columns and rows");
        long unit = common >= Math.Max(2, step / 4) ? common : step;
        (long[] col, long[] row) = (Divided(x, unit), Divided(y, unit));
        while (unit > 1 && Collide(col, row, slides))
        {
            unit = Math.Max(1, unit / 2);
            (col, row) = (Divided(x, unit), Divided(y, unit));
        }
        string apart = unit == common ? $"{common} px apart" : $"not on a grid, and {unit} px count as one step";
        string scale = unit == side ? "" : unit % side == 0 ? $", where patches have {side} px, so they are pixels of a finer level"
            : unit < side ? $", where patches have {side} px: they overlap, and neighbours are counted in steps of {unit} px"
                : $", where patches have {side} px";
        return new(Whole(col, patches), Whole(row, patches), $"places are pixels, {apart}{scale}");
    }

    /// <summary>Slides whose patches are pixels apart, and others whose patches are columns and rows: names of two programs, which as one
    /// would give the ones or the others places that they do not have.</summary>
    private static void RefuseTwoUnits(long[] x, long[] y, IReadOnlyList<ListedPatch> patches, int[] slides, int side)
    {
        int pixels = -1, cells = -1;
        foreach (int[] own in Enumerable.Range(0, x.Length).GroupBy(i => slides[i]).Select(slide => slide.ToArray()))
        {
            (long[] across, long[] down) = ([.. own.Select(i => x[i])], [.. own.Select(i => y[i])]);
            long step = CommonStep(across, down, new int[own.Length]),
                extent = Math.Max(across.Max() - across.Min(), down.Max() - down.Min());
            if (own.Length >= LeastPatches && step >= LeastPixelStep && (step % side == 0 || side % step == 0))
                pixels = own[0];
            else if (step == 1 && extent < side)
                cells = own[0];
        }
        if (pixels >= 0 && cells >= 0)
            throw new Fault(FaultKind.Input, $"The places of {Path.GetFileName(patches[pixels].File)} and its like are pixels, those of "
                + $"{Path.GetFileName(patches[cells].File)} and its like columns and rows, or a class behind them: put the two kinds of "
                + $"names into folders of their own, or say what is what in a {PatchFolderListing.CsvName}.");
    }

    /// <summary>The greatest step that all distances on a slide are multiples of; 0 where no two places differ.</summary>
    private static long CommonStep(long[] x, long[] y, int[] slides)
    {
        var first = new Dictionary<int, (long X, long Y)>();
        long common = 0;
        for (int i = 0; i < x.Length && common != 1; i++)
        {
            if (!first.TryGetValue(slides[i], out (long X, long Y) at))
                first[slides[i]] = (x[i], y[i]);
            else
                common = Divisor(Divisor(common, Math.Abs(x[i] - at.X)), Math.Abs(y[i] - at.Y));
        }
        return common;
    }

    private static long Divisor(long a, long b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }

    /// <summary>As a grid, fewer than two patches in a square of a patch's pixels: what random places in pixels look like.</summary>
    private static bool IsThin(long[] x, long[] y, int[] slides, int side)
    {
        double cells = 0;
        foreach (IGrouping<int, int> slide in Enumerable.Range(0, x.Length).GroupBy(i => slides[i]))
            cells += (double)(slide.Max(i => x[i]) - slide.Min(i => x[i]) + 1) * (slide.Max(i => y[i]) - slide.Min(i => y[i]) + 1);
        return x.Length < 2 * cells / ((double)side * side) && x.Max() - x.Min() >= 4 * side;
    }

    private static long[] Divided(long[] values, long unit) => [.. values.Select(value => (long)Math.Floor((double)value / unit))];

    private static bool Collide(long[] col, long[] row, int[] slides)
    {
        var seen = new HashSet<(int, long, long)>(col.Length);
        for (int i = 0; i < col.Length; i++)
            if (!seen.Add((slides[i], col[i], row[i])))
                return true;
        return false;
    }

    private static int[] Whole(long[] values, IReadOnlyList<ListedPatch> patches) =>
        [.. values.Select((value, i) => Math.Abs(value) < int.MaxValue
        ? (int)value
        : throw new Fault(FaultKind.Input, $"{patches[i].File}: {value} is no place on a slide."))];
}
