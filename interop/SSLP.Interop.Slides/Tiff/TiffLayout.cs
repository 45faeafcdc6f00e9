using System.Globalization;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>Which of a file's images are the pyramid and which stand beside it.</summary>
internal sealed class TiffLayout
{
    private const string AperioMark = "Aperio";

    private readonly TiffFile file;
    private readonly SortedDictionary<string, TiledImage> associated = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> properties = new(StringComparer.Ordinal);
    private readonly List<TiledImage> levels = [];

    private TiffLayout(TiffFile file) => this.file = file;

    public required string Format { get; init; }

    /// <summary>Finest first, at least one, all tiled, all of one shape.</summary>
    public IReadOnlyList<TiledImage> Levels => levels;

    public IReadOnlyDictionary<string, TiledImage> Associated => associated;

    public IReadOnlyDictionary<string, string> Properties => properties;

    public Mpp? Mpp { get; private set; }

    public static TiffLayout Read(TiffFile file)
    {
        var directories = TiffDirectory.ReadAll(file);
        var first = directories[0];
        RefuseOthersFormats(file, first);
        string description = first.Text(TiffTag.ImageDescription) ?? "";
        bool aperio = description.StartsWith(AperioMark, StringComparison.Ordinal);
        if (!TiledImage.IsTiled(first))
            throw file.Fault(SlideFault.UnsupportedFormat, "is a TIFF in strips and not in tiles, so no part of it can be read alone; rewrite it as a tiled pyramid (vips tiffsave --tile --pyramid --compression jpeg)");

        var layout = new TiffLayout(file) { Format = aperio ? "aperio" : "generic-tiff" };
        layout.AddLevels(directories, aperio);
        layout.AddProperties(first, description, aperio);
        return layout;
    }

    // Formats with a grammar of their own on top of TIFF; read as plain TIFF they would give wrong pixels.
    private static void RefuseOthersFormats(TiffFile file, TiffDirectory first)
    {
        string? format =
            first.Has(TiffTag.HamamatsuFormat) ? "Hamamatsu NDPI"
            : Has(first.Text(TiffTag.ImageDescription), "leica-microsystems.com/scn") ? "Leica SCN"
            : Has(first.Text(TiffTag.Xmp), "<iScan") ? "Ventana BIF"
            : Has(first.Text(TiffTag.Software), "Philips") ? "Philips TIFF"
            : Has(first.Text(TiffTag.Software), "MedScan") ? "Trestle TIFF"
            : null;
        if (format is not null)
            throw file.Fault(SlideFault.UnsupportedFormat, $"is a {format}, which the embedded reader does not read");

        static bool Has(string? text, string mark) => text?.Contains(mark, StringComparison.Ordinal) == true;
    }

    private void AddLevels(List<TiffDirectory> directories, bool aperio)
    {
        levels.Add(TiledImage.Read(file, directories[0], 0));
        foreach (var directory in SubDirectories(directories[0]))
            AddLevel(directory);
        for (int i = 1; i < directories.Count; i++)
        {
            if (aperio && !TiledImage.IsTiled(directories[i]))
                AddAssociated(directories[i], i);
            else if (aperio || (directories[i].Integer(TiffTag.NewSubfileType, 0) & 1) != 0)
                AddLevel(directories[i]);
        }
    }

    private List<TiffDirectory> SubDirectories(TiffDirectory first)
    {
        long count = first.Count(TiffTag.SubIfds);
        if (count > TiffLimits.Directories)
            throw file.Fault(SlideFault.Corrupt, $"lists {count} sub-images; no slide has so many");
        var found = new List<TiffDirectory>();
        foreach (long offset in count > 0 ? first.Integers(TiffTag.SubIfds, count) : [])
            found.Add(TiffDirectory.Read(file, offset, out _));
        return found;
    }

    /// <summary>Takes a tiled image as the next level if it is smaller than the last and shows the same field.</summary>
    private void AddLevel(TiffDirectory directory)
    {
        if (!TiledImage.IsTiled(directory))
            return;
        var image = TiledImage.Read(file, directory, levels.Count);
        var finest = levels[0];
        double across = (double)finest.Width / image.Width, down = (double)finest.Height / image.Height;
        // Sizes are rounded, so a coarse level's shape may be off by a pixel each way.
        double tolerance = Math.Max(across, down) * ((1.5 / image.Width) + (1.5 / image.Height));
        if (image.Width < levels[^1].Width && image.Height <= levels[^1].Height && Math.Abs(across - down) <= tolerance)
            levels.Add(image);
    }

    /// <summary>The second image of an SVS is its thumbnail; others are named by the second line of their description.</summary>
    private void AddAssociated(TiffDirectory directory, int index)
    {
        string? line = directory.Text(TiffTag.ImageDescription)?.Split('\n').ElementAtOrDefault(1)?.Trim();
        string? name = index == 1 ? "thumbnail" : line?.Split(' ')[0];
        if (string.IsNullOrEmpty(name) || associated.ContainsKey(name))
            return;
        var image = TiledImage.Read(file, directory, -1);
        if ((long)image.Width * image.Height > TiffLimits.ImagePixels)
            throw file.Fault(SlideFault.Corrupt, $"has an image '{name}' of {image.Width} × {image.Height} px; copy the file again");
        associated.Add(name, image);
    }

    private void AddProperties(TiffDirectory first, string description, bool aperio)
    {
        if (description.Length > 0)
            properties["tiff.ImageDescription"] = description;
        if (first.Text(TiffTag.Make) is { } make)
            properties["tiff.Make"] = make;
        if (first.Text(TiffTag.Software) is { } software)
            properties["tiff.Software"] = software;
        if (aperio)
            AddAperioProperties(description);
        else
            Mpp = FromResolution(first);
    }

    /// <summary>"…header…|AppMag = 20|MPP = 0.4990|…"</summary>
    private void AddAperioProperties(string description)
    {
        foreach (string part in description.Split('|').Skip(1))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                properties["aperio." + part[..equals].Trim()] = part[(equals + 1)..].Trim();
        }
        if (properties.TryGetValue("aperio.MPP", out string? text)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double mpp))
            Mpp = Mpp.FromFile(mpp, mpp, "aperio.MPP");
    }

    private Mpp? FromResolution(TiffDirectory first)
    {
        if (first.Rational(TiffTag.XResolution) is not { } x || first.Rational(TiffTag.YResolution) is not { } y)
            return null;
        // TIFF 6.0: 1 none, 2 inch (also where the tag is absent), 3 centimetre.
        long unit = first.Integer(TiffTag.ResolutionUnit, 2);
        properties["tiff.XResolution"] = x.ToString("R", CultureInfo.InvariantCulture);
        properties["tiff.YResolution"] = y.ToString("R", CultureInfo.InvariantCulture);
        properties["tiff.ResolutionUnit"] = unit switch { 2 => "inch", 3 => "centimeter", _ => "none" };
        double micrometres = unit switch { 2 => 25_400, 3 => 10_000, _ => 0 };
        return Mpp.FromFile(micrometres / x, micrometres / y, "tiff.ResolutionUnit");
    }
}
