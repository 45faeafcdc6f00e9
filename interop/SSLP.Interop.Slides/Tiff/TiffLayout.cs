using System.Globalization;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>A level: an image of the file and what of it is the slide.</summary>
/// <param name="Image">The stored image; it may be padded to whole tiles.</param>
/// <param name="Width">Columns that show the slide, ≤ the image's.</param>
/// <param name="Height">Rows that show the slide, ≤ the image's.</param>
/// <param name="Downsample">Level-0 pixels per pixel.</param>
internal sealed record TiffLevel(TiledImage Image, int Width, int Height, double Downsample);

/// <summary>
/// Which of a file's images are the pyramid, which stand beside it, and what the file says of itself. One class a vendor fills it in.
/// </summary>
internal sealed class TiffLayout
{
    private TiffLayout(TiffFile file, IReadOnlyList<TiffDirectory> directories)
    {
        File = file;
        Directories = directories;
    }

    public TiffFile File { get; }

    /// <summary>The file's main chain, in its order.</summary>
    public IReadOnlyList<TiffDirectory> Directories { get; }

    public string Format { get; private set; } = "generic-tiff";

    /// <summary>Finest first, at least one, all tiled, all of one field.</summary>
    public List<TiffLevel> Levels { get; } = [];

    /// <summary>Images beside the pyramid, decoded when asked for.</summary>
    public SortedDictionary<string, Func<SlideImage>> Associated { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Properties { get; } = new(StringComparer.Ordinal);

    public PixelSizeStatements Sizes { get; } = new();

    /// <summary>What a person should know, but for the pixel size.</summary>
    public List<string> Notes { get; } = [];

    public static TiffLayout Read(TiffFile file)
    {
        List<TiffDirectory> directories = TiffDirectory.ReadAll(file, out string? broken);
        var layout = new TiffLayout(file, directories);
        TiffDirectory first = directories[0];
        RefuseOthersFormats(file, first);
        if (PhilipsLayout.Marks(first))
            layout.Fill("philips", PhilipsLayout.Fill);
        else if (AperioLayout.Marks(first))
            layout.Fill("aperio", AperioLayout.Fill);
        else if (OmeLayout.Marks(first))
            layout.Fill("generic-tiff", OmeLayout.Fill);
        else
            layout.Fill("generic-tiff", GenericLayout.Fill);
        if (broken is not null)
            layout.Notes.Add($"{broken}; what was read before it serves");
        return layout;
    }

    private void Fill(string format, Action<TiffLayout> fill)
    {
        Format = format;
        fill(this);
    }

    // Formats with a grammar of their own on top of TIFF; read as plain TIFF they would give wrong pixels.
    private static void RefuseOthersFormats(TiffFile file, TiffDirectory first)
    {
        string? format =
            first.Has(TiffTag.HamamatsuFormat) ? "Hamamatsu NDPI"
            : first.TextHas(TiffTag.ImageDescription, "leica-microsystems.com/scn") ? "Leica SCN"
            : first.TextHas(TiffTag.Xmp, "<iScan") ? "Ventana BIF"
            : first.TextHas(TiffTag.Software, "MedScan") ? "Trestle TIFF"
            : null;
        if (format is not null)
            throw file.Fault(SlideFault.UnsupportedFormat, $"is a {format}, which the embedded reader does not read");
    }

    /// <summary>Takes an image of the file as one beside the pyramid. Damage in it is a note: it costs no level.</summary>
    public void AddAssociated(string name, TiffDirectory directory)
    {
        if (name.Length == 0 || Associated.ContainsKey(name))
            return;
        try
        {
            var image = TiledImage.Read(File, directory, -1);
            if ((long)image.Width * image.Height > TiffLimits.ImagePixels)
                throw File.Fault(SlideFault.Corrupt, $"it claims {image.Width} × {image.Height} px");
            Associated.Add(name, () => Decode(image));
        }
        catch (SlideException fault)
        {
            Notes.Add($"its image '{Name(name)}' can't be read ({fault.Reason}); the slide itself serves");
        }
    }

    private SlideImage Decode(TiledImage image)
    {
        byte[] rgb = new byte[(long)image.Width * image.Height * 3];
        new TileRegion(File, image, 1).Read(0, 0, image.Width, image.Height, rgb, image.Width * 3);
        return new SlideImage(image.Width, image.Height, rgb);
    }

    /// <summary>Properties and pixel size of the tags that every vendor may write.</summary>
    /// <param name="finest">The directory of level 0.</param>
    /// <param name="description">Whether ImageDescription is for people; XML is not kept.</param>
    public void AddTags(TiffDirectory finest, bool description)
    {
        if (description && finest.Text(TiffTag.ImageDescription) is { Length: > 0 } text)
            Properties["tiff.ImageDescription"] = text;
        if (finest.Text(TiffTag.Make) is { } make)
            Properties["tiff.Make"] = make;
        if (finest.Text(TiffTag.Software) is { } software)
            Properties["tiff.Software"] = software;
        double? x = Resolution(finest, TiffTag.XResolution), y = Resolution(finest, TiffTag.YResolution);
        string? odd = (x is null ? NoNumber(finest, TiffTag.XResolution) : null)
            ?? (y is null ? NoNumber(finest, TiffTag.YResolution) : null);
        if (odd is not null)
            Sizes.Remark($"has resolution tags that are no numbers ({odd}), not used");
        if (x is null && y is null)
            return;
        long unit = UnitOf(finest);
        CultureInfo culture = System.Globalization.CultureInfo.InvariantCulture;
        if (x is { } across)
            Properties["tiff.XResolution"] = across.ToString("R", culture);
        if (y is { } down)
            Properties["tiff.YResolution"] = down.ToString("R", culture);
        Properties["tiff.ResolutionUnit"] = unit switch { 2 => "inch", 3 => "centimeter", _ => "none" };
        Sizes.AddTags(x, y, unit);
    }

    /// <summary>Pixels per unit, of whatever type; a text is one where it is a number.</summary>
    private static double? Resolution(TiffDirectory finest, TiffTag tag) =>
        finest.Number(tag) ?? PixelSizeStatements.Number(finest.Text(tag, 40));

    /// <summary>What a tag without a number holds instead; null where it is absent or zeros, which stand for "not known".</summary>
    private static string? NoNumber(TiffDirectory finest, TiffTag tag) =>
        !finest.Has(tag) || finest.IsZero(tag) ? null
        : finest.Text(tag, 40) is { Length: > 0 } text ? $"'{Name(text)}'" : "a division by zero or an unknown type";

    /// <summary>TIFF 6.0: 1 none, 2 inch (also where the tag is absent), 3 centimetre; as text, where a writer took it for one.</summary>
    private static long UnitOf(TiffDirectory finest)
    {
        if (!finest.Has(TiffTag.ResolutionUnit))
            return 2;
        if (finest.Number(TiffTag.ResolutionUnit) is { } number)
            return (long)Math.Clamp(number, 0, 99);
        return LengthUnit.Micrometres(finest.Text(TiffTag.ResolutionUnit, 20) ?? "") switch
        {
            25_400 => 2,
            10_000 => 3,
            1_000 => 4,
            1 => 5,
            _ => 1,
        };
    }

    /// <summary>A name from a file, fit for a sentence.</summary>
    private static string Name(string name) => string.Concat(name.Where(sign => !char.IsControl(sign)).Take(40));
}
