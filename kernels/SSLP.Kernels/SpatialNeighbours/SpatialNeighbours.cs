namespace SSLP.Kernels;

/// <summary>
/// For each anchor, the patches around it on the same slide: S_i = { j : slide(j) = slide(i), 0 &lt; ‖p_j − p_i‖₂ &lt; T }, p the integer
/// grid coordinates (col, row) and T the radius in patches. T = 2 gives 8 neighbours in unbroken tissue, T = 3 gives 24.
/// A patch at the anchor's own coordinates (a duplicate) has distance 0 and is not a neighbour.
/// </summary>
/// <remarks>
/// <para>The index sorts the patches by (slide, grid row, column, bank row) and keeps every non-empty grid row as one run. A query looks up
/// the runs within reach by binary search and walks the columns within reach: O(log patches + T² ), no hashing, no N-sized pass.</para>
/// <para>Memory: 8·N + 8·(runs + 1) + 4·(slides + 1) bytes, runs being the non-empty grid rows of all slides (about N/100 for tissue),
/// and it borrows the three coordinate arrays, 12·N bytes that the bank holds in any case. 100 million patches: 0.81 GB, and 1.2 GB of
/// coordinates. Building sorts slide by slide: 12 bytes a patch of the largest slide on top.</para>
/// <para>Rows come out by (grid row, column, bank row); lists are a function of the coordinates alone. Queries allocate nothing once the
/// lists have grown, and may run on several threads at a time.</para>
/// </remarks>
public sealed partial class SpatialNeighbours
{
    private readonly ReadOnlyMemory<int> _slide;
    private readonly ReadOnlyMemory<int> _col;
    private readonly ReadOnlyMemory<int> _row;
    private readonly int[] _slideRuns;   // [slides + 1]: the runs of slide s are [s] … [s + 1] − 1
    private readonly int[] _runRow;      // [runs]: grid row of a run, ascending within a slide
    private readonly int[] _runStart;    // [runs + 1]: where a run's patches start in the two arrays below
    private readonly int[] _sortedCol;   // [N]: columns, ascending within a run
    private readonly int[] _sortedId;    // [N]: bank rows in the same order

    /// <summary>Builds the index. The columns are borrowed, mapped ones too: index i describes bank row i and must not change
    /// afterwards.</summary>
    /// <param name="slide">Slide of each bank row, counted from 0.</param>
    /// <param name="col">Column on the slide's patch grid.</param>
    /// <param name="row">Row on the slide's patch grid.</param>
    /// <exception cref="ArgumentException">The arrays differ in length, or a slide index is negative.</exception>
    public SpatialNeighbours(ReadOnlyMemory<int> slide, ReadOnlyMemory<int> col, ReadOnlyMemory<int> row)
    {
        if (col.Length != slide.Length || row.Length != slide.Length)
            throw new ArgumentException($"Coordinates differ in number: {slide.Length} slides, {col.Length} columns, {row.Length} rows.");
        (_slide, _col, _row) = (slide, col, row);
        var build = new IndexBuilder(slide.Span, col.Span, row.Span);
        (_slideRuns, _runRow, _runStart, _sortedCol, _sortedId) = build.Result;
    }

    /// <inheritdoc cref="SpatialNeighbours(ReadOnlyMemory{int}, ReadOnlyMemory{int}, ReadOnlyMemory{int})"/>
    public SpatialNeighbours(int[] slide, int[] col, int[] row)
        : this(slide.AsMemory(), col.AsMemory(), row.AsMemory())
    {
    }

    /// <summary>Patches in the index.</summary>
    public int Count => _slide.Length;

    /// <summary>Managed bytes of the index itself, without the borrowed coordinates.</summary>
    public long Bytes =>
        sizeof(int) * ((long)_slideRuns.Length + _runRow.Length + _runStart.Length + _sortedCol.Length + _sortedId.Length);

