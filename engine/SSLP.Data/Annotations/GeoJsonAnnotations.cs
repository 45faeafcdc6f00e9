using System.Text.Json;

namespace SSLP.Data.Annotations;

/// <summary>
/// GeoJSON as QuPath exports it, and as programs that pass it on write it: a FeatureCollection, an array of features, one Feature, a
/// GeometryCollection or a bare geometry. Only annotations have a say: detections, cells and tiles are what was found, not what was drawn.
/// </summary>
internal static class GeoJsonAnnotations
{
    /// <exception cref="FormatException">It is no GeoJSON, or a class or coordinate in it can't be understood; says which.</exception>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static void Read(ReadOnlyMemory<byte> utf8, AreaList areas)
    {
        using JsonDocument json = Parse(utf8);
        AddAny(json.RootElement, areas);
    }

    /// <summary>QuPath writes NaN and Infinity where a measurement has no value, which JSON has not: they are read as null.</summary>
    private static JsonDocument Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            return JsonDocument.Parse(utf8);
        }
        catch (JsonException)
        {
            if (WithoutNotANumber(utf8.Span) is not { } plain)
                throw;
            return JsonDocument.Parse(plain);
        }
    }

    /// <returns>Null where there is none of them.</returns>
    private static byte[]? WithoutNotANumber(ReadOnlySpan<byte> json)
    {
        var plain = new List<byte>(json.Length + 64);
        bool inText = false, found = false;
        for (int i = 0; i < json.Length; i++)
        {
            byte c = json[i];
            if (c == '"')
                inText = !inText;
            else if (inText && c == '\\' && i + 1 < json.Length)
            {
                plain.Add(c);
                c = json[++i];
            }
            else if (!inText && (c is (byte)'N' or (byte)'I' or (byte)'-'))
            {
                ReadOnlySpan<byte> rest = json[i..];
                int length = rest.StartsWith("NaN"u8) ? 3 : rest.StartsWith("Infinity"u8) ? 8 : rest.StartsWith("-Infinity"u8) ? 9 : 0;
                if (length > 0)
                {
                    found = true;
                    plain.AddRange("null"u8);
                    i += length - 1;
                    continue;
                }
            }
            plain.Add(c);
        }
        return found ? [.. plain] : null;
    }

    private static void AddAny(JsonElement element, AreaList areas)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray())
                AddAny(item, areas);
            return;
        }
        if (element.ValueKind == JsonValueKind.Null)
        {
            areas.Leave("empty feature");
            return;
        }
        string? type = Text(element, "type");
        if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty("features", out JsonElement features))
            AddAny(features, areas);
        else if (element.ValueKind == JsonValueKind.Object && (type == "Feature" || element.TryGetProperty("geometry", out _)))
            AddFeature(element, areas);
        else if (type is "FeatureCollection" or null)
            throw new FormatException("it has no features");
        else
            AddGeometry(element, null, areas);
    }

    private static void AddFeature(JsonElement feature, AreaList areas)
    {
        string? kind = KindOf(feature);
        if (kind is not null && !kind.Contains("annotation", StringComparison.OrdinalIgnoreCase))
        {
            areas.Leave($"of type {kind} (only annotations count)");
            return;
        }
        if (feature.TryGetProperty("geometry", out JsonElement geometry) && geometry.ValueKind == JsonValueKind.Object)
            AddGeometry(geometry, QuPathClass.Of(feature), areas);
        else
            areas.Leave("without geometry");
        if (feature.TryGetProperty("childObjects", out JsonElement children) && children.ValueKind == JsonValueKind.Array)
            AddAny(children, areas);
    }

    /// <summary>QuPath 0.3 and later say objectType, 0.2 object_type, older ones a class name as id.</summary>
    private static string? KindOf(JsonElement feature)
    {
        if (feature.TryGetProperty("properties", out JsonElement properties)
            && (Text(properties, "objectType") ?? Text(properties, "object_type")) is { } kind)
            return kind;
        return Text(feature, "id") is { } id && id.StartsWith("Path", StringComparison.Ordinal)
            && id.EndsWith("Object", StringComparison.Ordinal) ? id : null;
    }

    private static void AddGeometry(JsonElement geometry, string? className, AreaList areas)
    {
        string type = Text(geometry, "type") ?? throw new FormatException("a geometry does not say its type");
        switch (type)
        {
            case "Polygon":
                AddPolygon(geometry.GetProperty("coordinates"), className, areas);
                break;
            case "MultiPolygon":
                JsonElement polygons = geometry.GetProperty("coordinates");
                if (polygons.GetArrayLength() == 0)
                    areas.Leave("empty geometry");
                foreach (JsonElement polygon in polygons.EnumerateArray())
                    AddPolygon(polygon, className, areas);
                break;
            case "GeometryCollection":
                foreach (JsonElement member in geometry.GetProperty("geometries").EnumerateArray())
                    AddGeometry(member, className, areas);
                break;
            case "Point" or "MultiPoint" or "LineString" or "MultiLineString":
                areas.Leave($"of geometry {type} (no area)");
                break;
            default:
                areas.Leave($"of geometry {type}, which GeoJSON does not know");
                break;
        }
    }

    private static void AddPolygon(JsonElement rings, string? className, AreaList areas)
    {
        areas.Add(IgnoredClass.Is(className) ? AreaKind.Ignored : AreaKind.Region, className,
            [.. rings.EnumerateArray().Select(ring => ring.EnumerateArray().Select(Point).ToArray())]);
    }

    private static (double X, double Y) Point(JsonElement point) => point.GetArrayLength() >= 2
        ? point[0].ValueKind == JsonValueKind.Number && point[1].ValueKind == JsonValueKind.Number
            ? (point[0].GetDouble(), point[1].GetDouble())
            : throw new FormatException($"a point is {point.GetRawText()}, and two numbers are wanted")
        : throw new FormatException("a point has fewer than two coordinates");

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value)
        && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
