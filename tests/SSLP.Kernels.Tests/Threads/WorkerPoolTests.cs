using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class WorkerPoolTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 7)]
    [InlineData(2, 1)]
    [InlineData(3, 1000)]
    [InlineData(8, 5)]
    public void Every_item_is_done_once(int workers, int items)
    {
        using var pool = new WorkerPool(workers);
        var count = new Counter(items);
        for (int run = 1; run <= 20; run++)
        {
            pool.Run(count, items);
            Assert.All(count.Times, times => Assert.Equal(run, times));
        }
        Assert.True(count.HighestWorker < workers);
    }

    [Fact]
    public void An_items_exception_reaches_the_caller_and_the_pool_stays_usable()
    {
        using var pool = new WorkerPool(2);
        InvalidTimeZoneException thrown = Assert.Throws<InvalidTimeZoneException>(() => pool.Run(new Thrower(), 100));
        Assert.Equal("item", thrown.Message);
        var count = new Counter(10);
        pool.Run(count, 10);
        Assert.All(count.Times, times => Assert.Equal(1, times));
    }

    [Fact]
    public void A_run_inside_an_item_is_refused()
    {
        using var pool = new WorkerPool(1);
        Assert.Throws<InvalidOperationException>(() => pool.Run(new Nested(pool), 1));
    }

    [Fact]
    public async Task Two_callers_take_turns()
    {
        using var pool = new WorkerPool(2);
        var count = new Counter(64);
        await Task.WhenAll(Task.Run(() => pool.Run(count, 64)), Task.Run(() => pool.Run(count, 64)));
        Assert.All(count.Times, times => Assert.Equal(2, times));
    }

    [Fact]
    public void A_disposed_pool_refuses_work()
    {
        var pool = new WorkerPool(2);
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(new Counter(1), 1));
    }

    [Fact]
    public void A_run_allocates_nothing()
    {
        using var pool = new WorkerPool(2);
        var count = new Counter(64);
        pool.Run(count, 64);
        Assert.Equal(0, AllocationMeter.Bytes(() => pool.Run(count, 64)));
    }

    private sealed class Counter(int items) : IParallelWork
    {
        private int _highestWorker;

        public int[] Times { get; } = new int[items];

        public int HighestWorker => _highestWorker;

        public void Execute(int item, int worker)
        {
            Interlocked.Increment(ref Times[item]);
            if (worker > Volatile.Read(ref _highestWorker))
                Volatile.Write(ref _highestWorker, worker);
        }
    }

    private sealed class Thrower : IParallelWork
    {
        public void Execute(int item, int worker)
        {
            if (item == 3)
                throw new InvalidTimeZoneException("item");
        }
    }

    private sealed class Nested(WorkerPool pool) : IParallelWork
    {
        public void Execute(int item, int worker) => pool.Run(this, 1);
    }
}
