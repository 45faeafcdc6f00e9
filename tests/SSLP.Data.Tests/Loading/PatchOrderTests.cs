using SSLP.Data.Loading;
using SSLP.Data.Patches;
using Xunit;

namespace SSLP.Data.Tests.Loading;

public sealed class PatchOrderTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 1, 4)]
    [InlineData(100, 16, 2)]
    [InlineData(101, 16, 3)]
    [InlineData(257, 10, 256)]
    public void Every_epoch_is_a_permutation(int patches, int run, int window)
    {
        var order = new PatchOrder(Table(patches), new OrderOptions(run, window), seed: 5, batchSize: 4);
        for (int epoch = 0; epoch < 3; epoch++)
            Assert.Equal(Enumerable.Range(0, patches), order.Epoch(epoch).Order());
    }

    [Fact]
    public void Is_a_function_of_seed_and_epoch()
    {
        PatchOrder Order(ulong seed) => new(Table(200), new OrderOptions(8, 4), seed, 16);
        Assert.Equal(Order(3).Epoch(7), Order(3).Epoch(7));
        Assert.NotEqual(Order(3).Epoch(7), Order(3).Epoch(8));
        Assert.NotEqual(Order(3).Epoch(7), Order(4).Epoch(7));
    }

    /// <summary>Of slides of one size each gives all its patches: the order that is cut into runs is the table's either way.</summary>
    [Fact]
    public void Runs_of_the_table_are_those_of_a_list_of_the_same_patches()
    {
        int[] places = [.. Enumerable.Range(0, 207)], slides = [.. places.Select(place => place / 69)];
        var table = new PatchTable(["a", "b", "c"], slides, places, new int[207]);
        int[] Order(bool balance) => new PatchOrder(table, new OrderOptions(8, 4, balance), seed: 3, batchSize: 16).Epoch(2);
        Assert.Equal(Order(true), Order(false));
    }

    /// <summary>4·N bytes, and a number for each run: at ten million patches the one before lies beside it.</summary>
    [Fact]
    public void An_epoch_takes_the_memory_of_its_order()
    {
        const int Patches = 200_000;
        var order = new PatchOrder(Table(Patches), new OrderOptions(16), seed: 3, batchSize: 16);
        order.Epoch(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        order.Epoch(1);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 4 * Patches, 4 * (Patches + (Patches / 16)) + 2_000);
    }

    [Fact]
    public void Every_position_gets_every_patch_about_equally_often()
    {
        const int Patches = 20, Epochs = 4000;
        var order = new PatchOrder(Table(Patches), new OrderOptions(), seed: 11, batchSize: 4);
        int[,] counts = new int[Patches, Patches];
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            int[] ids = order.Epoch(epoch);
            for (int i = 0; i < Patches; i++)
                counts[i, ids[i]]++;
        }
        double expected = (double)Epochs / Patches, chi = 0;
        foreach (int count in counts)
            chi += (count - expected) * (count - expected) / expected;
        // Chi-square of a Latin-square-like table with (n − 1)² = 361 degrees of freedom: mean 361, deviation √(2·361) = 27.
        Assert.InRange(chi, 361 - (5 * 27), 361 + (5 * 27));
    }

    [Fact]
    public void Runs_stay_within_their_window()
    {
        var order = new PatchOrder(Table(640), new OrderOptions(RunLength: 16, WindowRuns: 4), seed: 1, batchSize: 32);
        int[] ids = order.Epoch(0);
        for (int window = 0; window < ids.Length; window += 64)
            Assert.Equal(4, ids.Skip(window).Take(64).Select(id => id / 16).Distinct().Count());
        Assert.Equal(31.0 / 63, order.SameRunMeetingRate, 12);
    }

    [Fact]
    public void Patches_of_one_run_meet_as_often_as_is_said()
    {
        const int Batch = 32;
        var order = new PatchOrder(Table(640), new OrderOptions(RunLength: 16, WindowRuns: 4), seed: 1, batchSize: Batch);
        long together = 0, pairs = 0;
        for (int epoch = 0; epoch < 200; epoch++)
        {
            int[] batchOf = new int[640];
            int[] ids = order.Epoch(epoch);
            for (int i = 0; i < ids.Length; i++)
                batchOf[ids[i]] = i / Batch;
            for (int a = 0; a < 640; a++)
                for (int b = a + 1; b < (a / 16 * 16) + 16; b++, pairs++)
                    together += batchOf[a] == batchOf[b] ? 1 : 0;
        }
        Assert.Equal(order.SameRunMeetingRate, (double)together / pairs, 0.01);
    }

    [Fact]
    public void Balancing_gives_every_slide_its_share()
    {
        var table = new PatchTable(["big", "small", "tiny"], (int[])[.. Enumerable.Repeat(0, 90), .. Enumerable.Repeat(1, 9), 2],
            Enumerable.Range(0, 100).ToArray(), new int[100]);
        int[] ids = new PatchOrder(table, new OrderOptions(BalanceSlides: true), seed: 2, batchSize: 10).Epoch(0);
        int[] perSlide = [.. Enumerable.Range(0, 3).Select(slide => ids.Count(id => table.SlideOf[id] == slide))];
        Assert.Equal([34, 33, 33], perSlide);
        Assert.Equal(34, ids.Where(id => id < 90).Distinct().Count());
    }

    [Fact]
    public void A_batch_is_never_larger_than_the_table() =>
        Assert.Equal((3, 1), (new PatchOrder(Table(3), new OrderOptions(), 0, 128).BatchSize,
            new PatchOrder(Table(3), new OrderOptions(), 0, 128).BatchesPerEpoch));

    private static PatchTable Table(int count) => new(["s"], new int[count], Enumerable.Range(0, count).ToArray(), new int[count]);
}
