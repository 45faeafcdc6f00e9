using System.Diagnostics;
using SSLP.Data.Loading;

namespace SSLP.Bench.Jobs;

/// <summary>The scene's patches through the ring that training reads from, to a consumer that does nothing with them.</summary>
internal sealed class LoadingRing : IDisposable
{
    /// <summary>As training's default.</summary>
    private const int Slots = 4;

    private readonly LoadingScene _scene;
    private readonly BatchRing _ring;
    private readonly LoadingPatches _patches;
    private readonly CancellationTokenSource _stop = new();
    private readonly int[] _order;

    public LoadingRing(LoadingScene scene, int threads)
    {
        _scene = scene;
        _patches = new LoadingPatches(scene);
        _order = [.. Enumerable.Range(0, scene.Places.Length)];
        var memory = new AlignedBatchMemory(BatchRing.BytesFor(scene.Side, scene.BatchSize, Slots));
        _ring = new BatchRing(new ReplacingReader(_patches, seed: 0), scene.Side, scene.BatchSize, Slots, threads, memory);
    }

    private int Batches => _order.Length / _scene.BatchSize;

    /// <summary>Milliseconds of all batches, with slides just opened; the slots are the run's, allocated once.</summary>
    public double Time()
    {
        _patches.Reopen();
        long start = Stopwatch.GetTimestamp();
        Epoch();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>First batch from nothing, then the footprint of batches after warm-up.</summary>
    public static Dictionary<string, double> Measure(LoadingScene scene, int threads)
    {
        const int WarmEpochs = 4, Epochs = 4;
        var before = ProcessFootprint.Now();
        long begun = Stopwatch.GetTimestamp();
        using var ring = new LoadingRing(scene, threads);
        ring._ring.Start(ring._order, 0, 1);
        ring._ring.Next(ring._stop.Token);
        double firstBatch = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        ring._ring.Release();

        for (int epoch = 0; epoch < WarmEpochs; epoch++)
            ring.Epoch();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        for (int epoch = 0; epoch < Epochs; epoch++)
            ring.Epoch();
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        var after = ProcessFootprint.Now();
        return new()
        {
            ["batch_size"] = scene.BatchSize,
            ["first_batch_ms"] = firstBatch,
            ["allocated_bytes_per_batch"] = (double)allocated / (Epochs * ring.Batches),
            ["slot_bytes"] = BatchRing.BytesFor(scene.Side, scene.BatchSize, Slots),
            ["resident_growth_bytes"] = after.ResidentBytes - before.ResidentBytes,
            ["peak_resident_bytes"] = ProcessFootprint.PeakResidentBytes(),
            ["handles_before"] = before.Handles,
            ["handles"] = after.Handles,
        };
    }

    public void Dispose()
    {
        _ring.Dispose();
        _patches.Dispose();
        _stop.Dispose();
    }

    private void Epoch()
    {
        _ring.Start(_order, 0, Batches);
        for (int batch = 0; batch < Batches; batch++)
        {
            _ring.Next(_stop.Token);
            _ring.Release();
        }
    }
}
