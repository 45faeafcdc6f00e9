using SSLP.Data.Patches;

namespace SSLP.Tests.Shared;

/// <summary>Patches in memory for tests: a grid on each slide, pixels a function of the patch id, faults where they are asked for. Labelled
/// ones are of class left or right by their column, and the last slide is the split val.</summary>
internal sealed class TestPatches : IPatchSource
{
    private readonly HashSet<int> _bad;

    public TestPatches(int slides, int side, int patchSize = 8, IEnumerable<int>? bad = null, bool labelled = false)
    {
        int perSlide = side * side, count = slides * perSlide;
        Table = new PatchTable(
            [.. Enumerable.Range(0, slides).Select(s => $"slide{s}")],
            Enumerable.Range(0, count).Select(p => p / perSlide).ToArray(),
            Enumerable.Range(0, count).Select(p => p % perSlide % side).ToArray(),
            Enumerable.Range(0, count).Select(p => p % perSlide / side).ToArray(),
            labelled ? new CategoryColumn(["left", "right"], Enumerable.Range(0, count).Select(p => p % side / ((side + 1) / 2)).ToArray())
                : null,
            labelled ? new CategoryColumn(["train", "val"], Enumerable.Range(0, count).Select(p => p / perSlide == slides - 1 ? 1 : 0)
                .ToArray()) : null);
        PatchSize = patchSize;
        _bad = [.. bad ?? []];
    }

    public PatchTable Table { get; }

    public int PatchSize { get; }

    public double? Mpp => 0.5;

    public bool IsCheapAtRandom { get; init; }

    public string Describe => "test patches";

    /// <summary>Every id that was read, bad ones too.</summary>
    public System.Collections.Concurrent.ConcurrentBag<int> Asked { get; } = [];

    public void Read(int patch, Span<byte> rgb)
    {
        Asked.Add(patch);
        if (_bad.Contains(patch))
            throw new PatchReadException(patch, Table.SlideName(patch), "a tile does not decode");
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] = Pixel(patch, i);
    }

    public static byte Pixel(int patch, int offset) => (byte)((patch * 7919) + (offset * 31 * ((patch % 5) + 1)));

    public void Dispose()
    {
    }
}
