using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Candidates: for each query the bank rows whose key reaches its threshold (<see cref="Thresholds"/>), found in one pass over the bank,
/// then dealt into buckets by descending key (<see cref="CandidateBuckets"/>), of which only those are put in order that a rank falls
/// into. Everything that asks about ranks (nearest keys, K-th similarity, rows at drawn ranks) reads them. A threshold from a sample of the
/// bank only decides how long the lists are; a list that came out too long or too short is flagged by its count and the caller repeats the
/// pass. Deterministic: lists are filled in any order, but keys are unique and their order is total.
/// </summary>
public static class Candidates
{
    /// <summary>scores [Q, S] of the queries with the sampled rows. Grid: (S/128, Q/128).</summary>
    public static void ScoreSamples(
        ArrayView<Float4> queries, ArrayView<Float4> samples, ArrayView<float> scores, int queryCount, int sampleCount, int strideQuads)
    {
        int firstQuery = Grid.IdxY * ScoreTile.Side, firstRow = Grid.IdxX * ScoreTile.Side;
        var tile = ScoreTile.Compute(queries, queryCount, firstQuery, samples, sampleCount, firstRow, strideQuads);
        int query = firstQuery + ScoreTile.ThreadQuery, row = firstRow + ScoreTile.ThreadRow;
        StoreRow(scores, query, queryCount, row, sampleCount, tile.R0);
        StoreRow(scores, query + 1, queryCount, row, sampleCount, tile.R1);
        StoreRow(scores, query + 2, queryCount, row, sampleCount, tile.R2);
        StoreRow(scores, query + 3, queryCount, row, sampleCount, tile.R3);
        StoreRow(scores, query + 4, queryCount, row, sampleCount, tile.R4);
        StoreRow(scores, query + 5, queryCount, row, sampleCount, tile.R5);
        StoreRow(scores, query + 6, queryCount, row, sampleCount, tile.R6);
        StoreRow(scores, query + 7, queryCount, row, sampleCount, tile.R7);
    }

    /// <summary>
    /// Streams the bank past the queries and appends the key of every row that reaches the query's threshold and is not its own to
    /// keys [Q, capacity]; counts[q] counts also those that found no room. 2·Q·N·D flops, 4·N·D bytes for each 128 queries; one atomic for
    /// each query and 128 rows, keys written in runs. Grid: (N/128, Q/128). counts must be 0.
    /// </summary>
    public static void CollectCandidates(
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<ulong> thresholds, ArrayView<int> ownRows,
        ArrayView<ulong> keys, ArrayView<int> counts, int queryCount, long rowCount, int strideQuads, int capacity)
    {
        int firstQuery = Grid.IdxY * ScoreTile.Side;
        long firstRow = (long)Grid.IdxX * ScoreTile.Side;
        var tile = ScoreTile.Compute(queries, queryCount, firstQuery, bank, rowCount, firstRow, strideQuads);
        int query = firstQuery + ScoreTile.ThreadQuery;
        long row = firstRow + ScoreTile.ThreadRow;
        var test = new CandidateTest(thresholds, ownRows, queryCount, rowCount, row);
        // A byte for each of the thread's queries: which of its eight rows are candidates.
        uint low = test.Of(query, tile.R0) | test.Of(query + 1, tile.R1) << 8 | test.Of(query + 2, tile.R2) << 16 | test.Of(
            query + 3, tile.R3) << 24;
        uint high = test.Of(query + 4, tile.R4) | test.Of(query + 5, tile.R5) << 8 | test.Of(query + 6, tile.R6) << 16 | test.Of(
            query + 7, tile.R7) << 24;
        var append = new CandidateAppend(keys, counts, capacity, query, row, low, high);
        append.Reserve(SharedMemory.Allocate<ulong>(CandidateAppend.Staged));
        append.Row(0, tile.R0);
        append.Row(1, tile.R1);
        append.Row(2, tile.R2);
        append.Row(3, tile.R3);
        append.Row(4, tile.R4);
        append.Row(5, tile.R5);
        append.Row(6, tile.R6);
        append.Row(7, tile.R7);
        append.Write();
    }

    /// <summary>rows and similarities [Q, k] ← the first k of each sorted list.</summary>
    public static void TakeNearest(ArrayView<ulong> sorted, ArrayView<int> rows, ArrayView<float> similarities, int capacity, int k)
    {
        // One group owns one query.
        for (int i = Group.IdxX; i < k; i += Group.DimX)
        {
            ulong key = sorted[(long)Grid.IdxX * capacity + i];
            rows[(long)Grid.IdxX * k + i] = DeviceMath.RowOf(key);
            similarities[(long)Grid.IdxX * k + i] = DeviceMath.SimilarityOf(key);
        }
    }

    private static void StoreRow(ArrayView<float> scores, int query, int queryCount, int row, int rowCount, ScoreRow values)
    {
        if (query >= queryCount)
            return;
        Store(scores, query, row, rowCount, values.A);
        Store(scores, query, row + 1, rowCount, values.B);
        Store(scores, query, row + 2, rowCount, values.C);
        Store(scores, query, row + 3, rowCount, values.D);
        row += ScoreTile.FarRows;
        Store(scores, query, row, rowCount, values.E);
        Store(scores, query, row + 1, rowCount, values.F);
        Store(scores, query, row + 2, rowCount, values.G);
        Store(scores, query, row + 3, rowCount, values.H);
    }

    private static void Store(ArrayView<float> scores, int query, int row, int rowCount, float value)
    {
        if (row < rowCount)
            scores[(long)query * rowCount + row] = value;
    }
}
