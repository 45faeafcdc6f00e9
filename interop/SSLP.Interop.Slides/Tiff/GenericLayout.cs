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
            layout.Sizes.Add(vips.Groups[2].Value, $"{vips.Groups[1].Value} (of libvips)");
        else if (SizeIn(text) is { } written)
            layout.Sizes.Add(written, "the MPP of its description");
        else if (PhysicalSize().Match(text) is { Success: true } physical)
            AddPhysical(layout, physical.Groups[1].Value.TrimEnd('.', ','), PhysicalUnit().Match(text));
    }

    /// <summary>The number that a text for people gives as its MPP; null where it gives none.</summary>
    public static string? SizeIn(string text) =>
        WrittenSize().Match(text) is { Success: true } written ? written.Groups[1].Value.TrimEnd('.', ',') : null;

    /// <summary>OME's names in the JSON that tifffile writes for arrays.</summary>
    private static void AddPhysical(TiffLayout layout, string size, Match unit)
    {
        const string Source = "PhysicalSizeX of its description";
        if (PixelSizeStatements.Number(size) is not { } value)
            layout.Sizes.Add(size, Source);
        else if (LengthUnit.Micrometres(unit.Success ? Micro(unit.Groups[1].Value) : "µm") is { } micrometres)
            layout.Sizes.Add(value * micrometres, value * micrometres, Source);
        else
            layout.Sizes.Remark($"has a pixel size in '{unit.Groups[1].Value}' in {Source}, which is no length");
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

    // As MPP, mpp_x, "mpp-x": [0.5, 0.5], MPP (um), microns_per_pixel.
    [GeneratedRegex(
        """(?<![A-Za-z])(?:MPP|micro(?:n|meter|metre)s?[ _]?per[ _]?pixel)(?:[ _-]?X)?(?:\s?\([^)]{1,8}\))?["']?"""
        + """\s{0,4}[=:]\s{0,4}[\[("']{0,2}([0-9][0-9.,eE+-]{0,30})""", RegexOptions.IgnoreCase)]
    private static partial Regex WrittenSize();

    [GeneratedRegex("""[{,]\s*"PhysicalSizeX"\s*:\s*"?([0-9][0-9.,eE+-]{0,30})""")]
    private static partial Regex PhysicalSize();

    [GeneratedRegex("""[{,]\s*"PhysicalSizeXUnit"\s*:\s*"([^"]{1,20})""")]
    private static partial Regex PhysicalUnit();

    [GeneratedRegex("""^unit=(.{1,20}?)\r?$""", RegexOptions.Multiline)]
    private static partial Regex ImageJUnit();
}
