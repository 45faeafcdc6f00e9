using System.Text.RegularExpressions;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// A TIFF pyramid of no vendor: the first image, its sub-images, the images that are flagged as reduced, and those without a flag that have
/// its shape and show its field; the finest of these need not come first. The pixel size is in the resolution tags, or in the description
/// as ImageJ, libvips and converters write it.
/// </summary>
internal static partial class GenericLayout
{
    private const long ReducedImage = 1;

    /// <summary>Most images that are looked at, since a look costs dozens of tiles; no pyramid has so many levels.</summary>
    private const int MostLooks = 32;

    /// <summary>Most sizes of one text that are compared.</summary>
    private const int MostWritten = 16;

    public static void Fill(TiffLayout layout)
    {
        TiffDirectory finest = Finest(layout);
        List<TiffDirectory> unmarked = [.. layout.Directories.Where(other =>
            other != finest && TiledImage.IsTiled(other) && !IsReduced(other) && !PyramidLevels.IsMask(other))];
        // Writers leave the mark out; what has the shape of the finest level and shows its field is a level all the same.
        List<TiffDirectory> levels = ThatShow(layout, finest, unmarked.FindAll(other =>
            Area(other) < Area(finest) && !PyramidLevels.IsNamedOtherwise(other) && HasShapeOf(other, finest)));
        PyramidLevels.Fill(layout, [finest, .. SubDirectories(layout, finest),
            .. layout.Directories.Where(other => other != finest && (IsReduced(other) || levels.Contains(other)))], lookAtHalvings: true);
        int unflagged = unmarked.Count - levels.Count;
        if (unflagged > 0)
        {
            string images = unflagged == 1 ? "image that is not marked as a level" : "images that are not marked as levels";
            layout.Notes.Add($"has {unflagged} more tiled {images} (NewSubfileType 1), left out");
        }
        layout.AddTags(finest, description: true);
        AddDescription(layout, finest);
    }

    /// <summary>
    /// The first image, but for masks, images in strips and reduced ones before it: some writers begin with a mask, a thumbnail, or the
    /// coarsest level.
    /// </summary>
    private static TiffDirectory Finest(TiffLayout layout)
    {
        var pictures = layout.Directories.Where(directory => TiledImage.IsTiled(directory) && !PyramidLevels.IsMask(directory)).ToList();
        if (pictures.Count == 0)
            throw NoTiles(layout);
        List<TiffDirectory> plain = pictures.FindAll(picture => !IsReduced(picture) && !PyramidLevels.IsNamedOtherwise(picture));
        if (plain.Count > 0)
            return FirstOrLarger(layout, plain);
        TiffDirectory largest = pictures.Find(picture => !IsReduced(picture)) ?? pictures.MaxBy(Area)!;
        // The reduced levels of a picture in strips are not the picture: their pixels are larger than it says.
        return IsReduced(largest) && layout.Directories.Any(
            other => !TiledImage.IsTiled(other) && !IsReduced(other) && !PyramidLevels.IsMask(other) && Area(other) > Area(largest))
            ? throw InStrips(layout) : largest;
    }

    /// <summary>The first image, or a larger one that it is a level of: a pyramid without marks may begin with its coarsest.</summary>
    /// <exception cref="SlideException">
    /// A larger image of its shape is cut off or can't be read: were the first taken for the slide, its pixels might be larger than the
    /// file says.
    /// </exception>
    public static TiffDirectory FirstOrLarger(TiffLayout layout, List<TiffDirectory> images)
    {
        TiffDirectory first = images[0];
        List<TiffDirectory> alike = Looked(layout, images.FindAll(other => Area(other) > Area(first) && HasShapeOf(first, other)));
        if (alike.Count == 0)
            return first;
        var small = TiledImage.Read(layout.File, first, 0);
        foreach (TiffDirectory larger in alike)
        {
            string? reason = null;
            try
            {
                bool? same = FieldCheck.ShowsTheSame(layout.File, TiledImage.Read(layout.File, larger, 0), small);
                if (same == true)
                    return larger;
                reason = same is null ? "too few tiles decode" : null;
            }
            catch (SlideException fault) when (fault.Fault is not (SlideFault.Truncated or SlideFault.NotReadable))
            {
                reason = fault.Reason;
            }
            if (reason is not null)
            {
                layout.Notes.Add($"has a larger image of the same shape that can't be compared ({reason}), left out; "
                    + "if that is its finest level, the pixel size is not the one of what is read");
            }
        }
        return first;
    }

