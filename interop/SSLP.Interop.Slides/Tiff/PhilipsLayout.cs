using SSLP.Interop.Slides.Jpeg;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// Philips TIFF. Tiled images are levels, padded to whole tiles; the XML of the first image's description gives each level's pixel spacing
/// (mm, that of rows first), and only with it the true size of the levels after the first. Regions that were not scanned have no tiles.
/// Label and macro are in the XML, as base64 of a JPEG, or images in strips.
/// </summary>
internal static class PhilipsLayout
{
    private const string Representations = "PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE", Spacing = "DICOM_PIXEL_SPACING";

    public static bool Marks(TiffDirectory first) =>
        first.TextHas(TiffTag.ImageDescription, "DPUfsImport") && first.TextHas(TiffTag.ImageDescription, "<DataObject")
            && TiledImage.IsTiled(first);

    public static void Fill(TiffLayout layout)
    {
        TiffDirectory first = layout.Directories[0];
        var root = PhilipsObject.Read(first, pictures: false, out string? broken);
        if (broken is not null)
            layout.Notes.Add($"has an XML description that breaks off ({broken}); what it says before that is used");
        List<PhilipsObject> images = root.Array("PIM_DP_SCANNED_IMAGES");
        PhilipsObject scan = images.Find(image => image.Values.GetValueOrDefault("PIM_DP_IMAGE_TYPE") == "WSI")
            ?? images.Find(image => image.Arrays.ContainsKey(Representations)) ?? new PhilipsObject();
        List<PhilipsObject> levels = InOrder(scan.Array(Representations));
        AddLevels(layout, [.. levels.Select(SpacingOf)]);

        AddProperties(layout, root, "philips.");
        AddProperties(layout, scan, "philips.");
        for (int i = 0; i < levels.Count; i++)
            AddProperties(layout, levels[i], $"philips.{Representations}[{i}].");
        AddSize(layout, scan.Values.GetValueOrDefault(Spacing), "philips.DICOM_PIXEL_SPACING");
        AddSize(layout, levels.FirstOrDefault()?.Values.GetValueOrDefault(Spacing), "philips.DICOM_PIXEL_SPACING of level 0");
        layout.AddTags(first, description: false);
        AddXmlImages(layout, first, images);
    }

    /// <summary>Representations carry their level's number; where all do, it gives their order, else their spacings do.</summary>
    private static List<PhilipsObject> InOrder(List<PhilipsObject> representations)
    {
        const string Number = "PIIM_PIXEL_DATA_REPRESENTATION_NUMBER";
        var numbers = representations.Select(level => PixelSizeStatements.Number(level.Values.GetValueOrDefault(Number))).ToList();
        if (numbers.Contains(null) || numbers.Distinct().Count() < numbers.Count)
            numbers = [.. representations.Select(level => SpacingOf(level)?.X)];
        return numbers.Contains(null)
            ? representations
            : [.. representations.Zip(numbers).OrderBy(pair => pair.Second).Select(pair => pair.First)];
    }

    /// <summary>A level's spacing; null where it has none, or zeros.</summary>
    private static (double X, double Y)? SpacingOf(PhilipsObject level) =>
        ParseSpacing(level.Values.GetValueOrDefault(Spacing)) is { X: > 0, Y: > 0 } spacing ? spacing : null;

    private static void AddLevels(TiffLayout layout, (double X, double Y)?[] spacings)
    {
        int number = 0;
        TiffDirectory first = layout.Directories[0];
        // The spacings are in the order of the levels; a writer may have put those into the file as it liked.
        foreach (TiffDirectory directory in layout.Directories.OrderByDescending(
            directory => directory == first ? double.MaxValue : GenericLayout.Area(directory)))
        {
            if (!AddBeside(layout, directory) && TiledImage.IsTiled(directory)
                && !PyramidLevels.IsMask(directory) && (number == 0 || GenericLayout.IsReduced(directory)))
            {
                AddLevel(layout, directory, number++, spacings);
            }
        }
        if (number != spacings.Length && spacings.Length > 0)
            layout.Notes.Add($"has {number} level{(number == 1 ? "" : "s")} where its XML describes {spacings.Length}");
    }

    private static void AddLevel(TiffLayout layout, TiffDirectory directory, int number, (double X, double Y)?[] spacings)
    {
        TiledImage image;
        try
        {
            image = TiledImage.Read(layout.File, directory, layout.Levels.Count);
        }
        catch (SlideException fault) when (number > 0 && fault.Fault is SlideFault.Corrupt or SlideFault.UnsupportedPixels)
        {
            layout.Notes.Add($"has a level {number} that can't be read ({fault.Reason}); its other levels serve");
            return;
        }
        if (number == 0)
        {
            layout.Levels.Add(new TiffLevel(image, image.Width, image.Height, 1));
            return;
        }
        TiledImage finest = layout.Levels[0].Image;
        // Whole numbers in every file known; the spacings are rounded, and OpenSlide rounds the ratio likewise.
        double downsample = spacings.ElementAtOrDefault(number) is { } own && spacings[0] is { } base0
            ? Math.Round(((own.X / base0.X) + (own.Y / base0.Y)) / 2, MidpointRounding.AwayFromZero) : 0;
        if (!Fits(layout, image, downsample))
        {
            downsample = FromPadding(layout, image);
            layout.Notes.Add(downsample > 0
                ? $"does not say the pixel spacing of level {number} as its image has it; 1/{downsample} of level 0 is taken, from the " +
                    $"padded size"
                : $"has a level {number} whose size fits no part of level 0; it is left out");
        }
        if (downsample > 0)
            layout.Levels.Add(new TiffLevel(image, (int)(finest.Width / downsample), (int)(finest.Height / downsample), downsample));
    }

