using SSLP.Kernels.Tests.Device;
using Xunit;

namespace SSLP.Kernels.Tests;

/// <summary>The same cases over every implementation: the reference and the CPU path on each instruction set, with 1 and 3
/// threads.</summary>
public sealed unsafe class NearestKeysTests
{
    public static TheoryData<string> Implementations =>
        [
            "reference", "cpu Scalar 1", "cpu Vector128 3", "cpu Vector256 1", "cpu Vector256 3", "cpu Vector512 2",
            "cuda Float32", "cuda BFloat16",
        ];

    public static TheoryData<string, int, int, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, int, int, int>();
            foreach (string implementation in Implementations.Select(row => row.Data))
            {
                // N, D, B, k: one row; less than a panel; a panel and a bit; all rows asked for; every batch size around a tile.
                foreach ((int n, int d, int b, int k) in new[]
                {
                    (2, 8, 1, 1), (17, 33, 2, 16), (33, 128, 3, 5), (100, 8, 4, 99), (257, 33, 5, 20), (1000, 128, 6, 20),
                        (1000, 16, 7, 300), (0x1234, 24, 13, 70),
                })
                    cases.Add(implementation, n, d, b, k);
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Matches_the_reference(string implementation, int rows, int width, int queries, int k)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(rows, width, seed: 1));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(queries, width, seed: 2);
        int[] own = [.. Enumerable.Range(0, queries).Select(i => i % 3 == 2 ? -1 : i * 5 % rows)];
        AssertMatches(world, q.View, own, k);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Ties_go_to_the_lower_row_and_own_rows_are_left_out(string implementation)
    {
        const int Rows = 300, Width = 8;
        using var bank = new MemoryBank(Rows, Width);
        // Two vectors alternate in threes: every similarity is shared by 150 rows.
        for (int r = 0; r < Rows; r++)
            bank.LoadRows(r, r / 3 % 2 == 0 ? [1, 0, 0, 0, 0, 0, 0, 0] : [0, 1, 0, 0, 0, 0, 0, 0]);
        using var world = new World(implementation, bank);
        using var q = new KernelTestData.Matrix(1, Width);
        q.View.Row(0)[1] = 1;
        (int[] rows, float[] similarities) = Find(world.Keys, q.View, [4], 7);
        Assert.Equal([3, 5, 9, 10, 11, 15, 16], rows);
        Assert.All(similarities, s => Assert.Equal(1f, s));
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Zero_rows_and_a_zero_query_tie_at_zero(string implementation)
    {
        using var world = new World(implementation, new MemoryBank(70, 9));
        using var q = new KernelTestData.Matrix(2, 9);
        q.View.Row(1).Fill(-0.25f);
        (int[] rows, float[] similarities) = Find(world.Keys, q.View, [], 3);
        Assert.Equal([0, 1, 2, 0, 1, 2], rows);
        Assert.All(similarities, s => Assert.Equal(0f, s));
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_dominant_key_comes_first_for_all_and_duplicates_of_it_follow_in_order(string implementation)
    {
        using var bank = MemoryBank.CreateRandom(500, 32, seed: 4);
        float[] dominant = bank.Row(0).ToArray();
        foreach (int row in new[] { 499, 31, 32, 250 })
            bank.LoadRows(row, dominant);
        using var world = new World(implementation, bank);
        using var q = new KernelTestData.Matrix(4, 32);
        for (int b = 0; b < 4; b++)
            dominant.CopyTo(q.View.Row(b));
        (int[] rows, _) = Find(world.Keys, q.View, [0, 31, -1, 499], 4);
        Assert.Equal([31, 32, 250, 499, 0, 32, 250, 499, 0, 31, 32, 250, 0, 31, 32, 250], rows);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Negative_similarities_are_ordered_too(string implementation)
    {
        using var bank = new MemoryBank(40, 1);
        for (int r = 0; r < 40; r++)
            bank.LoadRows(r, [-(r * 7 % 40) / 40f]);
        using var world = new World(implementation, bank);
        using var q = new KernelTestData.Matrix(1, 1);
        q.View.Row(0)[0] = 1;
        AssertMatches(world, q.View, [0], 39);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void No_query_gives_no_answer(string implementation)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(10, 8, seed: 1));
        (int[] rows, _) = Find(world.Keys, new MatrixView(null, 0, 8), [], 3);
        Assert.Empty(rows);
        world.Keys.SimilarityAtRanks(new MatrixView(null, 0, 8), [], [0, 1], []);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Impossible_questions_are_refused_by_name(string implementation)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(10, 8, seed: 1));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(3, 8, seed: 2);
        using KernelTestData.Matrix wide = KernelTestData.UnitRows(3, 9, seed: 2);
        AssertRefused("k is 11", () => Find(world.Keys, q.View, [], 11));
        AssertRefused("k is 10, but a query has only 9", () => Find(world.Keys, q.View, [0, 1, 2], 10));
        AssertRefused("k must lie in", () => Find(world.Keys, q.View, [], 0));
        AssertRefused("k must lie in", () => Find(world.Keys, q.View, [], 8193));
        AssertRefused("width 9", () => Find(world.Keys, wide.View, [], 1));
        AssertRefused("2 own rows", () => Find(world.Keys, q.View, [0, 1], 1));
        AssertRefused("Own row 10", () => Find(world.Keys, q.View, [0, 1, 10], 1));
        AssertRefused("'rows'", () => world.Keys.Find(q.View, [], 2, new int[5], new float[6]));
        AssertRefused("'similarities'", () => world.Keys.Find(q.View, [], 2, new int[6], new float[5]));
        AssertRefused("Rank 10", () => world.Keys.SimilarityAtRanks(q.View, [], [0, 10], new float[6]));
        q.View.Row(1)[7] = float.NaN;
        AssertRefused("Query 1", () => Find(world.Keys, q.View, [], 1));
        q.View.Row(1)[7] = float.NegativeInfinity;
        AssertRefused("Query 1", () => world.Keys.SimilarityAtRanks(q.View, [], [0], new float[3]));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(3000)]
    public void Large_k_on_a_large_bank_is_exact_when_the_sample_serves(int k)
    {
        using var bank = MemoryBank.CreateRandom(20_000, 16, seed: 8);
        AssertLargeKMatchesAFullSort(bank, k, sampleMisleads: false);
    }

    [Fact]
    public void Large_k_is_exact_when_the_sample_misleads()
    {
        // Every row that the sample takes is far nearer to the queries than all others: its threshold leaves too few rows.
        using var bank = MemoryBank.CreateRandom(20_000, 16, seed: 8);
        float[] near = new float[16];
        near[0] = 1;
        for (int i = 0; i < 2048; i++)
            bank.LoadRows((int)((long)i * 20_000 / 2048), near);
        AssertLargeKMatchesAFullSort(bank, 3000, sampleMisleads: true);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Similarities_at_ranks_are_within_half_a_bin(string implementation, int rows, int width, int queries, int k)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(rows, width, seed: 3));
        using KernelTestData.Matrix q = KernelTestData.Gaussian(queries, width, seed: 4);
        int[] own = [.. Enumerable.Range(0, queries).Select(i => i * 5 % rows)];
        int[] ranks = [0, k - 1, (rows - 2) / 2, rows - 2];
        float[] expected = new float[queries * ranks.Length];
        float[] actual = new float[queries * ranks.Length];
        using var reference = new NearestKeysReference(world.Bank);
        reference.SimilarityAtRanks(q.View, own, ranks, expected);
        world.Keys.SimilarityAtRanks(q.View, own, ranks, actual);
        for (int i = 0; i < expected.Length; i++)
        {
            double norm = Math.Sqrt(q.View.Row(i / ranks.Length).ToArray().Sum(x => (double)x * x));
            // Half a bin, the scale's own 1e-6, and float32 rounding of the score chain.
            Assert.Equal(expected[i], actual[i], norm * (1.0 / NearestKeysLimits.Bins + 2e-6 + width * 6e-8));
        }
    }