    /// <summary>Those of some images, all of the shape of a level, that show its field.</summary>
    private static List<TiffDirectory> ThatShow(TiffLayout layout, TiffDirectory level, List<TiffDirectory> alike)
    {
        if (alike.Count == 0)
            return alike;
        var large = TiledImage.Read(layout.File, level, 0);
        return Looked(layout, alike).FindAll(other =>
        {
            try
            {
                return FieldCheck.ShowsTheSame(layout.File, large, TiledImage.Read(layout.File, other, -1)) == true;
            }
            catch (SlideException fault) when (fault.Fault != SlideFault.NotReadable)
            {
                // Damage in what may be a thumbnail costs no level; the image is counted among those that are left out.
                return false;
            }
        });
    }

    /// <summary>The images to look at, the largest first; that there are more is a note.</summary>
    private static List<TiffDirectory> Looked(TiffLayout layout, List<TiffDirectory> alike)
    {
        if (alike.Count > MostLooks)
        {
            layout.Notes.Add(
                $"has {alike.Count} images of one shape that are not marked as levels; the largest {MostLooks} were looked at");
        }
        return [.. alike.OrderByDescending(Area).Take(MostLooks)];
    }

    /// <summary>Whether an image has the shape of a larger one, but for the rounding of sizes.</summary>
    private static bool HasShapeOf(TiffDirectory directory, TiffDirectory larger)
    {
        double width = directory.Number(TiffTag.ImageWidth) ?? 0, height = directory.Number(TiffTag.ImageLength) ?? 0;
        double across = (larger.Number(TiffTag.ImageWidth) ?? 0) / width, down = (larger.Number(TiffTag.ImageLength) ?? 0) / height;
        return width >= 1 && height >= 1 && Math.Abs(across - down) <= across * ((1.5 / width) + (1.5 / height));
    }

    /// <summary>Why a file without a tiled picture is refused.</summary>
    public static SlideException NoTiles(TiffLayout layout) =>
        // OpenSlide opens masks and reads none of their tiles.
        layout.Directories.Any(TiledImage.IsTiled)
            ? new SlideException(layout.File.Path, SlideFault.UnsupportedFormat, "has masks and no picture") { IsFinal = true }
            : InStrips(layout);

    private static SlideException InStrips(TiffLayout layout) =>
        layout.File.Fault(SlideFault.UnsupportedFormat, "is a TIFF in strips and not in tiles, so no part of it can be read alone; "
            + "rewrite it as a tiled pyramid (vips tiffsave --tile --pyramid --compression jpeg)");

    public static double Area(TiffDirectory directory) =>
        (directory.Number(TiffTag.ImageWidth) ?? 0) * (directory.Number(TiffTag.ImageLength) ?? 0);

    public static bool IsReduced(TiffDirectory directory) =>
        ((long)Math.Clamp(directory.Number(TiffTag.NewSubfileType) ?? 0, 0, 99) & ReducedImage) != 0;

    /// <summary>The images that an image lists as its own; one that can't be read is a note.</summary>
    public static List<TiffDirectory> SubDirectories(TiffLayout layout, TiffDirectory owner)
    {
        long count = owner.Count(TiffTag.SubIfds);
        var found = new List<TiffDirectory>();
        try
        {
            if (count > TiffLimits.Directories)
                throw layout.File.Fault(SlideFault.Corrupt, $"lists {count} sub-images; no slide has so many");
            foreach (long offset in count > 0 ? owner.Integers(TiffTag.SubIfds, count) : [])
                found.Add(TiffDirectory.Read(layout.File, offset, out _));
        }
        catch (SlideException fault)
        {
            layout.Notes.Add(
                $"has sub-images that can't be read ({fault.Reason}); " +
                $"{(found.Count == 0 ? "its finest level serves" : "what was read before them serves")}");
        }
        return found;
    }

    /// <summary>The micro sign as ImageJ and JSON escape it.</summary>
    private static string Micro(string unit) => unit.Replace("\\u00B5", "µ", StringComparison.OrdinalIgnoreCase);

