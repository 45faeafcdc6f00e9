namespace SSLP.Data.Annotations;

/// <summary>Equal cells in level-0 pixels, from the corner of the slide: the patches of its grid.</summary>
/// <param name="Left">Left edge of column 0.</param>
/// <param name="Top">Top edge of row 0.</param>
/// <param name="CellWidth">Of one cell.</param>
/// <param name="CellHeight">Of one cell.</param>
/// <param name="Columns">Cells across.</param>
/// <param name="Rows">Cells down.</param>
internal readonly record struct CellGrid(double Left, double Top, double CellWidth, double CellHeight, int Columns, int Rows);

/// <summary>The class of every cell of a grid, and how much of the cell it covers.</summary>
/// <param name="Classes">Names that <paramref name="Best"/> indexes.</param>
/// <param name="Columns">Cells across.</param>
/// <param name="Best">By cell, the class that covers the most of it, or −1.</param>
/// <param name="Share">By cell, the share that this class covers.</param>
/// <param name="Rest">By cell, the share that lies in nothing.</param>
internal sealed record ClassGrid(IReadOnlyList<string> Classes, int Columns, int[] Best, float[] Share, float[] Rest);

/// <summary>How much of every cell of a grid lies in annotated areas, by 8 × 8 samples: shares are known to 1/64.</summary>
internal sealed class AreaGrid
{
    private const int Samples = 8, CellSamples = Samples * Samples;
    private const ushort Nothing = 0, Unnamed = 1, Ignored = 2, FirstClass = 3;

    private readonly CellGrid _grid;
    private readonly string[] _classes;
    private readonly bool _hasRegions;

    // By cell, then by value: nothing, unnamed, ignored, the classes.
    private readonly byte[] _counts;

    /// <summary>Smaller areas lie on top of larger ones, holes on top of all regions, what is ignored on top of all.</summary>
    public AreaGrid(IReadOnlyList<AnnotatedArea> areas, CellGrid grid)
    {
        _grid = grid;
        AnnotatedArea[] order = [.. areas.OrderBy(area => area.Kind).ThenByDescending(area => area.Polygon.Area)];
        _classes = [.. order.Where(area => area.Kind == AreaKind.Region).Select(area => area.Class).OfType<string>().Distinct()
            .Order(StringComparer.Ordinal)];
        _hasRegions = order.Any(area => area.Kind == AreaKind.Region);
        ushort[] valueOf = [.. order.Select(area => area.Kind switch
        {
            AreaKind.Hole => Nothing,
            AreaKind.Ignored => Ignored,
            _ => area.Class is null ? Unnamed : (ushort)(FirstClass + Array.BinarySearch(_classes, area.Class, StringComparer.Ordinal)),
        })];
        Values = FirstClass + _classes.Length;
        _counts = new byte[checked(grid.Columns * grid.Rows * Values)];
        var sweep = new PolygonSweep(order);
        ushort[] line = new ushort[grid.Columns * Samples];
        for (int row = 0; row < grid.Rows; row++)
            for (int sample = 0; sample < Samples; sample++)
            {
                Array.Clear(line);
                sweep.Paint(grid.Top + ((row + ((sample + 0.5) / Samples)) * grid.CellHeight), grid.Left, grid.CellWidth / Samples,
                    valueOf, line);
                for (int i = 0; i < line.Length; i++)
                    _counts[(((row * grid.Columns) + (i / Samples)) * Values) + line[i]]++;
            }
    }

    private int Values { get; }

    /// <summary>Whether at least half of a cell is wanted, and less than half of it is left out.</summary>
    public bool Takes(int col, int row)
    {
        ReadOnlySpan<byte> counts = Cell(col, row);
        int inside = CellSamples - counts[Ignored] - (_hasRegions ? counts[Nothing] : 0);
        return inside * 2 >= CellSamples && counts[Ignored] * 2 < CellSamples;
    }

    public ClassGrid Classify()
    {
        int cells = _grid.Columns * _grid.Rows;
        var grid = new ClassGrid(_classes, _grid.Columns, new int[cells], new float[cells], new float[cells]);
        for (int cell = 0; cell < cells; cell++)
        {
            ReadOnlySpan<byte> counts = Cell(cell % _grid.Columns, cell / _grid.Columns);
            grid.Best[cell] = -1;
            grid.Rest[cell] = (float)counts[Nothing] / CellSamples;
            for (int c = 0; c < _classes.Length; c++)
                if ((float)counts[FirstClass + c] / CellSamples > grid.Share[cell])
                    (grid.Best[cell], grid.Share[cell]) = (c, (float)counts[FirstClass + c] / CellSamples);
        }
        return grid;
    }

    private ReadOnlySpan<byte> Cell(int col, int row) => _counts.AsSpan(((row * _grid.Columns) + col) * Values, Values);
}
