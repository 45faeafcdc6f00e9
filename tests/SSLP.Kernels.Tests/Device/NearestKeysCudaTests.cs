using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>The launcher of nearest keys with the device code, on a GPU or the PTX machine.</summary>
[Collection("device")]
public sealed unsafe class NearestKeysCudaTests(TestDevice device)
{
    private const int RankQueries = 130;

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(150, 33, 3, 7)]
    [InlineData(131, 7, 5, 131)]
    public void Matches_the_reference(int rows, int width, int queryCount, int k)
    {
        using var bank = MemoryBank.CreateRandom(rows, width, seed: 3);
        float[] queries = Queries(queryCount, width);
        (int[] found, float[] similarities) = Find(new NearestKeysCuda(bank, device), queries, queryCount, width, [], k);
        (int[] expected, float[] expectedSimilarities) = Find(new NearestKeysReference(bank), queries, queryCount, width, [], k);
        Assert.Equal(expected, found);
        AssertClose(expectedSimilarities, similarities, width);
    }

    [Fact]
    public void Own_rows_are_left_out_and_ties_go_to_the_lower_row()
    {
        using var bank = new MemoryBank(140, 5);
        float[] row = [0.6f, 0, 0.8f, 0, 0];
        for (int i = 0; i < 140; i++)
            bank.LoadRows(i, row);
        (int[] found, _) = Find(new NearestKeysCuda(bank, device), [.. row, .. row], 2, 5, [0, -1], 4);
        Assert.Equal([1, 2, 3, 4, 0, 1, 2, 3], found);
    }

    [Fact]
    public void A_bank_large_enough_to_sample_gives_the_same_answer()
    {
        // Above 4096 rows thresholds come from a sample.
        using var bank = MemoryBank.CreateRandom(4300, 4, seed: 8);
        float[] queries = Queries(2, 4);
        (int[] found, _) = Find(new NearestKeysCuda(bank, device), queries, 2, 4, [17, -1], 50);
        (int[] expected, _) = Find(new NearestKeysReference(bank), queries, 2, 4, [17, -1], 50);
        Assert.Equal(expected, found);
    }

    [Fact]
    public void A_sample_that_misleads_costs_a_second_pass_and_no_exactness()
    {
        // The sampled rows point away from the query and half of the others at it: the first threshold keeps far too many.
        using var bank = new MemoryBank(4300, 4);
        for (int i = 0; i < 4300; i++)
            bank.LoadRows(i, i % 2 == 0 ? [-1f, 0, 0, 0] : [1f, 0, i * 1e-4f, 0]);
        for (int s = 0; s < 1024; s++)
            bank.LoadRows((int)((long)s * 4300 / 1024), [-1f, 0, 0, 0]);
        (int[] found, _) = Find(new NearestKeysCuda(bank, device), [1f, 0, 0.5f, 0], 1, 4, [], 9);
        (int[] expected, _) = Find(new NearestKeysReference(bank), [1f, 0, 0.5f, 0], 1, 4, [], 9);
        Assert.Equal(expected, found);
    }

    [Fact]
    public void Rows_written_after_the_first_call_are_followed()
    {
        using var bank = MemoryBank.CreateRandom(40, 6, seed: 1);
        using var nearest = new NearestKeysCuda(bank, device);
        float[] query = Queries(1, 6);
        Find(nearest, query, 1, 6, [], 3, dispose: false);
        float[] aligned = [.. query.Select(x => 10 * x)];
        bank.LoadRows(31, aligned);
        bank.LoadRows(7, aligned);
        (int[] found, _) = Find(nearest, query, 1, 6, [], 2, dispose: false);
        Assert.Equal([7, 31], found);
    }

    [Theory]
    [InlineData(DeviceScores.Float32, 1e-6)]
    [InlineData(DeviceScores.BFloat16, 4e-6)]  // below the bound of 2⁻¹⁵ for the split; the sums are float32's here
    public void Similarities_at_ranks_are_within_half_a_bin(DeviceScores scores, double rounding)
    {
        // Two tiles of queries and three of rows.
        using var bank = MemoryBank.CreateRandom(333, 9, seed: 5);
        float[] queries = Queries(RankQueries, 9);
        int[] ranks = [0, 1, 5, 100, 331];
        float[] found = AtRanks(new NearestKeysCuda(bank, device, scores), queries, ranks),
            expected = AtRanks(new NearestKeysReference(bank), queries, ranks);
        for (int i = 0; i < found.Length; i++)
            Assert.Equal(expected[i], found[i], Norm(queries.AsSpan(i / ranks.Length * 9, 9)) * (1.0 / 4096 + rounding));
    }

    private static float[] AtRanks(INearestKeys nearest, float[] queries, int[] ranks)
    {
        float[] similarities = new float[RankQueries * ranks.Length];
        int[] ownRows = [.. Enumerable.Range(0, RankQueries).Select(q => q % 3 == 0 ? -1 : 332 - q)];
        fixed (float* data = queries)
        {
            using (nearest)
                nearest.SimilarityAtRanks(new MatrixView(data, RankQueries, 9), ownRows, ranks, similarities);
        }

        return similarities;
    }

    private static (int[] Rows, float[] Similarities) Find(
        INearestKeys nearest, float[] queries, int count, int width, int[] ownRows, int k, bool dispose = true)
    {
        int[] rows = new int[count * k];
        float[] similarities = new float[count * k];
        fixed (float* data = queries)
            nearest.Find(new MatrixView(data, count, width), ownRows, k, rows, similarities);
        if (dispose)
            nearest.Dispose();
        return (rows, similarities);
    }

    private static float[] Queries(int count, int width)
    {
        var random = new Random(count + width);
        return [.. Enumerable.Range(0, count * width).Select(_ => (float)(random.NextDouble() - 0.4))];
    }

    private static double Norm(ReadOnlySpan<float> vector)
    {
        double squared = 0;
        foreach (float value in vector)
            squared += value * value;
        return Math.Sqrt(squared);
    }

    // D roundings of values up to the query's norm, which is below √D here.
    private static void AssertClose(float[] expected, float[] actual, int width)
    {
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], width * Math.Sqrt(width) * Math.ScaleB(1, -24) + 1e-7);
    }
}