    private static void AddDescription(TiffLayout layout, TiffDirectory finest)
    {
        string text = finest.Text(TiffTag.ImageDescription) ?? "";
        if (text.StartsWith("ImageJ=", StringComparison.Ordinal))
            AddImageJ(layout, finest, text);
        else if (VipsSize().Match(text) is { Success: true } vips)
            AddVips(layout, vips, VipsSizeY().Match(text));
        else if (!AddWritten(layout, text, "the MPP of its description") && PhysicalSize().Match(text) is { Success: true } physical)
            AddPhysical(layout, physical.Groups[1].Value.TrimEnd('.', ','), PhysicalUnit().Match(text), text);
    }

    private static void AddVips(TiffLayout layout, Match across, Match down)
    {
        string source = $"{across.Groups[1].Value} (of libvips)";
        if (across.Groups[1].Value.StartsWith("openslide", StringComparison.Ordinal)
            && PixelSizeStatements.Number(across.Groups[2].Value) is { } x && PixelSizeStatements.Number(down.Groups[1].Value) is { } y)
            layout.Sizes.Add(x, y, source);
        else
            layout.Sizes.Add(across.Groups[2].Value, source);
    }

    /// <summary>
    /// Adds what a text for people gives as its MPP; false where it gives none. Every one, since they may contradict each other; one across
    /// goes with the next one down.
    /// </summary>
    public static bool AddWritten(TiffLayout layout, string text, string source)
    {
        List<Match> written = [.. WrittenSize().Matches(text).Take(MostWritten)];
        var down = new Queue<Match>(written.Where(match => Axis(match) == "Y"));
        foreach (Match match in written.Where(match => Axis(match) != "Y"))
            AddOne(layout, match, Axis(match) == "X" && down.TryDequeue(out Match? other) ? other : null, source);
        // One that is down alone is of both.
        foreach (Match match in down)
            AddOne(layout, match, null, source);
        return written.Count > 0;
    }

    /// <summary>The axis that a size is of, X or Y; nothing where it is of both.</summary>
    private static string Axis(Match written) => (written.Groups["axis"].Success ? written.Groups["axis"].Value
        : written.Groups["unit"].Value.Trim() is "x" or "X" or "y" or "Y" ? written.Groups["unit"].Value.Trim() : "").ToUpperInvariant();

    private static void AddOne(TiffLayout layout, Match across, Match? down, string source)
    {
        string first = Plain(across.Groups["size"].Value);
        string second = Plain(down is not null ? down.Groups["size"].Value : across.Groups["second"].Value);
        if (UnitOf(across) is not { } unit || UnitOf(down ?? across) is not { } unitDown)
        {
            string named = (UnitOf(across) is null ? across : down!).Groups["unit"].Value;
            layout.Sizes.Remark($"has a pixel size in '{named}' in {source}, which is no length");
        }
        else if (PixelSizeStatements.Number(first) is not { } x)
        {
            layout.Sizes.Add(first, source);
        }
        else if (second.Length == 0)
        {
            layout.Sizes.Add(x * unit, x * unit, source);
        }
        else if (PixelSizeStatements.Number(second) is { } y)
        {
            layout.Sizes.Add(x * unit, y * unitDown, source);
        }
        else
        {
            layout.Sizes.Add(second, source);
        }

        static string Plain(string number) => number.TrimEnd('.', ',');
    }

    /// <summary>µm in the unit that stands in brackets; null where that is no length. An axis and a magnification are no units.</summary>
    private static double? UnitOf(Match written)
    {
        string unit = written.Groups["unit"].Value.Trim();
        return unit.Length == 0 || unit is "x" or "X" or "y" or "Y" || Magnification().IsMatch(unit) ? 1
            : LengthUnit.Micrometres(Micro(unit));
    }

