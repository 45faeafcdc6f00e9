namespace SSLP.Kernels;

/// <summary>
/// The bank rows nearest to each query in feature space, by inner product ⟨q, v_j⟩.
/// Work: B·N·D multiply-adds, 4·N·D bytes of bank, once. Nothing of size B × N exists. float32 scores, each one chain of fused
/// multiply-adds in ascending d; the answer is exact for those scores and a function of the inputs alone: no thread count, no
/// instruction set changes it. Ties go to the lower row. NaN and ±∞ in a query are refused by the query's number; the bank holds none.
/// Instances keep scratch from call to call and serve one call at a time.
/// </summary>
public interface INearestKeys : IDisposable
{
    /// <summary>The k bank rows of largest inner product with each query, best first.</summary>
    /// <param name="queries">[B, D].</param>
    /// <param name="ownRows">Empty, or for each query the bank row left out of its answer (−1: none).</param>
    /// <param name="k">1 … 8192, and no more than the rows that remain.</param>
    /// <param name="rows">Out [B, k]: bank rows.</param>
    /// <param name="similarities">Out [B, k]: their inner products.</param>
    /// <exception cref="ArgumentException">Shapes, k or a row are impossible, or a query is not finite.</exception>
    void Find(MatrixView queries, ReadOnlySpan<int> ownRows, int k, Span<int> rows, Span<float> similarities);

    /// <summary>
    /// The similarity at each rank of each query's descending order over the bank (rank 0 is the nearest), without sorting: a histogram
    /// of <see cref="NearestKeysLimits.Bins"/> bins over [−‖q‖, ‖q‖]. The answer is the middle of the bin that holds the rank, so it
    /// is within ‖q‖/4096 (and float rounding) of the exact one for bank rows of length up to 1; rank counts are exact.
    /// </summary>
    /// <param name="queries">[B, D].</param>
    /// <param name="ownRows">Empty, or for each query the bank row left out of its order (−1: none).</param>
    /// <param name="ranks">R ranks, each 0 … N−1 (N−2 where a row is left out), in any order.</param>
    /// <param name="similarities">Out [B, R].</param>
    /// <exception cref="ArgumentException">Shapes, a rank or a row are impossible, or a query is not finite.</exception>
    void SimilarityAtRanks(MatrixView queries, ReadOnlySpan<int> ownRows, ReadOnlySpan<int> ranks, Span<float> similarities);
}

/// <summary>Limits of <see cref="INearestKeys"/> and the checks that every implementation makes first.</summary>
public static class NearestKeysLimits
{
    /// <summary>The largest k.</summary>
    public const int MaxK = 8192;

    /// <summary>Bins of the rank histogram; one bin is 2·‖q‖/4096 wide.</summary>
    public const int Bins = 4096;

    internal static void CheckFind(
        MemoryBank bank, MatrixView queries, ReadOnlySpan<int> ownRows, int k, ReadOnlySpan<int> rows, ReadOnlySpan<float> similarities)
    {
        CheckK(k, queries.Rows, CheckQueries(bank, queries, ownRows));
        CheckOutput((long)queries.Rows * k, rows.Length, "rows");
        CheckOutput((long)queries.Rows * k, similarities.Length, "similarities");
    }

    /// <summary>The checks of queries that lie on a device, where a kernel looks for values that are not finite.</summary>
    internal static void CheckFind(MemoryBank bank, int queries, ReadOnlySpan<int> ownRows, int k) =>
        CheckK(k, queries, CheckOwnRows(bank, queries, ownRows));

    internal static void CheckRanks(
        MemoryBank bank, MatrixView queries, ReadOnlySpan<int> ownRows, ReadOnlySpan<int> ranks, ReadOnlySpan<float> similarities)
    {
        int candidates = CheckQueries(bank, queries, ownRows);
        foreach (int rank in ranks)
        {
            if (queries.Rows > 0 && (uint)rank >= (uint)candidates)
                throw new ArgumentException($"Rank {rank} is outside 0 … {candidates - 1}, the rows a query is compared with.");
        }
        CheckOutput((long)queries.Rows * ranks.Length, similarities.Length, "similarities");
    }

    /// <summary>Checks queries and own rows; returns how many bank rows the worst-off query can choose from.</summary>
    internal static int CheckQueries(MemoryBank bank, MatrixView queries, ReadOnlySpan<int> ownRows)
    {
        if (queries.Rows > 0 && queries.Width != bank.Width)
            throw new ArgumentException($"Queries of width {queries.Width} cannot be compared with a bank of width {bank.Width}.");
        int candidates = CheckOwnRows(bank, queries.Rows, ownRows);
        if (queries.FirstNonFiniteRow() is >= 0 and var bad)
            throw new ArgumentException($"Query {bad} holds a value that is not finite.");
        return candidates;
    }

    private static void CheckK(int k, int queries, int candidates)
    {
        if (k is < 1 or > MaxK)
            throw new ArgumentException($"k must lie in 1 … {MaxK}; it is {k}.");
        if (queries > 0 && k > candidates)
            throw new ArgumentException($"k is {k}, but a query has only {candidates} bank rows to choose from.");
    }

    private static int CheckOwnRows(MemoryBank bank, int queries, ReadOnlySpan<int> ownRows)
    {
        if (ownRows.Length != 0 && ownRows.Length != queries)
            throw new ArgumentException($"{ownRows.Length} own rows were given for {queries} queries.");
        int candidates = bank.RowCount;
        foreach (int row in ownRows)
        {
            if (row < -1 || row >= bank.RowCount)
                throw new ArgumentException($"Own row {row} is outside the bank's {bank.RowCount} rows (−1 means none).");
            if (row >= 0)
                candidates = bank.RowCount - 1;
        }
        return candidates;
    }

    private static void CheckOutput(long needed, int given, string name)
    {
        if (given != needed)
            throw new ArgumentException($"The output '{name}' holds {given} values; it must hold {needed}.");
    }
}
