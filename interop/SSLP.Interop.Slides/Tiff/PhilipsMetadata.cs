using System.Xml;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// An object of Philips' XML: attributes with a text, and attributes that are an array of objects. A slide is one "DPUfsImport" with an
/// array of scanned images (WSI, LABELIMAGE, MACROIMAGE), the first with an array of pixel data representations, one a level.
/// </summary>
internal sealed class PhilipsObject
{
    private const int MostDepth = 32;

    /// <summary>Texts longer than this are pictures; they are kept only where they are asked for.</summary>
    private const int MostText = 4096;

    public Dictionary<string, string> Values { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, List<PhilipsObject>> Arrays { get; } = new(StringComparer.Ordinal);

    /// <summary>The objects of an array; none where it is absent.</summary>
    public List<PhilipsObject> Array(string name) => Arrays.GetValueOrDefault(name) ?? [];

    /// <summary>Reads a directory's description.</summary>
    /// <param name="directory">The directory of level 0.</param>
    /// <param name="pictures">Whether to keep long texts.</param>
    /// <param name="broken">Where the XML breaks off; null where it is whole.</param>
    public static PhilipsObject Read(TiffDirectory directory, bool pictures, out string? broken)
    {
        var root = new PhilipsObject();
        broken = SlideXml.Read(directory, reader =>
        {
            if (reader.MoveToContent() == XmlNodeType.Element)
                root.ReadContent(reader, pictures, 0);
        });
        return root;
    }

    /// <summary>From the start tag of an object to its end tag.</summary>
    private void ReadContent(XmlReader reader, bool pictures, int depth)
    {
        int level = reader.Depth;
        if (reader.IsEmptyElement)
            return;
        reader.Read();
        while (!reader.EOF && reader.Depth > level)
        {
            if (reader.NodeType == XmlNodeType.Element && reader.LocalName == "Attribute" && depth < MostDepth)
                ReadAttribute(reader, pictures, depth);
            else if (reader.NodeType == XmlNodeType.Element)
                reader.Skip();
            else
                reader.Read();
        }
    }

    /// <summary>From the start tag of an attribute to what follows its end tag.</summary>
    private void ReadAttribute(XmlReader reader, bool pictures, int depth)
    {
        string name = reader.GetAttribute("Name") ?? "";
        int level = reader.Depth;
        if (reader.IsEmptyElement)
        {
            reader.Read();
            return;
        }
        reader.Read();
        string text = "";
        while (!reader.EOF && reader.Depth > level)
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element when reader.LocalName == "DataObject":
                    var child = new PhilipsObject();
                    if (!Arrays.TryGetValue(name, out List<PhilipsObject>? array))
                        Arrays.Add(name, array = []);
                    // Listed before it is read: what a broken text still told of it stays.
                    array.Add(child);
                    child.ReadContent(reader, pictures, depth + 1);
                    reader.Read();
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA:
                    text = reader.Value;
                    reader.Read();
                    break;
                default:
                    reader.Read();
                    break;
            }
        }
        reader.Read();
        if (text.Length > 0 && (pictures || text.Length <= MostText))
            Values.TryAdd(name, text);
    }
}
