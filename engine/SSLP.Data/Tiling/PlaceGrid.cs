namespace SSLP.Data.Tiling;

/// <summary>
/// From places in pixels to columns and rows. A slide's grid begins at its leftmost and topmost place and has a cell a patch, places
/// rounded to the nearest: CLAM starts a grid at every piece of tissue, so that pieces may be half a patch off each other. Where patches
/// overlap, cells are the finer step that all places keep to, a whole part of a patch; places that keep to none collide.
/// </summary>
internal static class PlaceGrid
{
    /// <summary>Parts of a patch that a step may be.</summary>
    private const int FinestRatio = 64;

    /// <summary>How many cells a patch's side has so that no two places fall into one; 1 where patches do not overlap, null where no step
    /// serves.</summary>
    public static int? RatioFor(CoordinateFile places)
    {
        if (Distinct(Cells(places, 1)))
            return 1;
        long step = (long)places.Size.X;
        if (places.Size.X != places.Size.Y || step != places.Size.X)
            return null;
        long stride = step;
        foreach (double[] axis in (double[][])[places.X, places.Y])
        {
            double first = axis.Min();
            foreach (double value in axis)
            {
                if (value != Math.Floor(value))
                    return null;
                stride = Gcd(stride, (long)(value - first));
            }
        }
        return stride > 0 && step / stride <= FinestRatio && Distinct(Cells(places, (int)(step / stride))) ? (int)(step / stride) : null;
    }

    /// <summary>Column and row of every place on a grid of <paramref name="ratio"/> cells a patch.</summary>
    public static (int Col, int Row)[] Cells(CoordinateFile places, int ratio)
    {
        double left = places.X.Min(), top = places.Y.Min();
        return [.. Enumerable.Range(0, places.X.Length).Select(i => (
            (int)Math.Round((places.X[i] - left) * ratio / places.Size.X), (int)Math.Round((places.Y[i] - top) * ratio / places.Size.Y)))];
    }

    public static bool Distinct((int, int)[] cells) => new HashSet<(int, int)>(cells).Count == cells.Length;

    private static long Gcd(long a, long b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }
}