    [Fact]
    public void Ranks_of_a_zero_query_and_of_more_queries_than_one_pass_are_answered()
    {
        using var world = new World("cpu Vector256 3", MemoryBank.CreateRandom(50, 8, seed: 3));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(400, 8, seed: 4);
        q.View.Row(399).Clear();
        float[] similarities = new float[400];
        world.Keys.SimilarityAtRanks(q.View, [], [20], similarities);
        float[] last = new float[1];
        world.Keys.SimilarityAtRanks(q.View.Slice(398, 1), [], [20], last);
        Assert.Equal(last[0], similarities[398]);
        Assert.Equal(0f, similarities[399]);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(500)]
    public void A_call_allocates_nothing_after_the_first(int k)
    {
        using var world = new World("cpu Vector256 2", MemoryBank.CreateRandom(17_000, 8, seed: 3));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(7, 8, seed: 4);
        int[] rows = new int[7 * k];
        float[] similarities = new float[7 * k];
        Assert.Equal(0, AllocationMeter.Bytes(() =>
        {
            world.Keys.Find(q.View, [], k, rows, similarities);
            world.Keys.SimilarityAtRanks(q.View, [], [0, 5], similarities.AsSpan(0, 14));
        }));
    }

    private static void AssertRefused(string part, Action question) =>
        Assert.Contains(part, Assert.Throws<ArgumentException>(question).Message);

