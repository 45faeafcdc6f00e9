using SSLP.Data.Patches;

namespace SSLP.Bench.Jobs;

/// <summary>Patches of the train bench: noise that is copied from memory, on slides of a full grid.</summary>
internal sealed class TrainPatches : IPatchSource
{
    private const int Kept = 64, SlideSide = 160;

    private readonly byte[][] _pixels;

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
            byte[] rgb = new byte[side * side * 3];
            new Random(i).NextBytes(rgb);
            return rgb;
        })];
    }

    public PatchTable Table { get; }

    public int PatchSize { get; }

    public double? Mpp => null;

    public string Describe => "noise in memory";

    public bool IsCheapAtRandom => true;

    public void Read(int patch, Span<byte> rgb) => _pixels[patch % Kept].CopyTo(rgb);

    public void Dispose()
    {
    }
}
