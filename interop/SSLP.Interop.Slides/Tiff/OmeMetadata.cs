using System.Globalization;
using System.Xml;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>One image ("series") of OME-XML.</summary>
internal sealed class OmeImage
{
    public string Name { get; init; } = "";

    /// <summary>Index of its first plane among the file's main directories; −1 where the XML does not say.</summary>
    public int Ifd { get; set; } = -1;

    public long SizeX { get; set; }

    public long SizeY { get; set; }

    public long SizeC { get; set; }

    public long SizeZ { get; set; }

    public long SizeT { get; set; }

    /// <summary>Bits of a number that are used; 0 where the XML does not say.</summary>
    public long SignificantBits { get; set; }

    /// <summary>Size of a pixel across with its unit; null where absent.</summary>
    public (string Value, string Unit)? SizeAcross { get; set; }

    /// <summary>Size of a pixel down.</summary>
    public (string Value, string Unit)? SizeDown { get; set; }

    /// <summary>Reads all images of a directory's OME-XML, in its order.</summary>
    /// <param name="directory">The file's first directory.</param>
    /// <param name="broken">Where the XML breaks off; null where it is whole.</param>
    public static List<OmeImage> Read(TiffDirectory directory, out string? broken)
    {
        var images = new List<OmeImage>();
        broken = SlideXml.Read(directory, reader =>
        {
            while (reader.Read())
            {
                if (reader.NodeType == XmlNodeType.Element)
                    Take(reader, images);
            }
        });
        return images;
    }

    private static void Take(XmlReader reader, List<OmeImage> images)
    {
        switch (reader.LocalName)
        {
            case "Image" when reader.GetAttribute("ID") is not null:
                images.Add(new OmeImage { Name = reader.GetAttribute("Name") ?? "" });
                break;
            case "Pixels" when images.Count > 0:
                images[^1].TakePixels(reader);
                break;
            case "TiffData" when images.Count > 0 && images[^1].Ifd < 0:
                images[^1].Ifd = (int)Math.Clamp(Whole(reader, "IFD", images.Count == 1 ? 0 : -1), -1, TiffLimits.Directories);
                break;
        }
    }

    private void TakePixels(XmlReader reader)
    {
        SizeX = Whole(reader, "SizeX", 0);
        SizeY = Whole(reader, "SizeY", 0);
        SizeC = Whole(reader, "SizeC", 1);
        SizeZ = Whole(reader, "SizeZ", 1);
        SizeT = Whole(reader, "SizeT", 1);
        SignificantBits = Whole(reader, "SignificantBits", 0);
        SizeAcross = Physical(reader, "PhysicalSizeX");
        SizeDown = Physical(reader, "PhysicalSizeY");
    }

    // The schema's unit where none stands is µm.
    private static (string Value, string Unit)? Physical(XmlReader reader, string name) =>
        reader.GetAttribute(name) is { } value
            ? (value, reader.GetAttribute(name + "Unit") is { Length: > 0 } unit ? unit : "µm") : null;

    private static long Whole(XmlReader reader, string name, long absent) =>
        long.TryParse(reader.GetAttribute(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out long value) ? value : absent;
}
