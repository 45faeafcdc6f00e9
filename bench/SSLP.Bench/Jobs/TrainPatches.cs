using System.Diagnostics;
using SSLP.Data.Patches;

namespace SSLP.Bench.Jobs;

/// <summary>Patches of the train bench: copied from memory, or read by another source; either way the readers' time is counted.</summary>
internal sealed class TrainPatches : IPatchSource
{
    private const int Kept = 64, SlideSide = 160;

    private readonly IPatchSource? _source;
    private readonly byte[][] _pixels = [];
    private long _ticks;

    /// <summary>Noise, on slides of a full grid.</summary>
    /// <param name="count">Patches.</param>
    /// <param name="side">Of a patch, px.</param>
    public TrainPatches(int count, int side)
    {
        PatchSize = side;
        int slides = (count + SlideSide * SlideSide - 1) / (SlideSide * SlideSide);
        int[] all = [.. Enumerable.Range(0, count)];
        Table = new PatchTable(
            [.. Enumerable.Range(0, slides).Select(slide => $"noise{slide}")], all.Select(i => i / (SlideSide * SlideSide)).ToArray(),
            all.Select(i => i % SlideSide).ToArray(), all.Select(i => i / SlideSide % SlideSide).ToArray());
        _pixels = [.. Enumerable.Range(0, Kept).Select(i =>
        {
            var rgb = new byte[side * side * 3];
            new Random(i).NextBytes(rgb);
            return rgb;
        })];
        Describe = "noise in memory";
        IsCheapAtRandom = true;
    }

    /// <param name="source">Owned from here on.</param>
    public TrainPatches(IPatchSource source)
    {
        _source = source;
        (PatchSize, Table, Describe, IsCheapAtRandom) = (source.PatchSize, source.Table, source.Describe, source.IsCheapAtRandom);
    }

    public PatchTable Table { get; }

    public int PatchSize { get; }

    public double? Mpp => _source?.Mpp;

    public string Describe { get; }

    public bool IsCheapAtRandom { get; }

    /// <summary>Seconds that the readers spent since the last call, on all their threads together.</summary>
    public double TakeSeconds() => Stopwatch.GetElapsedTime(0, Interlocked.Exchange(ref _ticks, 0)).TotalSeconds;

    public void Read(int patch, Span<byte> rgb)
    {
        long begun = Stopwatch.GetTimestamp();
        if (_source is not null)
            _source.Read(patch, rgb);
        else
            _pixels[patch % Kept].CopyTo(rgb);
        Interlocked.Add(ref _ticks, Stopwatch.GetTimestamp() - begun);
    }

    public void Dispose() => _source?.Dispose();
}
