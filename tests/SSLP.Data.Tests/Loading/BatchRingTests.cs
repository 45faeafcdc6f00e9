using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Loading;

public sealed unsafe class BatchRingTests
{
    private const int Slots = 3;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 2)]
    [InlineData(16, 4)]
    public void Delivers_every_batch_in_order_with_its_pixels(int batchSize, int workers)
    {
        using var source = new TestPatches(slides: 2, side: 6);
        using BatchRing ring = Ring(new ReplacingReader(source, 1), source, batchSize, workers);
        int[] order = [.. Enumerable.Range(0, 72).Select(i => i * 5 % 72)];
        int batches = 72 / batchSize;
        for (int epoch = 0; epoch < 2; epoch++)
        {
            ring.Start(order, 0, batches);
            for (int b = 0; b < batches; b++)
            {
                PatchBatch batch = ring.Next(CancellationToken.None);
                Assert.Equal(b, batch.Index);
                Assert.Equal(order.Skip(b * batchSize).Take(batchSize), batch.Patches.ToArray());
                AssertPixels(batch, source.PatchSize);
                ring.Release();
            }
        }
    }

    [Fact]
    public void Begins_in_the_middle_of_an_epoch()
    {
        using var source = new TestPatches(1, 6);
        using BatchRing ring = Ring(new ReplacingReader(source, 1), source, 4, 2);
        int[] order = [.. Enumerable.Range(0, 36)];
        ring.Start(order, firstBatch: 7, batches: 9);
        PatchBatch batch = ring.Next(CancellationToken.None);
        Assert.Equal([28, 29, 30, 31], batch.Patches.ToArray());
        ring.Release();
        Assert.Equal([32, 33, 34, 35], ring.Next(CancellationToken.None).Patches.ToArray());
        Assert.All(source.Asked, asked => Assert.InRange(asked, 28, 35));
    }

    [Fact]
    public void Reads_no_further_than_its_slots()
    {
        using var source = new TestPatches(1, 10);
        using BatchRing ring = Ring(new ReplacingReader(source, 1), source, 10, 4);
        ring.Start([.. Enumerable.Range(0, 100)], 0, 10);
        ring.Next(CancellationToken.None);
        SpinWait.SpinUntil(() => source.Asked.Count >= Slots * 10, TimeSpan.FromSeconds(5));
        Thread.Sleep(50);
        Assert.Equal(Slots * 10, source.Asked.Count);
    }

    [Fact]
    public void Waiting_ends_when_cancelled()
    {
        using var source = new TestPatches(1, 4);
        using var cancel = new CancellationTokenSource();
        using var gate = new ManualResetEventSlim();
        using BatchRing ring = Ring(new GatedReader(gate), source, 4, 1);
        ring.Start([.. Enumerable.Range(0, 16)], 0, 4);
        cancel.CancelAfter(20);
        Assert.ThrowsAny<OperationCanceledException>(() => ring.Next(cancel.Token));
        gate.Set();
    }

    [Fact]
    public void A_reader_that_fails_fails_the_consumer()
    {
        using var source = new TestPatches(1, 3, bad: Enumerable.Range(0, 9));
        using BatchRing ring = Ring(new ReplacingReader(source, 1), source, 3, 2);
        ring.Start([.. Enumerable.Range(0, 9)], 0, 3);
        PatchReadException fault = Assert.Throws<PatchReadException>(() => ring.Next(CancellationToken.None));
        Assert.Contains("sslp audit", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Allocates_nothing_for_a_batch()
    {
        using var source = new QuietPatches();
        using BatchRing ring = Ring(new ReplacingReader(source, 1), source, 8, 2);
        int[] order = [.. Enumerable.Range(0, 64).Select(i => i % 16)];
        long Batches()
        {
            ring.Start(order, 0, 8);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int b = 0; b < 8; b++)
            {
                ring.Next(CancellationToken.None);
                ring.Release();
            }
            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }
        for (int warm = 0; warm < 20; warm++)
            Batches();
        // The least of several: another test's allocations are counted with ours.
        Assert.Equal(0, Enumerable.Range(0, 20).Min(_ => Batches()));
    }

    [Fact]
    public void A_read_that_stalls_is_told_once_and_closing_does_not_wait_for_it()
    {
        using var source = new TestPatches(slides: 1, side: 4);
        using var never = new ManualResetEventSlim();
        var told = new List<IReadOnlyList<int>>();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(400));
        var ring = new BatchRing(new GatedReader(never), source.PatchSize, 4, Slots, 1,
            new AlignedBatchMemory(BatchRing.BytesFor(source.PatchSize, 4, Slots)))
        {
            StallAfter = TimeSpan.FromMilliseconds(50),
            Patience = TimeSpan.FromMilliseconds(50),
            Stalled = told.Add,
        };
        ring.Start([7, 3, 1, 2], 0, 1);
        Assert.Throws<OperationCanceledException>(() => ring.Next(stop.Token));
        Assert.Equal([7], Assert.Single(told));
        ring.Dispose();
        never.Set();
    }

    /// <summary>SSLP_CYCLES sets how many; 10,000 is the long form.</summary>
    [Fact]
    public void Cycles_of_a_ring_under_random_delays_and_cancellation_end()
    {
        int cycles = int.TryParse(Environment.GetEnvironmentVariable("SSLP_CYCLES"), out int asked) ? asked : 400;
        using var source = new TestPatches(slides: 2, side: 6);
        int[] order = [.. Enumerable.Range(0, 72)];
        int delivered = 0, stopped = 0;
        var work = new Thread(() =>
        {
            for (int cycle = 0; cycle < cycles; cycle++)
            {
                var random = new Random(cycle);
                using BatchRing ring = Ring(new SlowReader(cycle), source, random.Next(1, 9), random.Next(1, 4));
                int batches = 72 / 8, first = random.Next(batches);
                using var stop = new CancellationTokenSource();
                if (random.Next(2) == 0)
                    stop.CancelAfter(TimeSpan.FromMicroseconds(random.Next(3000)));
                ring.Start(order, first, batches);
                try
                {
                    for (int b = first; b < batches; b++)
                    {
                        Assert.Equal(b, ring.Next(stop.Token).Index);
                        Interlocked.Increment(ref delivered);
                        if (random.Next(8) == 0)
                            Thread.Sleep(random.Next(2));
                        ring.Release();
                    }
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref stopped);
                }
            }
        })
        { IsBackground = true };
        work.Start();
        Assert.True(work.Join(TimeSpan.FromSeconds(30 + (cycles / 20))),
            $"{cycles} cycles did not end: {delivered} batches came, {stopped} were stopped.");
        Assert.True(delivered > cycles && stopped > cycles / 20);
    }

    private sealed class SlowReader(int seed) : IBatchReader
    {
        public int Read(int patch, long batch, Span<byte> rgb)
        {
            // A function of what is read: Random is not for several threads.
            uint mixed = (uint)((patch * 7919) + (seed * 104729)) * 2654435761u;
            if (mixed >> 28 == 0)
                Thread.Sleep(0);
            else if (mixed >> 24 == 17)
                Thread.SpinWait(20_000);
            return patch;
        }
    }

    private static BatchRing Ring(IBatchReader reader, IPatchSource source, int batchSize, int workers) => new(
        reader, source.PatchSize, batchSize, Slots, workers,
        new AlignedBatchMemory(BatchRing.BytesFor(source.PatchSize, batchSize, Slots)));

    private static void AssertPixels(PatchBatch batch, int patchSize)
    {
        int bytes = patchSize * patchSize * 3;
        for (int i = 0; i < batch.Patches.Length; i++)
        {
            var pixels = new ReadOnlySpan<byte>((byte*)batch.Pixels + (i * bytes), bytes);
            for (int p = 0; p < bytes; p++)
                Assert.Equal(TestPatches.Pixel(batch.Patches.Span[i], p), pixels[p]);
        }
    }

    private sealed class GatedReader(ManualResetEventSlim gate) : IBatchReader
    {
        public int Read(int patch, long batch, Span<byte> rgb)
        {
            gate.Wait();
            return patch;
        }
    }

    private sealed class QuietPatches : IPatchSource
    {
        public PatchTable Table { get; } = new(["s"], new int[16], Enumerable.Range(0, 16).ToArray(), new int[16]);

        public int PatchSize => 8;

        public double? Mpp => null;

        public string Describe => "quiet";

        public void Read(int patch, Span<byte> rgb) => rgb.Fill((byte)patch);

        public void Dispose()
        {
        }
    }
}
