namespace SSLP.Data.Annotations;

/// <summary>
/// Many polygons cut by horizontal lines from top to bottom. Polygons and edges enter and leave as the line passes them, so a line costs
/// what it meets and no more: 12,000 polygons under 100,000 patches take less than the tissue mask does.
/// </summary>
/// <param name="areas">In the order they are painted; what comes later lies on top.</param>
internal sealed class PolygonSweep(IReadOnlyList<AnnotatedArea> areas)
{
    private readonly int[] _byTop = [.. Enumerable.Range(0, areas.Count).OrderBy(i => areas[i].Polygon.Top)];
    private readonly List<(int Area, EdgeSweep Edges)> _active = [];
    private readonly List<double> _crossings = [];
    private int _next;

    /// <summary>Writes the value of every area over the samples of a line that lie in it.</summary>
    /// <param name="y">Of the line, level-0 px; never less than in the call before.</param>
    /// <param name="left">Left end of the samples, level-0 px.</param>
    /// <param name="step">From sample to sample; sample s lies at left + (s + ½)·step.</param>
    /// <param name="valueOf">By area.</param>
    /// <param name="samples">The line.</param>
    public void Paint(double y, double left, double step, ReadOnlySpan<ushort> valueOf, Span<ushort> samples)
    {
        for (; _next < _byTop.Length && areas[_byTop[_next]].Polygon.Top <= y; _next++)
        {
            int area = _byTop[_next];
            if (areas[area].Polygon.Bottom < y)
                continue;
            int place = _active.FindIndex(other => other.Area > area);
            _active.Insert(place < 0 ? _active.Count : place, (area, new EdgeSweep(areas[area].Polygon)));
        }
        _active.RemoveAll(entry => areas[entry.Area].Polygon.Bottom < y);
        foreach ((int area, EdgeSweep edges) in _active)
        {
            edges.Crossings(y, _crossings);
            for (int i = 0; i + 1 < _crossings.Count; i += 2)
            {
                int from = FirstFrom(_crossings[i], samples.Length), end = FirstFrom(_crossings[i + 1], samples.Length);
                samples[from..end].Fill(valueOf[area]);
            }
        }

        int FirstFrom(double x, int count) => (int)Math.Clamp(Math.Ceiling(((x - left) / step) - 0.5), 0, count);
    }

    private sealed class EdgeSweep
    {
        private readonly (double Top, double Bottom, double X, double Slope)[] _edges;
        private readonly List<int> _active = [];
        private int _next;

        public EdgeSweep(Polygon polygon)
        {
            var edges = new List<(double, double, double, double)>();
            foreach ((double X, double Y)[] ring in polygon.Rings)
                for (int i = 0, j = ring.Length - 1; i < ring.Length; j = i++)
                {
                    ((double X, double Y) a, (double X, double Y) b) = ring[i].Y < ring[j].Y ? (ring[i], ring[j]) : (ring[j], ring[i]);
                    if (a.Y < b.Y)
                        edges.Add((a.Y, b.Y, a.X, (b.X - a.X) / (b.Y - a.Y)));
                }
            _edges = [.. edges];
            Array.Sort(_edges, (a, b) => a.Top.CompareTo(b.Top));
        }

        /// <summary>Where a line crosses the rings, in order; two and two they are the ends of what lies inside.</summary>
        public void Crossings(double y, List<double> crossings)
        {
            for (; _next < _edges.Length && _edges[_next].Top <= y; _next++)
                _active.Add(_next);
            _active.RemoveAll(edge => _edges[edge].Bottom <= y);
            crossings.Clear();
            foreach (int edge in _active)
                crossings.Add(_edges[edge].X + ((y - _edges[edge].Top) * _edges[edge].Slope));
            crossings.Sort();
        }
    }
}
