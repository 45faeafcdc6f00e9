using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>
/// Nearest keys through the tensor cores' kernels, on a GPU or the PTX machine: the same rows and the same bits as in float32.
/// </summary>
[Collection("device")]
public sealed unsafe class TensorNearestKeysTests(TestDevice device)
{
    // Beyond 128 queries and rows tiles repeat; a width of 40 has a chunk that is half empty, 100 has four.
    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(150, 33, 3, 7)]
    [InlineData(300, 7, 130, 20)]
    [InlineData(140, 100, 2, 139)]
    public void Finds_what_float32_finds(int rows, int width, int queryCount, int k)
    {
        using MemoryBank bank = MemoryBank.CreateRandom(rows, width, seed: 3),
            queries = MemoryBank.CreateRandom(queryCount, width, seed: 4);
        AssertSame(bank, queries, [], k);
    }

    [Fact]
    public void Near_ties_that_bf16_reorders_come_out_in_float32_order()
    {
        // Rows that differ from the best by less than bf16 can tell, in an order that descends as rows do; and exact ties.
        using var bank = new MemoryBank(200, 16);
        for (int i = 0; i < 200; i++)
            bank.LoadRows(i, [0.6f + 1e-6f * (199 - i / 2), 0.8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        using var queries = new MemoryBank(1, 16);
        queries.LoadRows(0, [1f, 0.01f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        int[] found = AssertSame(bank, queries, [0], 30);
        Assert.Equal(Enumerable.Range(1, 30), found);
    }

    [Fact]
    public void A_sampled_threshold_loses_no_row_within_the_margin()
    {
        // Above 4096 rows thresholds come from a sample, so that the margin decides what is noted. Lengths differ: the longest row's margin
        // holds for all.
        using MemoryBank bank = MemoryBank.CreateRandom(4200, 6, seed: 8), queries = MemoryBank.CreateRandom(2, 6, seed: 9);
        for (int i = 0; i < 4200; i += 7)
            bank.LoadRows(i, [.. bank.Row(i).ToArray().Select(x => x * (1 + i % 5))]);
        AssertSame(bank, queries, [17, -1], 60);
    }

    [Fact]
    public void Rows_written_after_the_first_call_are_rounded_again()
    {
        using MemoryBank bank = MemoryBank.CreateRandom(40, 6, seed: 1), queries = MemoryBank.CreateRandom(1, 6, seed: 2);
        using var nearest = new NearestKeysCuda(bank, device, DeviceScores.BFloat16);
        Find(nearest, queries, [], 3);
        float[] aligned = [.. queries.Row(0).ToArray().Select(x => 10 * x)];
        bank.LoadRows(31, aligned);
        bank.LoadRows(7, aligned);
        Assert.Equal([7, 31], Find(nearest, queries, [], 2).Rows);
    }

    [Fact]
    public void Values_beyond_bf16_are_decided_in_float32()
    {
        // 3.4e38 rounds to infinity as bf16, infinity times zero is no number.
        using var bank = new MemoryBank(3, 4);
        bank.LoadRows(0, [0, 1f, 0, 0, 0, 0, 1f, 0, 1e-30f, 0, 0, 0]);
        using var queries = new MemoryBank(1, 4);
        queries.LoadRows(0, [3.4e38f, 0.25f, 0.5f, 0]);
        Assert.Equal([2, 1], AssertSame(bank, queries, [], 2));
    }

    private int[] AssertSame(MemoryBank bank, MemoryBank queries, int[] ownRows, int k)
    {
        using var plain = new NearestKeysCuda(bank, device);
        using var tensor = new NearestKeysCuda(bank, device, DeviceScores.BFloat16);
        (int[] expected, float[] expectedSimilarities) = Find(plain, queries, ownRows, k);
        (int[] found, float[] similarities) = Find(tensor, queries, ownRows, k);
        Assert.Equal(expected, found);
        Assert.Equal(expectedSimilarities, similarities);
        return found;
    }

    private static (int[] Rows, float[] Similarities) Find(NearestKeysCuda nearest, MemoryBank queries, int[] ownRows, int k)
    {
        int[] rows = new int[queries.RowCount * k];
        float[] similarities = new float[rows.Length];
        nearest.Find(queries.Rows, ownRows, k, rows, similarities);
        return (rows, similarities);
    }
}
