using SSLP.Kernels.Tests.Device;
using Xunit;

namespace SSLP.Kernels.Tests;

/// <summary>The same cases over the reference and the CPU path on each instruction set, with 1 to 3 threads.</summary>
public sealed class KMeansTests
{
    public static TheoryData<string> Implementations =>
        ["reference", "cpu Scalar 1", "cpu Vector128 3", "cpu Vector256 1", "cpu Vector256 3", "cpu Vector512 2", "cuda"];

    public static TheoryData<string, int, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, int, int>();
            foreach (string implementation in Implementations.Select(row => row.Data))
            {
                foreach ((int n, int d, int c) in new[] { (1, 8, 1), (17, 33, 5), (33, 7, 33), (257, 128, 7), (700, 16, 40) })
                    cases.Add(implementation, n, d, c);
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Every_row_is_with_its_nearest_centre(string implementation, int rows, int width, int clusters)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(rows, width, seed: 1));
        int[] labels = new int[rows];
        world.Means.Cluster(clusters, 5, [1234], labels);
        MatrixView centres = world.Means.Centres;
        Assert.Equal(clusters, centres.Rows);
        for (int r = 0; r < rows; r++)
        {
            double own = Distance(world.Bank.Row(r), centres.Row(labels[r]));
            for (int c = 0; c < clusters; c++)
                Assert.True(own <= Distance(world.Bank.Row(r), centres.Row(c)) + (width + 4) * 6e-8 * 4);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void The_spread_is_that_of_the_reference(string implementation, int rows, int width, int clusters)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(rows, width, seed: 1));
        using var reference = new KMeansReference(world.Bank);
        int[] labels = new int[rows];
        // Two assignments and one update: too few for a row that float32 puts on the other side of a border to lead elsewhere.
        world.Means.Cluster(clusters, 2, [7], labels);
        double spread = Spread(world.Bank, world.Means.Centres, labels);
        reference.Cluster(clusters, 2, [7], labels);
        double expected = Spread(world.Bank, reference.Centres, labels);
        Assert.Equal(expected, spread, expected * 1e-3 + 1e-6);
    }

    [Theory, InlineData(2), InlineData(3), InlineData(4)]
    public void Processes_with_a_part_of_the_rows_each_give_the_labels_of_one(int parts)
    {
        // Forty equal rows among the others, so that clusters run empty and are seeded anew.
        using var bank = MemoryBank.CreateRandom(701, 19, seed: 9);
        for (int r = 0; r < 40; r++)
            bank.LoadRows(3 * r, bank.Row(0));
        using var pool = new WorkerPool(2);
        using var one = new KMeansCpu(bank, pool);
        int[] expected = new int[2 * bank.RowCount];
        one.Cluster(60, 9, [3, 4], expected);
        IShards[] shards = ThreadShards.Of(parts);
        ThreadShards.Run(parts, rank =>
        {
            int first = ShardRows.First(bank.RowCount, rank, parts), count = ShardRows.Count(bank.RowCount, rank, parts);
            using var part = new MemoryBank(count, bank.Width);
            for (int row = 0; row < count; row++)
                part.LoadRows(row, bank.Row(first + row));
            using var workers = new WorkerPool(1);
            using var several = new KMeansCpu(part, workers, shards: shards[rank], allRows: bank.RowCount);
            int[] labels = new int[expected.Length];
            several.Cluster(60, 9, [3, 4], labels);
            Assert.Equal(expected, labels);
            for (int c = 0; c < 60; c++)
                Assert.True(one.Centres.Row(c).SequenceEqual(several.Centres.Row(c)));
        });
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Well_separated_groups_are_found_as_the_reference_finds_them(string implementation)
    {
        const int Groups = 9, Each = 23, Width = 16;
        using var bank = MemoryBank.CreateRandom(Groups * Each, Width, seed: 5);
        float[] row = new float[Width];
        for (int r = 0; r < Groups * Each; r++)
        {
            for (int d = 0; d < Width; d++)
                row[d] = 0.05f * bank.Row(r)[d] + (d == r % Groups ? 1 : 0);
            bank.LoadRows(r, row);
        }
        using var world = new World(implementation, bank);
        using var reference = new KMeansReference(bank);
        int[] labels = new int[3 * Groups * Each];
        int[] expected = new int[labels.Length];
        world.Means.Cluster(Groups, 8, [1234, 1235, 1236], labels);
        reference.Cluster(Groups, 8, [1234, 1235, 1236], expected);
        Assert.Equal(expected, labels);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_cluster_that_lost_its_rows_is_seeded_at_the_farthest_row(string implementation)
    {
        // Forty equal rows and two outliers: nearly every start draws equal rows, whose ties all go to the lowest of their clusters.
        using var bank = new MemoryBank(42, 4);
        for (int r = 0; r < 42; r++)
            bank.LoadRows(r, r switch { 41 => [0, 0, 1, 0], 40 => [0, 0.8f, 0.6f, 0], _ => [1, 0, 0, 0] });
        using var world = new World(implementation, bank);
        foreach (ulong seed in new ulong[] { 1, 2, 3, 4, 5 })
        {
            int[] labels = new int[42];
            world.Means.Cluster(3, 6, [seed], labels);
            Assert.Single(labels.Take(40).Distinct());
            Assert.Equal(3, labels.Distinct().Count());
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Equal_rows_stay_together_and_more_clusters_than_rows_are_cut(string implementation)
    {
        using var bank = new MemoryBank(5, 3);
        using var world = new World(implementation, bank);
        int[] labels = new int[5];
        world.Means.Cluster(100, 4, [1], labels);
        Assert.Equal([0, 0, 0, 0, 0], labels);
        Assert.Equal(5, world.Means.Centres.Rows);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Impossible_calls_are_refused(string implementation)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(5, 3, seed: 1));
        AssertRefused("clusters", () => world.Means.Cluster(0, 1, [1], new int[5]));
        AssertRefused("iteration", () => world.Means.Cluster(2, 0, [1], new int[5]));
        AssertRefused("'labels'", () => world.Means.Cluster(2, 1, [1, 2], new int[5]));
        world.Means.Cluster(2, 1, [], []);
    }

    [Fact]
    public void Neither_threads_nor_instruction_sets_change_a_label()
    {
        using var bank = MemoryBank.CreateRandom(3000, 24, seed: 2);
        int[]? first = null;
        foreach (string implementation in Implementations.Select(row => row.Data).Where(name => name != "reference"))
        {
            using var world = new World(implementation, bank, ownsBank: false);
            int[] labels = new int[6000];
            world.Means.Cluster(77, 6, [1234, 1235], labels);
            first ??= labels;
            Assert.Equal(first, labels);
        }
        Assert.NotEqual(first!.Take(3000), first!.Skip(3000));
    }

    [Fact]
    public void A_call_allocates_nothing_after_the_first()
    {
        using var world = new World("cpu Vector256 2", MemoryBank.CreateRandom(900, 8, seed: 3));
        int[] labels = new int[900];
        Assert.Equal(0, AllocationMeter.Bytes(() => world.Means.Cluster(20, 3, [1], labels)));
    }

    private static void AssertRefused(string part, Action call) => Assert.Contains(part, Assert.Throws<ArgumentException>(call).Message);

    private static double Spread(MemoryBank bank, MatrixView centres, int[] labels) =>
        Enumerable.Range(0, bank.RowCount).Sum(r => Distance(bank.Row(r), centres.Row(labels[r])));

    private static double Distance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int d = 0; d < a.Length; d++)
            sum += ((double)a[d] - b[d]) * ((double)a[d] - b[d]);
        return sum;
    }

    /// <summary>A bank and one implementation over it, named "reference", "cpu ISA threads" or "cuda".</summary>
    private sealed class World : IDisposable
    {
        private readonly bool _ownsBank;
        private readonly WorkerPool? _pool;
        private readonly TestDevice? _device;

        public World(string implementation, MemoryBank bank, bool ownsBank = true)
        {
            Bank = bank;
            _ownsBank = ownsBank;
            string[] words = implementation.Split(' ');
            if (words[0] == "reference")
            {
                Means = new KMeansReference(bank);
                return;
            }

            if (words[0] == "cuda")
            {
                _device = new TestDevice();
                Means = new KMeansCuda(bank, _device);
                return;
            }

            _pool = new WorkerPool(int.Parse(words[2]));
            Means = new KMeansCpu(bank, _pool, Enum.Parse<InstructionSet>(words[1]));
        }

        public MemoryBank Bank { get; }

        public IKMeans Means { get; }

        public void Dispose()
        {
            Means.Dispose();
            _device?.Dispose();
            _pool?.Dispose();
            if (_ownsBank)
                Bank.Dispose();
        }
    }
}
