using System.Globalization;
using System.Xml;

namespace SSLP.Data.Annotations;

/// <summary>
/// ASAP's XML, the form of CAMELYON16's and CAMELYON17's annotations: closed outlines of corners in level-0 pixels, each part of a group.
/// The groups _0, _1 and Tumor of CAMELYON16 are its class tumor; _2 and Exclusion lie inside a tumour and are holes of it. Other groups
/// are classes.
/// </summary>
internal static class AsapAnnotations
{
    private const string Tumor = "tumor";

    /// <summary>Types that enclose something.</summary>
    private static readonly string[] Areas = ["Polygon", "Spline", "Rectangle"];

    /// <exception cref="XmlException">It is no well-formed XML, or has a document type.</exception>
    /// <exception cref="FormatException">It is no ASAP XML, or a coordinate is no number.</exception>
    public static void Read(Stream xml, AreaList areas)
    {
        // No document type: entities of a foreign file could read other files or grow without bound.
        using var reader = XmlReader.Create(xml, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
        reader.MoveToContent();
        if (reader.Name != "ASAP_Annotations")
            throw new FormatException($"its root is <{reader.Name}> and not ASAP's <ASAP_Annotations>");
        List<(string? Group, double X, double Y, int Order)> corners = [];
        string? type = null, group = null;
        var found = new List<(string? Group, (double X, double Y)[] Corners)>();
        while (reader.Read())
        {
            if (reader.NodeType == XmlNodeType.Element && reader.Name == "Annotation")
            {
                (type, group) = (reader.GetAttribute("Type"), reader.GetAttribute("PartOfGroup"));
                corners.Clear();
                if (reader.IsEmptyElement)
                    areas.Leave("empty geometry");
            }
            else if (reader.NodeType == XmlNodeType.Element && reader.Name == "Coordinate")
                corners.Add((group, Number(reader, "X"), Number(reader, "Y"), (int)Number(reader, "Order", corners.Count)));
            else if (reader.NodeType == XmlNodeType.EndElement && reader.Name == "Annotation")
            {
                // A spline goes through its corners; the outline of CAMELYON's is as dense as a polygon's.
                if (Areas.Contains(type, StringComparer.OrdinalIgnoreCase))
                    found.Add((group, [.. corners.OrderBy(corner => corner.Order).Select(corner => (corner.X, corner.Y))]));
                else
                    areas.Leave($"of type {type ?? "unnamed"} (no area)");
            }
        }
        // _2 is a hole in CAMELYON16's naming only.
        bool camelyon16 = found.Exists(entry => entry.Group is "_0" or "_1");
        foreach ((string? name, (double X, double Y)[] outline) in found)
        {
            bool hole = string.Equals(name, "Exclusion", StringComparison.OrdinalIgnoreCase) || (camelyon16 && name == "_2");
            string? className = name is "_0" or "_1" || string.Equals(name, Tumor, StringComparison.OrdinalIgnoreCase) ? Tumor
                : name is null or "" or "None" ? null : name;
            AreaKind kind = hole ? AreaKind.Hole : IgnoredClass.Is(className) ? AreaKind.Ignored : AreaKind.Region;
            areas.Add(kind, hole ? null : className, outline.Length == 0 ? [] : [outline]);
        }
    }

    private static double Number(XmlReader reader, string attribute, double? missing = null)
    {
        string? text = reader.GetAttribute(attribute);
        if (text is null && missing is double value)
            return value;
        // ASAP on a system with decimal commas writes them.
        return double.TryParse(text?.Replace(',', '.'), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw new FormatException($"a corner's {attribute} is '{text}', which is no number");
    }
}
