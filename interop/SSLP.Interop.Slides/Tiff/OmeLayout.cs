namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// OME-TIFF: a description in XML, one image a series, levels as sub-images of it (or, as other programs rewrite such files, as reduced
/// images behind it). Of several series the one with the most pixels is the slide.
/// </summary>
internal static class OmeLayout
{
    private static readonly string[] Besides = ["label", "macro", "thumbnail"];

    public static bool Marks(TiffDirectory first) =>
        (first.TextHas(TiffTag.ImageDescription, "<OME") || first.TextHas(TiffTag.ImageDescription, ":OME "))
        && first.TextHas(TiffTag.ImageDescription, "openmicroscopy.org");

    public static void Fill(TiffLayout layout)
    {
        List<OmeImage> images = OmeImage.Read(layout.Directories[0], out string? broken);
        if (broken is not null)
            layout.Notes.Add($"has OME-XML that breaks off ({broken}); what it says before that is used");
        var series = layout.Directories.Where(directory =>
            TiledImage.IsTiled(directory) && !PyramidLevels.IsMask(directory) && !GenericLayout.IsReduced(directory)).ToList();
        if (series.Count == 0)
        {
            GenericLayout.Fill(layout);
            return;
        }
        TiffDirectory finest = series.MaxBy(GenericLayout.Area)!;
        int index = IndexOf(layout, finest);
        OmeImage? image = Describe(images, finest, index);
        if (image is not null)
            CheckPlanes(layout, finest, image);

        IEnumerable<TiffDirectory> reduced = layout.Directories.Skip(index + 1)
            .TakeWhile(other => GenericLayout.IsReduced(other) || !TiledImage.IsTiled(other)).Where(GenericLayout.IsReduced);
        PyramidLevels.Fill(layout, [finest, .. GenericLayout.SubDirectories(layout, finest), .. reduced]);
        AddBesides(layout, images, image,
            series.Count(other => other != finest && GenericLayout.Area(other) == GenericLayout.Area(finest)));
        AddSize(layout, image);
        layout.AddTags(finest, description: false);
    }

    private static int IndexOf(TiffLayout layout, TiffDirectory directory)
    {
        int index = 0;
        while (layout.Directories[index] != directory)
            index++;
        return index;
    }

    /// <summary>The series of a directory: by its place in the file, else by its size.</summary>
    private static OmeImage? Describe(List<OmeImage> images, TiffDirectory directory, int index)
    {
        bool Fits(OmeImage image) =>
            image.SizeX == directory.Number(TiffTag.ImageWidth) && image.SizeY == directory.Number(TiffTag.ImageLength);
        return images.Find(image => image.Ifd == index && Fits(image)) ?? images.Find(Fits) ?? images.Find(image => image.Ifd == index);
    }

    private static void CheckPlanes(TiffLayout layout, TiffDirectory finest, OmeImage image)
    {
        long samples = finest.Integer(TiffTag.SamplesPerPixel, 1);
        if (image.SizeC > samples)
        {
            // OpenSlide would give the first channel as if it were the picture.
            throw new SlideException(layout.File.Path, SlideFault.UnsupportedPixels,
                $"keeps {image.SizeC} channels as separate images, as fluorescence does; export it as an RGB slide")
            {
                IsFinal = true,
            };
        }
        if (finest.Integer(TiffTag.BitsPerSample, 1) == 16 && image.SignificantBits is > 0 and < 16)
        {
            // Taken for 16 bits, as OpenSlide does, they are a black picture.
            throw new SlideException(layout.File.Path, SlideFault.UnsupportedPixels,
                $"uses {image.SignificantBits} of the 16 bits of its numbers, which would be read as dark; export it as an 8-bit slide")
            {
                IsFinal = true,
            };
        }
        if (image.SizeZ > 1 || image.SizeT > 1)
            layout.Notes.Add(
                $"has {Math.Max(1, image.SizeZ)} focal planes and {Math.Max(1, image.SizeT)} points in time; the first of them is read");
    }

    /// <param name="layout">To be filled.</param>
    /// <param name="images">All that the XML names.</param>
    /// <param name="slide">The one that is read.</param>
    /// <param name="asLarge">Images that have as many pixels as it.</param>
    private static void AddBesides(TiffLayout layout, List<OmeImage> images, OmeImage? slide, int asLarge)
    {
        int others = 0;
        foreach (OmeImage image in images.Where(image => image != slide))
        {
            string? name = Array.Find(Besides, name => image.Name.Contains(name, StringComparison.OrdinalIgnoreCase));
            if (name is not null && image.Ifd >= 0 && image.Ifd < layout.Directories.Count)
                layout.AddAssociated(name, layout.Directories[image.Ifd]);
            else
                others++;
        }
        if (others > 0)
            layout.Notes.Add($"has {others + 1} series; " + (asLarge > 0
                ? $"{asLarge + 1} have the most pixels, and the first of them is read" : "the one with the most pixels is read"));
    }

    private static void AddSize(TiffLayout layout, OmeImage? image)
    {
        if ((image?.SizeAcross ?? image?.SizeDown) is not { } across || (image?.SizeDown ?? image?.SizeAcross) is not { } down)
            return;
        layout.Properties["ome.PhysicalSizeX"] = $"{across.Value} {across.Unit}";
        layout.Properties["ome.PhysicalSizeY"] = $"{down.Value} {down.Unit}";
        // 0 stands for "not known", and one of the two means square pixels.
        if (Micrometres(layout, across) is { } x && Micrometres(layout, down) is { } y)
            layout.Sizes.Add(x > 0 ? x : y, y > 0 ? y : x, "ome.PhysicalSizeX");
    }

    private static double? Micrometres(TiffLayout layout, (string Value, string Unit) size)
    {
        if (PixelSizeStatements.Number(size.Value) is not { } value)
            layout.Sizes.Add(size.Value, "ome.PhysicalSizeX");
        else if (LengthUnit.Micrometres(size.Unit) is { } unit)
            return value * unit;
        else
            layout.Sizes.Remark($"has a pixel size in '{size.Unit}' in ome.PhysicalSizeX, which is no length");
        return null;
    }
}
