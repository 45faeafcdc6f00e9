using SSLP.Interop.Cuda;
using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>What bf16 may be off by, on vectors made to be rounded as badly as they can be.</summary>
[Collection("device")]
public sealed unsafe class TensorMarginTests(TestDevice device)
{
    private const int Width = 64;

    // A mantissa of 1 + 2⁻⁸ lies between two bf16 values and goes to the lower; a hair more goes up; 1 + 2⁻⁸ + 2⁻¹⁶ leaves a rest that
    // rounds badly, too.
    public static TheoryData<float, float> Mantissas => new()
    {
        { 1f + 1f / 256, 1f + 1f / 256 },
        { MathF.BitIncrement(1f + 1f / 256), MathF.BitIncrement(1f + 1f / 256) },
        { 1f + 1f / 256 - 1f / 65536, 1f + 1f / 256 - 1f / 65536 },
        { 1f + 1f / 256 + 1f / 65536, 1f + 1f / 256 - 1f / 65536 },
        { 1f + 3f / 256, 1f + 1f / 256 },
    };

    [Theory]
    [MemberData(nameof(Mantissas))]
    public void Rounded_scores_are_within_the_margins(float query, float row)
    {
        // All components alike: no rounding makes up for another. In float64, so that operands alone are off.
        double exact = (double)query * row, whole = (double)First(query) * First(row);
        double split = whole + (double)First(query) * Second(row) + (double)Second(query) * First(row);
        Assert.InRange(Math.Abs(whole - exact) / exact, 0, TensorTile.Slack(0));
        Assert.InRange(Math.Abs(split - exact) / exact, 0, TensorTile.SplitSlack(0));
    }

    [Fact]
    public void A_row_that_reaches_the_threshold_is_noted_where_all_components_round_down()
    {
        // 63 components of ⅛·(1 + 2⁻⁸): the float32 score is 1, the bf16 score 0.9923.
        float[] vector = [.. Enumerable.Repeat(0.125f * (1f + 1f / 256), Width - 1), 0f];
        vector[^1] = MathF.Sqrt((float)(1 - vector.Sum(x => (double)x * x)));
        using MemoryBank bank = new(3, Width), queries = new(1, Width);
        bank.LoadRows(0, [.. vector.Select(x => -x), .. vector, .. vector.Select(x => 0.5f * x)]);
        queries.LoadRows(0, vector);
        float threshold = (float)vector.Sum(x => (double)x * x) - 1e-5f;
        Assert.Equal([1], Noted(bank, queries, threshold));
    }

    [Fact]
    public void A_NaN_rounds_to_a_NaN_whatever_its_bits()
    {
        foreach (uint bits in (uint[])[0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0x7FC00000])
            Assert.True(float.IsNaN(First(BitConverter.UInt32BitsToSingle(bits))));
        Assert.Equal(float.PositiveInfinity, First(float.PositiveInfinity));
    }

    private static float First(float value) => TensorCore.Widen(TensorCore.Round(value, 0f) & 0xFFFFu);

    private static float Second(float value) => TensorCore.Widen(TensorCore.Rest(value, 0f, TensorCore.Round(value, 0f)) & 0xFFFFu);

    private int[] Noted(MemoryBank bank, MemoryBank queries, float threshold)
    {
        using DeviceArray<float> rows = Upload(bank), features = Upload(queries);
        using DeviceArray<ulong> thresholds = new DeviceArray<ulong>(device).EnsureLength(1);
        using DeviceArray<int> own = new DeviceArray<int>(device).EnsureLength(1),
            noted = new DeviceArray<int>(device).EnsureLength(bank.RowCount);
        using DeviceArray<int> counts = new DeviceArray<int>(device).EnsureLength(1);
        using RoundedRows roundedRows = new(device), roundedQueries = new(device);
        roundedRows.Round(rows, bank.RowCount, Width / 4);
        roundedQueries.Round(features, 1, Width / 4);
        thresholds.Upload([DeviceMath.RankedKey(threshold, bank.RowCount)]);
        own.Upload([-1]);
        counts.EnqueueClear(1);
        var arguments = new KernelArguments();
        arguments.Eights(roundedQueries.Pairs);
        arguments.Eights(roundedRows.Pairs);
        arguments.View(thresholds);
        arguments.View(roundedQueries.Lengths);
        arguments.View(roundedRows.Largest);
        arguments.View(own);
        arguments.View(noted);
        arguments.View(counts);
        arguments.Int32(1);
        arguments.Int64(bank.RowCount);
        arguments.Int32(Width / 4);
        arguments.Int32(bank.RowCount);
        arguments.Int64(128);
        device.EnqueueLaunch("CollectRoundedCandidates", new LaunchGrid(1), ref arguments);
        int[] count = new int[1], found = new int[bank.RowCount];
        counts.ReadBack(count);
        noted.ReadBack(found);
        return found[..count[0]];
    }

    private DeviceArray<float> Upload(MemoryBank bank)
    {
        DeviceArray<float> array = new DeviceArray<float>(device).EnsureLength((long)bank.RowCount * Width);
        array.Upload(new ReadOnlySpan<float>(bank.Rows.Data, bank.RowCount * Width));
        return array;
    }
}
