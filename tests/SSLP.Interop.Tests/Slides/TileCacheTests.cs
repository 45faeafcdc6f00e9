using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>The cache of decoded tiles by itself: what stays, what goes, and that no two users share a buffer.</summary>
public class TileCacheTests
{
    private const int Tile = 64 << 10;

    [Fact]
    public void The_tile_used_longest_ago_gives_way()
    {
        var cache = new TileCache(3 * Tile);
        foreach (int tile in (int[])[0, 1, 2])
            Put(cache, tile);
        cache.Release(cache.Find(Key(0))!);
        Put(cache, 3);
        Assert.Equal([true, false, true, true], Enumerable.Range(0, 4).Select(tile => Has(cache, tile)));
        Assert.Equal(3 * Tile, cache.UsedBytes);
    }

    [Fact]
    public void A_tile_in_use_stays_and_the_budget_is_kept_when_it_is_released()
    {
        var cache = new TileCache(2 * Tile);
        Put(cache, 0);
        Put(cache, 1);
        TileCache.Slot[] held = [cache.Find(Key(0))!, cache.Find(Key(1))!];
        Put(cache, 2);
        Assert.Equal(2 * Tile, cache.UsedBytes);
        Assert.True(Has(cache, 0) && Has(cache, 1) && !Has(cache, 2));
        foreach (TileCache.Slot slot in held)
            cache.Release(slot);
        Put(cache, 3);
        Assert.True(Has(cache, 1) && Has(cache, 3));
    }

    [Fact]
    public void A_buffer_that_was_not_published_is_used_again_and_found_by_nobody()
    {
        var cache = new TileCache(4 * Tile);
        TileCache.Slot first = cache.Rent(100);
        cache.Release(first);
        Assert.False(Has(cache, 0));
        Assert.Same(first, cache.Rent(100));
    }

    [Fact]
    public void Of_two_that_decode_one_tile_the_first_is_kept()
    {
        var cache = new TileCache(4 * Tile);
        TileCache.Slot first = cache.Rent(100);
        TileCache.Slot second = cache.Rent(100);
        Assert.NotSame(first, second);
        cache.Publish(first, Key(0));
        cache.Publish(second, Key(0));
        cache.Release(first);
        cache.Release(second);
        Assert.Same(first, cache.Find(Key(0)));
        Assert.Same(second, cache.Rent(100));
    }

    [Fact]
    public void A_smaller_budget_frees_at_once_and_none_keeps_nothing()
    {
        var cache = new TileCache(8 * Tile);
        for (int tile = 0; tile < 8; tile++)
            Put(cache, tile);
        cache.BudgetBytes = 3 * Tile;
        Assert.Equal(3 * Tile, cache.UsedBytes);
        cache.BudgetBytes = 0;
        Assert.Equal(0, cache.UsedBytes);
        Put(cache, 9);
        Assert.Equal(0, cache.UsedBytes);
        Assert.False(Has(cache, 9));
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.BudgetBytes = -1);
    }

    [Fact]
    public void Sizes_may_be_mixed()
    {
        var cache = new TileCache(4 * Tile);
        var random = new Random(7);
        for (int i = 0; i < 500; i++)
        {
            Put(cache, i, random.Next(1, 3 * Tile));
            Assert.InRange(cache.UsedBytes, 1, 4 * Tile);
        }
    }

    [Fact]
    public void Threads_never_see_a_buffer_change_under_them()
    {
        var cache = new TileCache(6 * Tile);
        Parallel.For(0, 8, thread =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 2000; i++)
            {
                int tile = random.Next(24);
                TileCache.Slot? slot = cache.Find(Key(tile));
                if (slot is null)
                {
                    slot = cache.Rent(Tile);
                    slot.Pixels.AsSpan(0, 512).Fill((byte)tile);
                    cache.Publish(slot, Key(tile));
                }
                Assert.True(slot.Pixels.AsSpan(0, 512).IndexOfAnyExcept((byte)tile) < 0);
                cache.Release(slot);
            }
        });
        Assert.InRange(cache.UsedBytes, 1, 6 * Tile);
    }

    private static TileKey Key(int tile) => new(1, tile, 1);

    private static void Put(TileCache cache, int tile, int bytes = Tile)
    {
        TileCache.Slot slot = cache.Rent(bytes);
        cache.Publish(slot, Key(tile));
        cache.Release(slot);
    }

    private static bool Has(TileCache cache, int tile)
    {
        if (cache.Find(Key(tile)) is not { } slot)
            return false;
        cache.Release(slot);
        return true;
    }
}
