using System.Numerics.Tensors;
using SSLP.Data.Patches;
using SSLP.Engine.Statistics;
using SSLP.Kernels;

namespace SSLP.Evaluation.Features;

/// <summary>One feature vector per patch, beside where the patch lies and what is known of it.</summary>
public sealed class FeatureTable
{
    private const int BlockRows = 256;

    /// <summary>Takes the numbers as they are (no copy).</summary>
    /// <param name="patches">N patches.</param>
    /// <param name="values">N × W, row-major.</param>
    /// <param name="width">W, numbers per patch.</param>
    /// <param name="source">What made them, for tables and files: "resnet18 sslp", "mean colour".</param>
    /// <param name="level0">Upper left corners of the patches in level-0 pixels, N × 2 (x, y); null for patches that were cut
    /// elsewhere.</param>
    public FeatureTable(PatchTable patches, float[] values, int width, string source, long[]? level0 = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (values.LongLength != (long)patches.Count * width)
            throw new ArgumentException(
                $"{patches.Count} patches of {width} numbers are {(long)patches.Count * width}; there are {values.LongLength}.",
                nameof(values));
        if (level0 is not null && level0.LongLength != 2L * patches.Count)
            throw new ArgumentException($"{patches.Count} patches have {patches.Count} corners; {level0.LongLength / 2} were given.",
                nameof(level0));
        (Patches, Values, Width, Source, Level0) = (patches, values, width, source, level0);
    }

    public PatchTable Patches { get; }

    /// <summary>N × W, row-major.</summary>
    public float[] Values { get; }

    /// <summary>W, numbers per patch.</summary>
    public int Width { get; }

    /// <summary>What made them.</summary>
    public string Source { get; }

    /// <summary>N × 2 (x, y) in level-0 pixels, or null.</summary>
    public long[]? Level0 { get; }

    /// <summary>N.</summary>
    public int Count => Patches.Count;

    /// <summary>How the features fill their space; two rows at least; a large table is sampled at even distances.</summary>
    internal SpreadStatistics Spread()
    {
        int stride = Math.Max(1, Count / SpreadStatistics.EnoughRows);
        FeatureTable sampled = stride == 1 ? this : Select([.. Enumerable.Range(0, Count / stride).Select(i => i * stride)]);
        return SpreadStatistics.Of(sampled.Values, Width);
    }

    /// <summary>The W numbers of one patch.</summary>
    public ReadOnlySpan<float> Row(int patch) => Values.AsSpan(patch * Width, Width);

    /// <summary>Rows from <paramref name="first"/> on at length 1, as many as <paramref name="into"/> has room for; a row of zeros stays
    /// one.</summary>
    /// <returns>The part of <paramref name="into"/> that was written.</returns>
    public ReadOnlySpan<float> UnitRows(int first, float[] into)
    {
        int rows = Math.Min(into.Length / Width, Count - first);
        for (int row = 0; row < rows; row++)
            TensorPrimitives.Divide(
                Row(first + row), Math.Max(TensorPrimitives.Norm(Row(first + row)), 1e-12f), into.AsSpan(row * Width, Width));
        return into.AsSpan(0, rows * Width);
    }

    /// <summary>All rows at length 1 as the kernels take them; the caller's.</summary>
    public MemoryBank ToBank()
    {
        var bank = new MemoryBank(Count, Width);
        float[] block = new float[BlockRows * Width];
        for (int first = 0; first < Count; first += BlockRows)
            bank.LoadRows(first, UnitRows(first, block));
        return bank;
    }

    /// <summary>The same numbers under another name of what made them.</summary>
    public FeatureTable Named(string source) => new(Patches, Values, Width, source, Level0);

    /// <summary>These numbers and another table's of the same patches, side by side.</summary>
    /// <exception cref="ArgumentException">The other has other patches.</exception>
    public FeatureTable Beside(FeatureTable other, string source)
    {
        if (other.Count != Count)
            throw new ArgumentException($"{Count} patches here, {other.Count} there.", nameof(other));
        int width = Width + other.Width;
        float[] values = new float[(long)Count * width];
        for (int row = 0; row < Count; row++)
        {
            Row(row).CopyTo(values.AsSpan(row * width));
            other.Row(row).CopyTo(values.AsSpan(row * width + Width));
        }
        return new FeatureTable(Patches, values, width, source, Level0);
    }

    /// <summary>The same with a table of its own, which outlives a source whose columns are mapped from a file.</summary>
    public FeatureTable Kept() => new(Patches.Select([.. Enumerable.Range(0, Count)]), Values, Width, Source, Level0);

    /// <summary>The given rows in the given order, over the same slides, classes and splits.</summary>
    public FeatureTable Select(ReadOnlySpan<int> rows)
    {
        float[] values = new float[rows.Length * Width];
        long[]? level0 = Level0 is null ? null : new long[2 * rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            Row(rows[i]).CopyTo(values.AsSpan(i * Width));
            Level0?.AsSpan(2 * rows[i], 2).CopyTo(level0.AsSpan(2 * i));
        }

        return new FeatureTable(Patches.Select(rows), values, Width, Source, level0);
    }
}
