namespace SSLP.Interop.Slides.Tiff;

/// <summary>Tells the levels of a pyramid from masks, macros and other images that merely look like levels.</summary>
internal static class PyramidLevels
{
    private const long MaskFlag = 4;

    /// <summary>Names by which writers call images that are no levels.</summary>
    private static readonly string[] Besides = ["macro", "label", "thumbnail", "overview", "barcode"];

    /// <summary>Whether an image says where a picture is transparent, and is none itself.</summary>
    public static bool IsMask(TiffDirectory directory) =>
        ((long)Math.Clamp(directory.Number(TiffTag.NewSubfileType) ?? 0, 0, 99) & MaskFlag) != 0
        || directory.Number(TiffTag.PhotometricInterpretation) == (double)TiffPhotometric.Mask;

    /// <summary>Fills <see cref="TiffLayout.Levels"/>. What is left out is a note.</summary>
    /// <param name="layout">To be filled.</param>
    /// <param name="candidates">The finest level, then all that may be others of it, in any order.</param>
    /// <param name="lookAtHalvings">
    /// Look also at images that are a half, a quarter, … of the finest: the file lists them beside each other only, as it does macros.
    /// </param>
    /// <exception cref="SlideException">The finest level can't be read, or the file ends before a level's tiles.</exception>
    public static void Fill(TiffLayout layout, IEnumerable<TiffDirectory> candidates, bool lookAtHalvings = false)
    {
        TiffDirectory[] all = [.. candidates];
        var finest = TiledImage.Read(layout.File, all[0], 0);
        layout.Levels.Add(new TiffLevel(finest, finest.Width, finest.Height, 1));
        (int masks, int others) = (0, 0);
        IEnumerable<TiffDirectory> tiled = all.Skip(1).Where(TiledImage.IsTiled);
        foreach (TiffDirectory directory in tiled.OrderByDescending(directory => directory.Number(TiffTag.ImageWidth) ?? 0))
        {
            if (IsMask(directory))
                masks++;
            else if (!TryAdd(layout, directory, lookAtHalvings))
                others++;
        }
        if (masks > 0)
            layout.Notes.Add($"has {masks} mask{(masks == 1 ? "" : "s")} beside its levels, left out");
        if (others > 0)
            layout.Notes.Add(
                $"has {others} tiled image{(others == 1 ? "" : "s")} of another field, shape or scale among its levels, left out");
    }

    private static bool TryAdd(TiffLayout layout, TiffDirectory directory, bool lookAtHalvings)
    {
        (TiledImage finest, TiledImage last) = (layout.Levels[0].Image, layout.Levels[^1].Image);
        double width = directory.Number(TiffTag.ImageWidth) ?? 0, height = directory.Number(TiffTag.ImageLength) ?? 0;
        if (width < 1 || height < 1 || width >= last.Width || height > last.Height || IsNamedOtherwise(directory))
            return false;
        double across = finest.Width / width, down = finest.Height / height;
        // Sizes are rounded, so a coarse level's shape may be off by a pixel each way.
        double tolerance = (1.5 / width) + (1.5 / height);
        if (Math.Abs(across - down) > Math.Max(across, down) * tolerance || !IsWhole(across, 1.5 / width) || !IsWhole(down, 1.5 / height))
            return false;
        try
        {
            var image = TiledImage.Read(layout.File, directory, layout.Levels.Count);
            if (image.Pixels.IsGrey != finest.Pixels.IsGrey)
                return false;
            if (!IsHalving(across, 1.5 / width) ? FieldCheck.ShowsTheSame(layout.File, last, image) != true
                : lookAtHalvings && FieldCheck.ShowsAnother(layout.File, last, image))
                return false;
            layout.Levels.Add(new TiffLevel(image, image.Width, image.Height, (across + down) / 2));
            return true;
        }
        catch (SlideException fault)
            when (fault.Fault is not (SlideFault.Truncated or SlideFault.NotReadable))
        {
            layout.Notes.Add($"has a level of {width} × {height} px that can't be read ({fault.Reason}); its other levels serve");
            return true;
        }
    }

    /// <summary>Whether its description begins with a name that writers give to images beside the pyramid.</summary>
    public static bool IsNamedOtherwise(TiffDirectory directory)
    {
        string description = Description(directory);
        return Array.Exists(Besides, name => description.StartsWith(name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The beginning of an image's description; empty where there is none or it can't be read.</summary>
    public static string Description(TiffDirectory directory)
    {
        try
        {
            return directory.Text(TiffTag.ImageDescription, 64)?.TrimStart() ?? "";
        }
        catch (SlideException)
        {
            return "";
        }
    }

    /// <summary>
    /// Levels are whole parts of the finest, but for the rounding of their sizes. Halvings are taken as they are; thirds and the like are
    /// looked at.
    /// </summary>
    private static bool IsWhole(double downsample, double tolerance)
    {
        double nearest = Math.Round(downsample);
        return nearest > 1 && Math.Abs((downsample / nearest) - 1) <= tolerance;
    }

    private static bool IsHalving(double downsample, double tolerance)
    {
        double nearest = Math.Pow(2, Math.Round(Math.Log2(downsample)));
        return Math.Abs((downsample / nearest) - 1) <= tolerance;
    }
}
