using System.Numerics.Tensors;
using SSLP.Kernels;

namespace SSLP.Bench.Jobs;

/// <summary>
/// A bank as training makes it, for the bench of the bank step: slides of 25,000 patches, rows near one of N/200 centres that neighbouring
/// patches share, and three clusterings that each put one row in ten elsewhere. So S, F and Q all have members, as they do after the first
/// epochs.
/// </summary>
internal sealed class StepScene
{
    private const int PatchesPerSlide = 25_000, SlideColumns = 160, BlockPatches = 4, RowsPerCentre = 200, Runs = 3;
    private const ulong Seed = 31;

    private readonly int[] _slide, _col, _row;

    /// <summary>Moves the bench's bank rows to their centres and lays the patches out.</summary>
    public StepScene(BankBench bench)
    {
        MemoryBank bank = bench.Bank;
        int rows = bank.RowCount, centres = Math.Max(1, rows / RowsPerCentre);
        (_slide, _col, _row, Labels) = (new int[rows], new int[rows], new int[rows], new int[Runs * rows]);
        float[] mixed = new float[bank.Width];
        using var centre = MemoryBank.CreateRandom(centres, bank.Width, Seed);
        for (int j = 0; j < rows; j++)
        {
            int place = j % PatchesPerSlide;
            (_slide[j], _col[j], _row[j]) = (j / PatchesPerSlide, place % SlideColumns, place / SlideColumns);
            int own = (int)Draw((ulong)BlockOf(j), 0, centres);
            Mix(centre.Row(own), 0.8f, bank.Row(j), 0.6f, mixed);
            bank.LoadRows(j, mixed);
            for (int run = 0; run < Runs; run++)
            {
                bool elsewhere = Draw((ulong)j, 1 + (ulong)run, 10) == 0;
                Labels[run * rows + j] = elsewhere ? (int)Draw((ulong)j, 11 + (ulong)run, centres) : own;
            }
        }
        Anchors = [.. Enumerable.Range(0, bench.Queries.RowCount).Select(b => (int)Draw((ulong)b, 100, rows))];
        for (int b = 0; b < Anchors.Length; b++)
        {
            Mix(bank.Row(Anchors[b]), 0.9f, bench.Queries.Row(b), 0.4f, mixed);
            bench.Queries.LoadRows(b, mixed);
        }
    }

    /// <summary>c [R, N].</summary>
    public int[] Labels { get; }

    /// <summary>Bank rows of the batch; its features, near those rows, replace the bench's queries.</summary>
    public int[] Anchors { get; }

    public ReadOnlySpan<int> Slide => _slide;

    public ReadOnlySpan<int> Col => _col;

    public ReadOnlySpan<int> Row => _row;

    /// <summary>The index over the scene's patches.</summary>
    public SpatialNeighbours Index() => new(_slide, _col, _row);

    private long BlockOf(int j) =>
        ((long)_slide[j] * SlideColumns + _row[j] / BlockPatches) * SlideColumns + _col[j] / BlockPatches;

    private static uint Draw(ulong index, ulong stream, int below) =>
        CounterRandom.Below(CounterRandom.Block(Seed, stream, index).X, (uint)below);

    private static void Mix(ReadOnlySpan<float> a, float ofA, ReadOnlySpan<float> b, float ofB, Span<float> mixed)
    {
        for (int d = 0; d < mixed.Length; d++)
            mixed[d] = ofA * a[d] + ofB * b[d];
        TensorPrimitives.Divide(mixed, TensorPrimitives.Norm<float>(mixed), mixed);
    }
}
