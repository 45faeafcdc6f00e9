namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>Every property in which OpenSlide's formats state a pixel size.</summary>
internal static class OpenSlidePixelSize
{
    /// <summary>Vendors' own properties in µm per pixel, for files where OpenSlide makes no openslide.mpp-x of them.</summary>
    private static readonly (string X, string Y)[] Vendors =
    [
        ("aperio.MPP", "aperio.MPP"),
        ("ventana.ScanRes", "ventana.ScanRes"),
        ("mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_X", "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_Y"),
    ];

    public static PixelSize Find(IReadOnlyDictionary<string, string> properties)
    {
        var sizes = new PixelSizeStatements();
        Add("openslide.mpp-x", "openslide.mpp-y");
        foreach ((string x, string y) in Vendors)
            Add(x, y);
        AddSpacing("philips.DICOM_PIXEL_SPACING");
        AddSpacing("dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing");
        // OpenSlide 3.4 leaves the tags of generic TIFF as it finds them.
        long unit = properties.GetValueOrDefault("tiff.ResolutionUnit") switch { "centimeter" => 3, "inch" => 2, _ => 1 };
        sizes.AddTags(Number("tiff.XResolution"), Number("tiff.YResolution"), unit);
        return sizes.Result();

        double? Number(string key) => PixelSizeStatements.Number(properties.GetValueOrDefault(key));

        void Add(string keyX, string keyY)
        {
            if (Number(keyX) is { } x)
                sizes.Add(x, Number(keyY) ?? x, keyX);
            else if (properties.GetValueOrDefault(keyX) is { } text)
                sizes.Add(text, keyX);
        }

        // Millimetres, that of rows first.
        void AddSpacing(string key)
        {
            string[] parts = (properties.GetValueOrDefault(key) ?? "").Split([' ', '\\'], StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 2 && PixelSizeStatements.Number(parts[0]) is { } y && PixelSizeStatements.Number(parts[1]) is { } x)
                sizes.Add(x * 1000, y * 1000, key);
        }
    }
}
