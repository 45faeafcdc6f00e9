using System.Runtime.InteropServices;
using SSLP.Interop.Cuda;
using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>Single device kernels, each against plain loops in float64, on a GPU or the PTX machine.</summary>
[Collection("device")]
public sealed unsafe partial class DeviceKernelTests(TestDevice device)
{
    private const int Width = 10, Stride = 16;

    [Fact]
    public void An_update_blends_in_order_and_keeps_a_row_that_has_no_direction()
    {
        using MemoryBank bank = MemoryBank.CreateRandom(9, Width, seed: 2), features = MemoryBank.CreateRandom(4, Width, seed: 3);
        int[] anchors = [7, 2, 7, 0];
        float[] opposite = [.. bank.Row(0).ToArray().Select(x => -x)];
        features.LoadRows(3, opposite);  // m = ½: the blend vanishes
        using DeviceArray<float> rows = Upload(bank), vectors = Upload(features);
        using DeviceArray<int> ids = Upload(anchors), flags = Upload([2]);
        Fill update = a =>
        {
            a.View(ids);
            a.Quads(vectors);
            a.Quads(rows);
            a.View(flags);
            a.Int32(4);
            a.Int32(Stride / 4);
            a.Single(0.5f);
            return a;
        };
        Launch("UpdateBank", 4, update);  // a flag is set: nothing moves
        AssertRows(bank, rows, 0);
        flags.EnqueueClear(1);
        Launch("UpdateBank", 4, update);
        bank.Update(anchors, features.Rows, 0.5f);
        AssertRows(bank, rows, 4e-7);
    }

    [Theory]
    [InlineData(1, 0, 0f)]
    [InlineData(130, 129, float.NaN)]
    [InlineData(130, 0, float.PositiveInfinity)]
    [InlineData(77, 40, float.NegativeInfinity)]
    [InlineData(77, 40, float.MaxValue)]
    public void A_value_that_is_not_finite_sets_its_bit_and_no_other(int rows, int bad, float value)
    {
        using var random = MemoryBank.CreateRandom(rows, Stride, seed: 2);
        float[] values = new float[rows * Stride];
        random.SaveRows(0, values);
        values[bad * Stride + Stride - 1] = value;
        int expected;
        fixed (float* data = values)
            expected = new MatrixView(data, rows, Stride).FirstNonFiniteRow() >= 0 ? 5 : 4;
        using DeviceArray<float> array = Upload(values);
        using DeviceArray<int> flags = Upload([4]);
        Launch("CheckFinite", 3, a => { a.Quads(array); a.View(flags); a.Int64(values.Length / 4); a.Int32(1); return a; });
        Assert.Equal(expected, Read(flags, 1)[0]);
    }

    [Fact]
    public void Scalar_functions_give_NaN_of_NaN()
    {
        Assert.True(float.IsNaN(DeviceMath.Max(float.NaN, 1f)) && float.IsNaN(DeviceMath.Max(1f, float.NaN)));
        Assert.True(float.IsNaN(DeviceMath.Min(float.NaN, 1f)) && float.IsNaN(DeviceMath.Min(1f, float.NaN)));
        Assert.True(float.IsNaN(DeviceMath.Exp(float.NaN)) && float.IsNaN(DeviceMath.Log(float.NaN)));
        Assert.True(float.IsNaN(DeviceMath.SoftPlus(float.NaN)) && float.IsNaN(DeviceMath.Logistic(float.NaN)));
        Assert.Equal((2f, -1f), (DeviceMath.Max(2f, -1f), DeviceMath.Min(2f, -1f)));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    [InlineData(-1f)]
    [InlineData(0.2f)]
    [InlineData(-float.Epsilon)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.MaxValue)]
    public void The_number_above_another_is_the_next(float value) => Assert.Equal(MathF.BitIncrement(value), DeviceMath.Above(value));

    [Fact]
    public void The_number_above_is_that_of_both_zeros_and_none_reaches_that_of_infinity()
    {
        Assert.Equal(float.Epsilon, DeviceMath.Above(-0f));
        Assert.True(float.IsNaN(DeviceMath.Above(float.PositiveInfinity)));
    }

