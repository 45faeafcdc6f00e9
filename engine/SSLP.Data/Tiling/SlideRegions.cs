using System.Text.Json;
using SSLP.Data.Files;

namespace SSLP.Data.Tiling;

/// <summary>
/// Regions drawn on a slide, from the GeoJSON that QuPath exports: Polygon and MultiPolygon features, coordinates in level-0 pixels,
/// classification in <c>properties.classification.name</c>. A region whose class is "Ignore*", "Exclude", "Artefact" or "Artifact" (case
/// plays no part) is left out; where there are other regions, only what lies in them is taken.
/// </summary>
public sealed class SlideRegions
{
    private static readonly string[] ExcludingClasses = ["Ignore*", "Exclude", "Artefact", "Artifact"];

    /// <summary>Samples per side of a patch: the share of it inside a region is known to 1/64.</summary>
    private const int Samples = 8;

    private readonly List<Polygon> _included = [];
    private readonly List<Polygon> _excluded = [];

    /// <summary>Reads the regions of a slide; null where the folder has none for it, and the whole slide is taken.</summary>
    /// <exception cref="Fault">The file is no GeoJSON, or a polygon in it is none.</exception>
    public static SlideRegions? Find(string folder, string slideName)
    {
        foreach (string stem in (string[])[slideName, Path.ChangeExtension(slideName, null)])
            if (Path.Combine(folder, stem + ".geojson") is { } path && File.Exists(path))
                return Read(path);
        return null;
    }

    /// <inheritdoc cref="Find"/>
    public static SlideRegions Read(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var regions = new SlideRegions();
            foreach (JsonElement feature in Features(json.RootElement))
                regions.Add(feature);
            return regions;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or FormatException)
        {
            throw new Fault(FaultKind.Input, $"{path} is no GeoJSON of polygons as QuPath exports it ({e.Message})", e);
        }
    }

    /// <summary>Whether at least half of a rectangle (level-0 px) is wanted, and less than half of it is left out.</summary>
    public bool Takes(double left, double top, double right, double bottom)
    {
        int inside = 0, outside = 0;
        for (int i = 0; i < Samples * Samples; i++)
        {
            double x = left + ((right - left) * ((i % Samples) + 0.5) / Samples), y = top + ((bottom - top) * ((i / Samples) + 0.5) / Samples);
            if (_excluded.Exists(polygon => polygon.Contains(x, y)))
                outside++;
            else if (_included.Count == 0 || _included.Exists(polygon => polygon.Contains(x, y)))
                inside++;
        }
        return inside * 2 >= Samples * Samples && outside * 2 < Samples * Samples;
    }

    private static JsonElement.ArrayEnumerator Features(JsonElement root) =>
        root.ValueKind == JsonValueKind.Array ? root.EnumerateArray() : root.GetProperty("features").EnumerateArray();

    private void Add(JsonElement feature)
    {
        JsonElement geometry = feature.GetProperty("geometry");
        string? type = geometry.GetProperty("type").GetString();
        if (type is not ("Polygon" or "MultiPolygon"))
            return;
        List<Polygon> list = ExcludingClasses.Contains(ClassOf(feature), StringComparer.OrdinalIgnoreCase) ? _excluded : _included;
        JsonElement coordinates = geometry.GetProperty("coordinates");
        if (type == "Polygon")
            list.Add(new(coordinates));
        else
            list.AddRange(coordinates.EnumerateArray().Select(polygon => new Polygon(polygon)));
    }

    private static string? ClassOf(JsonElement feature) =>
        feature.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object
        && properties.TryGetProperty("classification", out JsonElement classification) && classification.ValueKind == JsonValueKind.Object
        && classification.TryGetProperty("name", out JsonElement name) ? name.GetString() : null;

    /// <summary>An outline and its holes; a point is inside by the even-odd rule over all of them.</summary>
    private sealed class Polygon
    {
        private readonly (double X, double Y)[][] _rings;
        private readonly double _left, _top, _right, _bottom;

        public Polygon(JsonElement rings)
        {
            _rings = [.. rings.EnumerateArray().Select(ring => ring.EnumerateArray().Select(point => (point[0].GetDouble(), point[1].GetDouble())).ToArray())];
            if (_rings.Length == 0 || _rings[0].Length < 3)
                throw new FormatException("a polygon has fewer than three points");
            (_left, _right) = (_rings[0].Min(point => point.X), _rings[0].Max(point => point.X));
            (_top, _bottom) = (_rings[0].Min(point => point.Y), _rings[0].Max(point => point.Y));
        }

        public bool Contains(double x, double y)
        {
            if (x < _left || x > _right || y < _top || y > _bottom)
                return false;
            bool inside = false;
            foreach ((double X, double Y)[] ring in _rings)
                for (int i = 0, j = ring.Length - 1; i < ring.Length; j = i++)
                    if (ring[i].Y > y != ring[j].Y > y && x < ring[i].X + ((y - ring[i].Y) / (ring[j].Y - ring[i].Y) * (ring[j].X - ring[i].X)))
                        inside = !inside;
            return inside;
        }
    }
}
