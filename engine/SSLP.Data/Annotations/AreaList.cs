using SSLP.Data.Files;

namespace SSLP.Data.Annotations;

/// <summary>The areas that a file of annotations names, while it is read, and a count of all that it holds besides.</summary>
internal sealed class AreaList(string path)
{
    private readonly SortedDictionary<string, int> _leftOut = new(StringComparer.Ordinal);

    public List<AnnotatedArea> Areas { get; } = [];

    /// <summary>What was left out, a sentence a kind: "3 points (no area)".</summary>
    public IReadOnlyList<string> LeftOut => [.. _leftOut.Select(entry => $"{entry.Value} {entry.Key}")];

    public void Add(AreaKind kind, string? className, IReadOnlyList<(double X, double Y)[]> rings)
    {
        if (rings.Count == 0 || rings[0].Length == 0)
        {
            Leave("empty geometry");
            return;
        }
        if (rings[0].Length < 3)
        {
            Leave("of fewer than three points (no area)");
            return;
        }
        if (rings.Any(ring => ring.Any(point => !double.IsFinite(point.X) || !double.IsFinite(point.Y))))
            throw new Fault(FaultKind.Input, $"{path} has a polygon with a coordinate that is not finite.");
        Areas.Add(new(kind, className, new Polygon([.. rings.Where(ring => ring.Length > 0)])));
    }

    /// <summary>Counts something that is no area.</summary>
    public void Leave(string what) => _leftOut[what] = _leftOut.GetValueOrDefault(what) + 1;
}
