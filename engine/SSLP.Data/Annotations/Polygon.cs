namespace SSLP.Data.Annotations;

/// <summary>An outline and its holes, level-0 pixels; a point is inside by the even-odd rule over all of them.</summary>
internal sealed class Polygon
{
    /// <param name="rings">The outline first, then the holes; closed or not.</param>
    public Polygon(IReadOnlyList<(double X, double Y)[]> rings)
    {
        Rings = rings;
        (Top, Bottom) = (rings.Min(ring => ring.Min(point => point.Y)), rings.Max(ring => ring.Max(point => point.Y)));
        Area = Math.Abs(Shoelace(rings[0]));
    }

    public IReadOnlyList<(double X, double Y)[]> Rings { get; }

    public double Top { get; }

    public double Bottom { get; }

    /// <summary>Of the outline, px².</summary>
    public double Area { get; }

    public Polygon Shifted(double x, double y) =>
        new([.. Rings.Select(ring => Array.ConvertAll(ring, point => (point.X + x, point.Y + y)))]);

    private static double Shoelace((double X, double Y)[] ring)
    {
        double sum = 0;
        for (int i = 0, j = ring.Length - 1; i < ring.Length; j = i++)
            sum += (ring[j].X * ring[i].Y) - (ring[i].X * ring[j].Y);
        return sum / 2;
    }
}

/// <summary>What an area says of the patches in it.</summary>
internal enum AreaKind
{
    /// <summary>They belong to it, and to its class if it has one.</summary>
    Region,

    /// <summary>They belong to nothing, as if the area around it had a hole there.</summary>
    Hole,

    /// <summary>They are not to be used.</summary>
    Ignored,
}

/// <param name="Kind">What it says.</param>
/// <param name="Class">Its class; null where it has none.</param>
/// <param name="Polygon">Where it lies.</param>
internal sealed record AnnotatedArea(AreaKind Kind, string? Class, Polygon Polygon);