    private static (int[] Rows, float[] Similarities) Find(INearestKeys keys, MatrixView queries, int[] own, int k)
    {
        int[] rows = new int[queries.Rows * Math.Max(k, 0)];
        float[] similarities = new float[rows.Length];
        keys.Find(queries, own, k, rows, similarities);
        return (rows, similarities);
    }

    /// <summary>
    /// Rank by rank the similarity is the reference's to float32 rounding (so only near-ties may swap), each row carries its own
    /// similarity, no row comes twice, and equal similarities are in ascending row order.
    /// </summary>
    private static void AssertMatches(World world, MatrixView q, int[] own, int k)
    {
        using var reference = new NearestKeysReference(world.Bank);
        (_, float[] expected) = Find(reference, q, own, k);
        (int[] rows, float[] actual) = Find(world.Keys, q, own, k);
        double tolerance = 6e-8 * (q.Width + 1);
        for (int b = 0; b < q.Rows; b++)
        {
            Assert.Equal(k, rows.AsSpan(b * k, k).ToArray().Distinct().Count());
            for (int i = b * k; i < (b + 1) * k; i++)
            {
                Assert.Equal(expected[i], actual[i], tolerance);
                Assert.Equal(Dot(q.Row(b), world.Bank.Row(rows[i])), actual[i], tolerance);
                Assert.NotEqual(own[b], rows[i]);
                if (i > b * k)
                    Assert.True(actual[i] < actual[i - 1] || (actual[i] == actual[i - 1] && rows[i] > rows[i - 1]));
            }
        }
    }

    private static void AssertLargeKMatchesAFullSort(MemoryBank bank, int k, bool sampleMisleads)
    {
        using KernelTestData.Matrix q = KernelTestData.UnitRows(7, 16, seed: 9);
        if (sampleMisleads)
        {
            for (int b = 0; b < 7; b++)
                q.View.Row(b)[0] += 3;
        }
        using var pool = new WorkerPool(2);
        using var keys = new NearestKeysCpu(bank, pool);
        (int[] rows, float[] similarities) = Find(keys, q.View, [0, 1, 2, 3, 4, 5, 6], k);
        float[] scores = new float[6 * 32 * bank.PanelCount];
        fixed (float* s = scores)
            ScorePass.Scores(bank, q.View.Data, 16, 6, 0, bank.PanelCount, s, 32 * bank.PanelCount, InstructionSets.Best);
        for (int b = 0; b < 6; b++)
        {
            float[] mine = scores[(b * 32 * bank.PanelCount)..];
            int[] order = [.. Enumerable.Range(0, bank.RowCount).Where(r => r != b).OrderByDescending(r => mine[r]).ThenBy(r => r).Take(k)];
            Assert.Equal(order, rows.AsSpan(b * k, k).ToArray());
            Assert.Equal(mine[order[^1]], similarities[b * k + k - 1]);
        }
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int d = 0; d < a.Length; d++)
            sum += (double)a[d] * b[d];
        return sum;
    }

    /// <summary>A bank and one implementation over it, named "reference", "cpu ISA threads" or "cuda scores".</summary>
    private sealed class World : IDisposable
    {
        private readonly WorkerPool? _pool;
        private readonly TestDevice? _device;

        public World(string implementation, MemoryBank bank)
        {
            Bank = bank;
            string[] words = implementation.Split(' ');
            if (words[0] == "reference")
            {
                Keys = new NearestKeysReference(bank);
                return;
            }

            if (words[0] == "cuda")
            {
                _device = new TestDevice();
                Keys = new NearestKeysCuda(bank, _device, Enum.Parse<DeviceScores>(words[1]));
                return;
            }

            _pool = new WorkerPool(int.Parse(words[2]));
            Keys = new NearestKeysCpu(bank, _pool, Enum.Parse<InstructionSet>(words[1]));
        }

        public MemoryBank Bank { get; }

        public INearestKeys Keys { get; }

        public void Dispose()
        {
            Keys.Dispose();
            _device?.Dispose();
            _pool?.Dispose();
            Bank.Dispose();
        }
    }
}