    /// <summary>Coordinates and index as device code takes them: slide, column, row, runs of a slide, row and start of a run, sorted
    /// columns and rows.</summary>
    internal ReadOnlyMemory<int>[] IndexArrays => [_slide, _col, _row, _slideRuns, _runRow, _runStart, _sortedCol, _sortedId];

    /// <summary>Slide of a bank row.</summary>
    public int SlideOf(int bankRow) => _slide.Span[bankRow];

    /// <summary>Appends S of one anchor to <paramref name="into"/>[<paramref name="list"/>]; the scores are left to the caller.</summary>
    /// <param name="anchor">Bank row of the anchor.</param>
    /// <param name="radiusPatches">T; a distance of exactly T is outside.</param>
    /// <exception cref="ArgumentException">The anchor is not a bank row, or T is not a finite positive number.</exception>
    public void Query(int anchor, double radiusPatches, RowLists into, int list)
    {
        CheckRadius(radiusPatches);
        if ((uint)anchor >= (uint)Count)
            throw new ArgumentException($"Anchor {anchor} is not one of the {Count} bank rows.");
        long reach = HalfWidth(radiusPatches, 0);
        int slide = _slide.Span[anchor], col = _col.Span[anchor], row = _row.Span[anchor];
        int end = _slideRuns[slide + 1];
        for (int run = LowerBound(_runRow, _slideRuns[slide], end, row - reach); run < end; run++)
        {
            long down = (long)_runRow[run] - row;
            if (down > reach)
                break;
            WalkRun(run, col, HalfWidth(radiusPatches, down), skipCentre: down == 0, into, list);
        }
    }

    /// <summary>S of every anchor of a batch, one list each; the scores are left to the caller.</summary>
    /// <inheritdoc cref="Query(int, double, RowLists, int)"/>
    public void Query(ReadOnlySpan<int> anchors, double radiusPatches, RowLists into)
    {
        into.Reset(anchors.Length);
        for (int b = 0; b < anchors.Length; b++)
            Query(anchors[b], radiusPatches, into, b);
    }

    internal static void CheckRadius(double radiusPatches)
    {
        if (!(radiusPatches > 0) || double.IsInfinity(radiusPatches))
            throw new ArgumentException($"The radius of spatial neighbours must be a positive number of patches, not {radiusPatches}.");
    }

    /// <summary>Largest whole w with w² + dy² &lt; T², or −1 where even w = 0 is too far.</summary>
    private static long HalfWidth(double radius, long dy)
    {
        double left = radius * radius - (double)dy * dy;
        if (left <= 0)
            return -1;
        long width = (long)Math.Ceiling(Math.Sqrt(left));
        while ((double)width * width >= left)
            width--;
        return width;
    }

    private void WalkRun(int run, int col, long halfWidth, bool skipCentre, RowLists into, int list)
    {
        int end = _runStart[run + 1];
        int from = LowerBound(_sortedCol, _runStart[run], end, col - halfWidth), to = from;
        while (to < end && _sortedCol[to] <= col + halfWidth)
            to++;
        int centre = from, beyond = from;
        if (skipCentre)
        {
            while (centre < to && _sortedCol[centre] < col)
                centre++;
            for (beyond = centre; beyond < to && _sortedCol[beyond] == col;)
                beyond++;
        }
        into.Add(list, _sortedId.AsSpan(from, centre - from));
        into.Add(list, _sortedId.AsSpan(beyond, to - beyond));
    }

    /// <summary>
    /// First index in [start, end) whose value is at least <paramref name="value"/>, else end. Where the values rise by one, as in unbroken
    /// tissue, the first guess is right; else binary search.
    /// </summary>
    private static int LowerBound(int[] ascending, int start, int end, long value)
    {
        if (start == end)
            return end;
        int guess = start + (int)Math.Clamp(value - ascending[start], 0, end - start);
        if ((guess == end || ascending[guess] >= value) && (guess == start || ascending[guess - 1] < value))
            return guess;
        while (start < end)
        {
            int middle = (int)(((uint)start + (uint)end) / 2);
            if (ascending[middle] < value)
                start = middle + 1;
            else
                end = middle;
        }
        return start;
    }
}
