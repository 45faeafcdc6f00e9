namespace SSLP.Kernels;

/// <summary>The meaning of <see cref="INearestKeys"/>: all inner products in double, sorted.</summary>
internal sealed class NearestKeysReference(MemoryBank bank) : INearestKeys
{
    public void Find(MatrixView queries, ReadOnlySpan<int> ownRows, int k, Span<int> rows, Span<float> similarities)
    {
        NearestKeysLimits.CheckFind(bank, queries, ownRows, k, rows, similarities);
        for (int b = 0; b < queries.Rows; b++)
        {
            (double Similarity, int Row)[] order = Order(queries.Row(b), ownRows.IsEmpty ? -1 : ownRows[b]);
            for (int i = 0; i < k; i++)
            {
                rows[b * k + i] = order[i].Row;
                similarities[b * k + i] = (float)order[i].Similarity;
            }
        }
    }

    public void SimilarityAtRanks(MatrixView queries, ReadOnlySpan<int> ownRows, ReadOnlySpan<int> ranks, Span<float> similarities)
    {
        NearestKeysLimits.CheckRanks(bank, queries, ownRows, ranks, similarities);
        for (int b = 0; b < queries.Rows; b++)
        {
            (double Similarity, int Row)[] order = Order(queries.Row(b), ownRows.IsEmpty ? -1 : ownRows[b]);
            for (int i = 0; i < ranks.Length; i++)
                similarities[b * ranks.Length + i] = (float)order[ranks[i]].Similarity;
        }
    }

    public void Dispose() { }

    /// <summary>All rows but the query's own, by descending similarity and then ascending row.</summary>
    private (double Similarity, int Row)[] Order(ReadOnlySpan<float> query, int ownRow)
    {
        var order = new List<(double Similarity, int Row)>(bank.RowCount);
        for (int row = 0; row < bank.RowCount; row++)
        {
            double similarity = 0;
            for (int d = 0; d < bank.Width; d++)
                similarity += (double)query[d] * bank.Row(row)[d];
            if (row != ownRow)
                order.Add((similarity, row));
        }
        return [.. order.OrderByDescending(x => x.Similarity).ThenBy(x => x.Row)];
    }
}