    [Fact]
    public void Assignment_and_means_match_plain_k_means()
    {
        // Two tiles of rows, two of centroids, one of them a duplicate: ties go to the lower.
        using MemoryBank bank = MemoryBank.CreateRandom(150, Width, seed: 2), start = MemoryBank.CreateRandom(131, Width, seed: 3);
        start.LoadRows(130, start.Row(4));
        using DeviceArray<float> rows = Upload(bank), centroids = Upload(start), bias = Empty<float>(131), distances = Empty<float>(150);
        using DeviceArray<int> labels = Empty<int>(150), sizes = Empty<int>(131);
        using DeviceArray<long> sums = Empty<long>(131 * Stride);
        sizes.EnqueueClear(131);
        void Mean() => Launch("MeanClusters", 131, a =>
        {
            a.View(sums);
            a.View(sizes);
            a.Quads(centroids);
            a.View(bias);
            a.Int32(Stride / 4);
            return a;
        });
        Mean();
        Assign(2, rows, centroids, bias, labels, distances, sums, sizes, 150, 131);
        float[] apart = Read(distances, 150);
        Mean();

        int[] found = Read(labels, 150), expected = [.. Enumerable.Range(0, 150).Select(i => NearestCentre(bank.Row(i), start))];
        Assert.Equal(expected, found);
        for (int i = 0; i < 150; i++)
            Assert.Equal(SquaredDistance(bank.Row(i), start.Row(expected[i])), apart[i], 1e-5);
        float[] means = Read(centroids, 131 * Stride);
        for (int c = 0; c < 131; c++)
        {
            int[] members = [.. Enumerable.Range(0, 150).Where(i => expected[i] == c)];
            for (int d = 0; d < Width; d++)
            {
                double mean = members.Length == 0 ? start.Row(c)[d] : members.Average(i => (double)bank.Row(i)[d]);
                Assert.Equal(mean, means[c * Stride + d], 1e-6);
            }
        }
    }

    /// <summary>A cluster of 2²⁶ rows and a few more, the first of them summed before: what a bank of 100 M rows may come to.</summary>
    [Fact]
    public void Sums_of_a_cluster_hold_more_rows_than_any_bank_of_ten_million()
    {
        const int before = 1 << 26, rows = 5;
        using MemoryBank bank = new(rows, Width);
        float[] row = [1f, -1f, 0.5f, 0, 0, 0, 0, 0, 0, 0.999f];
        for (int i = 0; i < rows; i++)
            bank.LoadRows(i, row);
        using DeviceArray<float> vectors = Upload(bank), centroids = Upload(new float[Stride]), bias = Upload([0f]);
        using DeviceArray<float> distances = Empty<float>(rows);
        using DeviceArray<long> sums = Upload([.. row.Select(x => before * (long)(x * KMeans.FixedPoint)), .. new long[Stride - Width]]);
        using DeviceArray<int> labels = Empty<int>(rows), sizes = Upload([before]);
        Assign(1, vectors, centroids, bias, labels, distances, sums, sizes, rows, 1);
        Launch("MeanClusters", 1, a =>
        {
            a.View(sums);
            a.View(sizes);
            a.Quads(centroids);
            a.View(bias);
            a.Int32(Stride / 4);
            return a;
        });
        float[] mean = Read(centroids, Stride);
        for (int d = 0; d < Width; d++)
            Assert.Equal(row[d], mean[d], 1e-7);
        Assert.Equal(-0.5 * row.Sum(x => (double)x * x), Read(bias, 1)[0], 1e-6);
        Assert.Equal([0], Read(sizes, 1));
        Assert.All(Read(sums, Stride), sum => Assert.Equal(0, sum));
        Assert.True((double)KMeans.FixedPoint * KMeansCuda.MaxClusterRows <= Math.ScaleB(1, 63));
    }

    private void Assign(
        int groups, DeviceArray<float> rows, DeviceArray<float> centroids, DeviceArray<float> bias, DeviceArray<int> labels,
        DeviceArray<float> distances, DeviceArray<long> sums, DeviceArray<int> sizes, int rowCount, int clusters) =>
        Launch("AssignClusters", groups, a =>
        {
            a.Quads(rows);
            a.Quads(centroids);
            a.View(bias);
            a.View(labels);
            a.View(distances);
            a.View(sums);
            a.View(sizes);
            a.Int32(rowCount);
            a.Int32(clusters);
            a.Int32(Stride / 4);
            a.Int32(1);
            return a;
        });

