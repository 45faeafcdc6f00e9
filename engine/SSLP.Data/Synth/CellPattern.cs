namespace SSLP.Data.Synth;

/// <summary>
/// Irregular cells: one point at a random place in every square of a grid; each pixel belongs to the nearest point (Worley,
/// SIGGRAPH 1996). Gives regions of tissue, tumour nests and fat cells.
/// </summary>
internal sealed class CellPattern
{
    private readonly float _spacing;
    private readonly int _columns;
    private readonly (float X, float Y)[] _points;

    /// <param name="random">Places the points.</param>
    /// <param name="size">Side of the square that is covered, px.</param>
    /// <param name="spacing">Side of a grid square, px.</param>
    public CellPattern(Random random, int size, float spacing)
    {
        _spacing = spacing;
        _columns = (int)MathF.Ceiling(size / spacing) + 4;
        _points = new (float, float)[_columns * _columns];
        for (int i = 0; i < _points.Length; i++)
        {
            (int row, int column) = Math.DivRem(i, _columns);
            _points[i] = ((column - 2 + random.NextSingle()) * spacing, (row - 2 + random.NextSingle()) * spacing);
        }
    }

    /// <summary>Number of cells, those outside of the square included.</summary>
    public int Count => _points.Length;

    /// <summary>The cell of a point, and how far it is from the cell's edge, px (half the difference of the two nearest
    /// distances).</summary>
    public (int Cell, float ToEdge) At(float x, float y)
    {
        int column = Math.Clamp((int)MathF.Floor(x / _spacing) + 2, 1, _columns - 2);
        int row = Math.Clamp((int)MathF.Floor(y / _spacing) + 2, 1, _columns - 2);
        float nearest = float.MaxValue, second = float.MaxValue;
        int cell = 0;
        for (int r = row - 1; r <= row + 1; r++)
            for (int c = column - 1; c <= column + 1; c++)
            {
                (float px, float py) = _points[(r * _columns) + c];
                float distance = ((px - x) * (px - x)) + ((py - y) * (py - y));
                if (distance < nearest)
                    (second, nearest, cell) = (nearest, distance, (r * _columns) + c);
                else if (distance < second)
                    second = distance;
            }
        return (cell, (MathF.Sqrt(second) - MathF.Sqrt(nearest)) / 2);
    }
}
