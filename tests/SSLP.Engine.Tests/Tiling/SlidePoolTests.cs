using SSLP.Engine.Tiling;
using Xunit;

namespace SSLP.Engine.Tests.Tiling;

public sealed class SlidePoolTests
{
    private int _open;
    private int _opened;
    private int _most;

    [Fact]
    public void Keeps_the_most_recently_used_within_the_budget()
    {
        using SlidePool<Handle> pool = new(2, Open);
        Use(pool, 1);
        Use(pool, 2);
        Use(pool, 1);
        Use(pool, 3);
        Assert.Equal(2, _open);
        Use(pool, 1);
        Assert.Equal(3, _opened);
        Use(pool, 2);
        Assert.Equal(4, _opened);
    }

    [Fact]
    public void Never_closes_what_is_in_use_and_returns_to_the_budget()
    {
        SlidePool<Handle> pool = new(1, Open);
        SlidePool<Handle>.Lease a = pool.Rent(1), b = pool.Rent(2), again = pool.Rent(1);
        Assert.Same(a.Value, again.Value);
        Assert.Equal(2, _open);
        a.Dispose();
        Assert.False(again.Value.Closed);
        again.Dispose();
        b.Dispose();
        Assert.Equal(1, _open);
        SlidePool<Handle>.Lease last = pool.Rent(5);
        pool.Dispose();
        Assert.False(last.Value.Closed);
        last.Dispose();
        Assert.Equal(0, _open);
    }

    [Fact]
    public void A_slide_that_does_not_open_leaves_no_entry_and_is_tried_again()
    {
        int tries = 0;
        using SlidePool<Handle> pool = new(4, i => ++tries < 3 ? throw new InvalidDataException() : Open(i));
        Assert.Throws<InvalidDataException>(() => pool.Rent(0));
        Assert.Throws<InvalidDataException>(() => pool.Rent(0));
        Assert.Equal(0, pool.OpenCount);
        Use(pool, 0);
        Assert.Equal(1, pool.OpenCount);
    }

    [Fact]
    public void Many_threads_over_many_slides_stay_within_budget_plus_threads_and_close_everything()
    {
        const int Budget = 5, Threads = 8;
        SlidePool<Handle> pool = new(Budget, Open);
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, t =>
        {
            var random = new Random(t);
            for (int i = 0; i < 3000; i++)
            {
                using SlidePool<Handle>.Lease lease = pool.Rent(random.Next(40));
                Assert.False(lease.Value.Closed);
            }
        });
        Assert.InRange(_open, 1, Budget);
        Assert.InRange(_most, 1, Budget + (2 * Threads));
        pool.Dispose();
        Assert.Equal(0, _open);
    }

    private static void Use(SlidePool<Handle> pool, int slide) => pool.Rent(slide).Dispose();

    private Handle Open(int slide)
    {
        int open = Interlocked.Increment(ref _open);
        Interlocked.Increment(ref _opened);
        InterlockedMax(ref _most, open);
        return new(this);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (int seen = target; value > seen; seen = target)
            if (Interlocked.CompareExchange(ref target, value, seen) == seen)
                return;
    }

    private sealed class Handle(SlidePoolTests owner) : IDisposable
    {
        public bool Closed { get; private set; }

        public void Dispose()
        {
            Assert.False(Closed);
            Closed = true;
            Interlocked.Decrement(ref owner._open);
        }
    }
}