    [Theory]
    [InlineData(9, 13)]
    [InlineData(30, 11)]
    [InlineData(1, 4)]
    public void Augmentation_matches_the_reference(int patchSize, int side)
    {
        AugmentOptions options = new() { InputSize = side, VerticalFlip = 0.5f, Blur = 0.5f, StainScale = 0.3f, StainShift = 0.1f };
        const int views = 6;
        byte[] patches = new byte[views * patchSize * patchSize * 3];
        new Random(5).NextBytes(patches);
        AugmentPlan[] plans = [.. Enumerable.Range(0, views).Select(i => AugmentPlan.Draw(options, patchSize, 3, 1, i, 0))];
        Assert.Contains(plans, plan => plan.BlurSigma > 0);
        float[] found = Augmented(options, patches, plans, patchSize);
        for (int i = 0; i < views; i++)
        {
            double[] expected = AugmenterReference.Apply(
                options, plans[i], patches.AsSpan(i * patchSize * patchSize * 3, patchSize * patchSize * 3), patchSize);
            // As on the CPU, and logarithms and exponentials of our own under a stain map that stretches them.
            for (int p = 0; p < expected.Length; p++)
                Assert.Equal(expected[p], found[i * expected.Length + p], 200 * Math.ScaleB(1, -24) / 0.224);
        }
    }

    private float[] Augmented(AugmentOptions options, byte[] patches, AugmentPlan[] plans, int patchSize)
    {
        int side = options.InputSize, floats = plans.Length * 3 * side * side;
        using DeviceArray<byte> source = Upload(patches);
        using DeviceArray<AugmentPlan> planned = Upload(plans);
        using DeviceArray<float> output = Empty<float>(floats), scratch = Empty<float>(floats);
        Launch("AugmentPatches", plans.Length, a =>
        {
            a.View(source);
            a.View(planned);
            a.View(output);
            a.Int32(patchSize);
            a.Int32(side);
            a.Single(options.Mean.R);
            a.Single(options.Mean.G);
            a.Single(options.Mean.B);
            a.Single(1 / options.Deviation.R);
            a.Single(1 / options.Deviation.G);
            a.Single(1 / options.Deviation.B);
            return a;
        });
        Launch("BlurAcross", 3 * plans.Length, a => { a.View(planned); a.View(output); a.View(scratch); a.Int32(side); return a; });
        Launch("BlurDown", 3 * plans.Length, a => { a.View(planned); a.View(scratch); a.View(output); a.Int32(side); return a; });
        return Read(output, floats);
    }

    private delegate KernelArguments Fill(KernelArguments arguments);

    private void Launch(string kernel, int groups, Fill fill) => Launch(kernel, new LaunchGrid((uint)groups), fill);

    private void Launch(string kernel, LaunchGrid grid, Fill fill)
    {
        KernelArguments arguments = fill(new KernelArguments());
        device.EnqueueLaunch(kernel, grid, ref arguments);
    }

    private static int NearestCentre(ReadOnlySpan<float> row, MemoryBank centres)
    {
        int best = 0;
        double least = double.PositiveInfinity;
        for (int c = 0; c < centres.RowCount; c++)
        {
            double squared = SquaredDistance(row, centres.Row(c));
            if (squared < least)
                (best, least) = (c, squared);
        }

        return best;
    }

    private static double SquaredDistance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double squared = 0;
        for (int d = 0; d < Width; d++)
            squared += Math.Pow((double)a[d] - b[d], 2);
        return squared;
    }

    private static void AssertRows(MemoryBank expected, DeviceArray<float> actual, double tolerance)
    {
        float[] rows = Read(actual, expected.RowCount * Stride);
        for (int i = 0; i < rows.Length; i++)
            Assert.Equal(i % Stride < Width ? expected.Row(i / Stride)[i % Stride] : 0f, rows[i], tolerance);
    }

    private DeviceArray<float> Upload(MemoryBank bank)
    {
        DeviceArray<float> array = Empty<float>(bank.RowCount * Stride);
        array.Upload(MemoryMarshal.CreateReadOnlySpan(ref *bank.Rows.Data, bank.RowCount * Stride));
        return array;
    }

    private DeviceArray<float> UploadRows(MemoryBank bank)
    {
        DeviceArray<float> array = Empty<float>(bank.RowCount * bank.Stride);
        array.Upload(new ReadOnlySpan<float>(bank.Rows.Data, bank.RowCount * bank.Stride));
        return array;
    }

    private DeviceArray<T> Upload<T>(T[] values) where T : unmanaged
    {
        DeviceArray<T> array = Empty<T>(values.Length);
        array.Upload(values);
        return array;
    }

    private DeviceArray<T> Empty<T>(int length) where T : unmanaged => new DeviceArray<T>(device).EnsureLength(length);

    private static T[] Read<T>(DeviceArray<T> array, int length) where T : unmanaged
    {
        var values = new T[length];
        array.ReadBack(values);
        return values;
    }
}
