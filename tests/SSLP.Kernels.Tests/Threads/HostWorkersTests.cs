using Xunit;

namespace SSLP.Kernels.Tests;

/// <summary>A host that has threads of its own lends them to the kernels: another mechanism, other numbers, another order, the same
/// bits.</summary>
public sealed class HostWorkersTests
{
    private const int Rows = 517, Width = 24, Batch = 13;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Kernels_give_the_same_bits_on_a_hosts_own_threads(int workers)
    {
        using var bank = MemoryBank.CreateRandom(Rows, Width, seed: 5);
        var host = new HostWorkers(workers);
        using var own = new KernelSet(KernelBackend.Cpu, threads: 2);
        using var lent = new KernelSet(new KernelOptions(), host);
        Assert.Equal(Found(own, bank), Found(lent, bank));
        Assert.Equal(Clustered(own, bank), Clustered(lent, bank));
        Assert.Equal(Stepped(own, bank), Stepped(lent, bank));
        Assert.True(host.ItemsDone > 0, "the kernels ran elsewhere");
    }

    [Fact]
    public void A_hosts_threads_stay_the_hosts()
    {
        using var pool = new WorkerPool(2);
        using (var kernels = new KernelSet(new KernelOptions(), pool))
            Assert.Same(pool, kernels.Pool);
        var done = new HostWorkers.Counter();
        pool.Run(done, 10);
        Assert.Equal(10, done.Items);
    }

    private static float[] Found(KernelSet kernels, MemoryBank bank)
    {
        using KernelTestData.Matrix queries = KernelTestData.UnitRows(Batch, Width, seed: 6);
        int[] rows = new int[Batch * 7];
        float[] similarities = new float[Batch * 7];
        using INearestKeys keys = kernels.NearestKeys(bank);
        keys.Find(queries.View, [], 7, rows, similarities);
        return [.. rows, .. similarities];
    }

    private static int[] Clustered(KernelSet kernels, MemoryBank bank)
    {
        int[] labels = new int[Rows];
        using IKMeans means = kernels.KMeans(bank);
        means.Cluster(9, iterations: 4, [3], labels);
        return labels;
    }

    private static float[] Stepped(KernelSet kernels, MemoryBank bank)
    {
        int[] slides = new int[Rows], columns = new int[Rows], rows = new int[Rows];
        for (int i = 0; i < Rows; i++)
            (slides[i], columns[i], rows[i]) = (i / 200, i % 20, i % 200 / 20);
        var spatial = new SpatialNeighbours(slides, columns, rows);
        using IThreeTermStep step = kernels.ThreeTermStep(bank, spatial, new ThreeTermOptions { NearestKeys = 40, Negatives = 60 });
        int[] anchors = [.. Enumerable.Range(0, Batch).Select(i => i * 31 % Rows)];
        using KernelTestData.Matrix features = KernelTestData.UnitRows(Batch, Width, seed: 8), gradient = new(Batch, Width);
        step.Run(anchors, features.View, new ThreeTermCall(new TermWeights(1, 1, 1), Seed: 4, Step: 2), gradient.View);
        float[] values = new float[Batch * Width];
        for (int i = 0; i < Batch; i++)
            gradient.View.Row(i).CopyTo(values.AsSpan(i * Width));
        Assert.Contains(values, value => value != 0);
        return values;
    }

    /// <summary>Tasks of the .NET thread pool, which take items from the last to the first.</summary>
    private sealed class HostWorkers(int workers) : IWorkers
    {
        private readonly Lock _oneRun = new();
        private int _itemsDone;

        public int Workers => workers;

        public int ItemsDone => _itemsDone;

        public void Run(IParallelWork work, int items)
        {
            lock (_oneRun)
            {
                int left = items;
                Task.WaitAll([.. Enumerable.Range(0, workers).Select(worker => Task.Run(() =>
                {
                    for (int item; (item = Interlocked.Decrement(ref left)) >= 0;)
                    {
                        work.Execute(item, worker);
                        Interlocked.Increment(ref _itemsDone);
                    }
                }))]);
            }
        }

        /// <summary>Counts.</summary>
        internal sealed class Counter : IParallelWork
        {
            private int _items;

            public int Items => _items;

            public void Execute(int item, int worker) => Interlocked.Increment(ref _items);
        }
    }
}