    /// <summary>OME's names in the JSON that tifffile writes for arrays.</summary>
    private static void AddPhysical(TiffLayout layout, string size, Match unit, string text)
    {
        const string Source = "PhysicalSizeX of its description";
        Match down = PhysicalSizeY().Match(text), unitDown = PhysicalUnitY().Match(text);
        if (PixelSizeStatements.Number(size) is not { } x)
            layout.Sizes.Add(size, Source);
        else if (Unit(unit) is not { } micrometres)
            layout.Sizes.Remark($"has a pixel size in '{unit.Groups[1].Value}' in {Source}, which is no length");
        else if (!down.Success)
            layout.Sizes.Add(x * micrometres, x * micrometres, Source);
        else if (PixelSizeStatements.Number(down.Groups[1].Value.TrimEnd('.', ',')) is { } y
            && Unit(unitDown.Success ? unitDown : unit) is { } micrometresDown)
            layout.Sizes.Add(x * micrometres, y * micrometresDown, Source);
        else
            layout.Sizes.Remark($"has a PhysicalSizeY of '{down.Groups[1].Value}' in its description, which is no length");

        static double? Unit(Match match) => LengthUnit.Micrometres(match.Success ? Micro(match.Groups[1].Value) : "µm");
    }

    /// <summary>
    /// ImageJ writes pixels per unit into the resolution tags, "none" as their unit, and the true unit into the description.
    /// </summary>
    private static void AddImageJ(TiffLayout layout, TiffDirectory finest, string text)
    {
        if (ImageJUnit().Match(text) is not { Success: true } match || finest.Number(TiffTag.ResolutionUnit) is 2 or 3)
            return;
        if (LengthUnit.Micrometres(Micro(match.Groups[1].Value)) is { } unit
            && finest.Number(TiffTag.XResolution) is > 0 and var x && finest.Number(TiffTag.YResolution) is > 0 and var y)
            layout.Sizes.Add(unit / x, unit / y, "imagej.unit");
    }

    // libvips' metadata as XML, where it keeps what OpenSlide said of the slide that it was made from.
    [GeneratedRegex("""<name>(openslide\.mpp-x|aperio\.MPP)</name>\s*<value[^>]{0,200}>([^<]{1,40})</value>""")]
    private static partial Regex VipsSize();

    [GeneratedRegex("""<name>openslide\.mpp-y</name>\s*<value[^>]{0,200}>([^<]{1,40})</value>""")]
    private static partial Regex VipsSizeY();

    // As MPP, mpp_x, "mpp-x": [0.5, 0.5], MPP (um), MPP (20x), microns_per_pixel. Of a list the second is down.
    [GeneratedRegex(
        """(?<![A-Za-z])(?:MPP|micro(?:n|meter|metre)s?[ _]?per[ _]?pixel)(?:[ _-]?(?<axis>[XY]))?(?:\s?\((?<unit>[^)]{1,20})\))?["']?"""
        + """\s{0,4}[=:]\s{0,4}(?:[\[(]\s{0,4}["']?(?<size>[0-9][0-9.,eE+-]{0,30})"""
        + """(?:(?:(?<=,)|["']?\s{0,4}[,;x×])\s{0,4}["']?(?<second>[0-9][0-9.,eE+-]{0,30})(?![0-9.x×]))?"""
        + """|["'(]{0,2}(?<size>[0-9][0-9.,eE+-]{0,30}))""", RegexOptions.IgnoreCase)]
    private static partial Regex WrittenSize();

    // 20x, x40, 20 ×, 40.
    [GeneratedRegex("""^[x×]?\s?[0-9]{1,3}(?:\.[0-9])?\s?[x×]?$""", RegexOptions.IgnoreCase)]
    private static partial Regex Magnification();

    [GeneratedRegex("""[{,]\s*"PhysicalSizeX"\s*:\s*"?([0-9][0-9.,eE+-]{0,30})""")]
    private static partial Regex PhysicalSize();

    [GeneratedRegex("""[{,]\s*"PhysicalSizeXUnit"\s*:\s*"([^"]{1,20})""")]
    private static partial Regex PhysicalUnit();

    [GeneratedRegex("""[{,]\s*"PhysicalSizeY"\s*:\s*"?([0-9][0-9.,eE+-]{0,30})""")]
    private static partial Regex PhysicalSizeY();

    [GeneratedRegex("""[{,]\s*"PhysicalSizeYUnit"\s*:\s*"([^"]{1,20})""")]
    private static partial Regex PhysicalUnitY();

    [GeneratedRegex("""^unit=(.{1,20}?)\r?$""", RegexOptions.Multiline)]
    private static partial Regex ImageJUnit();
}