    /// <summary>Whether the cut level lies inside of the stored image and is smaller than the level before it.</summary>
    private static bool Fits(TiffLayout layout, TiledImage image, double downsample)
    {
        TiledImage finest = layout.Levels[0].Image;
        return downsample > layout.Levels[^1].Downsample
            && (int)(finest.Width / downsample) is >= 1 and var width && width <= image.Width
            && (int)(finest.Height / downsample) is >= 1 and var height && height <= image.Height;
    }

    /// <summary>The power of two that, padded to whole tiles, gives the stored size both ways; 0 where there is none.</summary>
    private static double FromPadding(TiffLayout layout, TiledImage image)
    {
        TiledImage finest = layout.Levels[0].Image;
        for (int shift = 1; shift < 24; shift++)
        {
            if (Padded(finest.Width, image.TileWidth) == image.Width && Padded(finest.Height, image.TileHeight) == image.Height
                && Fits(layout, image, 1 << shift))
                return 1 << shift;

            long Padded(int side, int tile) => ((((side - 1) >> shift) / tile) + 1L) * tile;
        }
        return 0;
    }

    /// <summary>"0.000227273" "0.000227273": mm, that of rows first; one alone is of both.</summary>
    private static (double X, double Y)? ParseSpacing(string? text)
    {
        string[] parts = [.. (text ?? "").Split([' ', '\\', '\t', '\r', '\n', '"', '\''])
            .Select(part => part.Trim(',', ';')).Where(part => part.Length > 0)];
        return parts.Length is 1 or 2 && PixelSizeStatements.Number(parts[^1]) is >= 0 and var x
            && PixelSizeStatements.Number(parts[0]) is >= 0 and var y
            ? (x, y) : null;
    }

    private static void AddSize(TiffLayout layout, string? text, string source)
    {
        if (ParseSpacing(text) is { } spacing)
            layout.Sizes.Add(spacing.X * 1000, spacing.Y * 1000, source);
        else if (text is not null)
            layout.Sizes.Add(text, source);
    }

    private static void AddProperties(TiffLayout layout, PhilipsObject from, string prefix)
    {
        foreach ((string name, string value) in from.Values)
            layout.Properties.TryAdd(prefix + name, value);
    }

    /// <summary>Takes an image that its description calls a label or a macro; false where it is called neither.</summary>
    private static bool AddBeside(TiffLayout layout, TiffDirectory directory)
    {
        string description = PyramidLevels.Description(directory);
        string? name = Array.Find((string[])["label", "macro"], name => description.StartsWith(name, StringComparison.OrdinalIgnoreCase));
        if (name is not null)
            layout.AddAssociated(name, directory);
        return name is not null;
    }

    private static void AddXmlImages(TiffLayout layout, TiffDirectory first, List<PhilipsObject> images)
    {
        foreach ((string name, string type) in (ReadOnlySpan<(string, string)>)[("label", "LABELIMAGE"), ("macro", "MACROIMAGE")])
        {
            if (images.Exists(image => image.Values.GetValueOrDefault("PIM_DP_IMAGE_TYPE") == type))
                layout.Associated.TryAdd(name, () => DecodeXmlImage(layout.File, first, name, type));
        }
    }

    // The picture is not kept from when the slide was opened: thousands may be open, and hardly one is asked for its label.
    private static SlideImage DecodeXmlImage(TiffFile file, TiffDirectory first, string name, string type)
    {
        List<PhilipsObject> images = PhilipsObject.Read(first, pictures: true, out _).Array("PIM_DP_SCANNED_IMAGES");
        PhilipsObject? picture = images.Find(image => image.Values.GetValueOrDefault("PIM_DP_IMAGE_TYPE") == type);
        string base64 = picture?.Values.GetValueOrDefault("PIM_DP_IMAGE_DATA") ?? "";
        byte[] jpeg = new byte[((base64.Length / 4) + 1) * 3];
        if (!Convert.TryFromBase64String(base64, jpeg, out int length)
            || JpegHeader.Read(jpeg.AsSpan(0, length)) is not { Width: > 0, Height: > 0 } header)
            throw file.Fault(SlideFault.Corrupt, $"keeps no JPEG image for its {name} in its XML");
        if ((long)header.Width * header.Height > TiffLimits.ImagePixels)
            throw file.Fault(SlideFault.Corrupt, $"has a {name} in its XML that claims {header.Width} × {header.Height} px");
        byte[] rgb = new byte[header.Width * header.Height * 3];
        string? fault = TileDecoder.Decode(file.Sharing, jpeg.AsSpan(0, length), header.Width, header.Height, rgb);
        return fault is null ? new SlideImage(header.Width, header.Height, rgb)
            : throw file.Fault(SlideFault.Corrupt, $"has a {name} in its XML that can't be decoded: {fault.TrimEnd('.')}");
    }
}
