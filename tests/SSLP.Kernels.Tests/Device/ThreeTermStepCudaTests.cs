using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>The whole bank step through the launcher and the device code, on a GPU or the PTX machine, against the float64
/// reference.</summary>
[Collection("device")]
public sealed unsafe class ThreeTermStepCudaTests(TestDevice device)
{
    private const int Width = 9;

    [Theory]
    [InlineData(1, DeviceScores.Float32)]
    [InlineData(2, DeviceScores.Float32)]
    [InlineData(0, DeviceScores.Float32)]
    [InlineData(1, DeviceScores.BFloat16)]
    public void Matches_the_reference(int auxiliaryAnchors, DeviceScores scores)
    {
        var options = new ThreeTermOptions { AuxiliaryAnchors = auxiliaryAnchors, NearestKeys = 40, Negatives = 12, PoolShare = 0.4 };
        Compare(options, rows: 140, anchors: [0, 77, 77, 139, 12], scores);
    }

    [Fact]
    public void Hardest_and_detached_negatives_match_the_reference() =>
        Compare(new ThreeTermOptions { NearestKeys = 20, Negatives = 9, Sampling = NegativeSampling.Hardest, DetachNegatives = true },
            90, [3, 50]);

    [Fact]
    public void Without_negatives_everything_is_zero() => Compare(new ThreeTermOptions { NearestKeys = 20, Negatives = 0 }, 60, [3, 50]);

    /// <summary>
    /// Thresholds and buckets come from a sample of the rows. Two rows whose scores differ by less than float32 rounds them by may change
    /// places.
    /// </summary>
    [Theory]
    [InlineData(DeviceScores.Float32)]
    [InlineData(DeviceScores.BFloat16)]
    public void Ranks_of_a_sampled_bank_match_the_reference(DeviceScores scores)
    {
        using var world = new World(4400);
        var options = new ThreeTermOptions { NearestKeys = 60, Negatives = 24 };
        using var step = new ThreeTermStepCuda(world.Bank, world.Spatial, options, device, scores);
        using var reference = new ThreeTermStepReference(world.Bank, world.Spatial, options);
        int[] anchors = [0, 2077, 4399];
        float[] features = world.Features(anchors.Length);
        var call = new ThreeTermCall(new TermWeights(1, 0.7, 0.4), 20210927, 3);
        Run(step, anchors, features, call);
        Run(reference, anchors, features, call);
        for (int b = 0; b < anchors.Length; b++)
        {
            double[] expected = [.. reference.Sets.Negatives[b].ToArray().Select(row => Similarity(world.Bank, features, b, row)).Order()];
            double[] actual = [.. step.Sets.Negatives[b].ToArray().Select(row => Similarity(world.Bank, features, b, row)).Order()];
            Assert.Equal(24, actual.Length);
            for (int i = 0; i < actual.Length; i++)
                Assert.Equal(expected[i], actual[i], 2 * Width * Math.ScaleB(1, -24));
        }
    }

    private static double Similarity(MemoryBank bank, float[] features, int anchor, int row)
    {
        double sum = 0;
        for (int d = 0; d < Width; d++)
            sum += (double)features[anchor * Width + d] * bank.Row(row)[d];
        return sum;
    }

    [Fact]
    public void A_bank_update_is_followed()
    {
        using var world = new World(80);
        var options = new ThreeTermOptions { NearestKeys = 20, Negatives = 8, PoolShare = 0.5 };
        using var step = new ThreeTermStepCuda(world.Bank, world.Spatial, options, device);
        using var reference = new ThreeTermStepReference(world.Bank, world.Spatial, options);
        int[] anchors = [4, 9];
        float[] features = world.Features(anchors.Length);
        for (int t = 0; t < 2; t++)
        {
            AssertSame(reference, step, anchors, features, t);
            fixed (float* data = features)
                world.Bank.Update(anchors, new MatrixView(data, 2, Width), 0.5f);
        }
    }

    /// <summary>The device finds it, after a search of scores that are no numbers has come to its end.</summary>
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_feature_that_is_not_finite_is_refused_by_its_number(float value)
    {
        using var world = new World(60);
        using var step = new ThreeTermStepCuda(
            world.Bank, world.Spatial, new ThreeTermOptions { NearestKeys = 20, Negatives = 8, PoolShare = 0.5 }, device);
        float[] features = world.Features(2);
        features[Width + 3] = value;
        ArgumentException fault = Assert.Throws<ArgumentException>(
            () => Run(step, [4, 9], features, new ThreeTermCall(new TermWeights(1, 1, 1), 1, 0)));
        Assert.Contains("Feature 1 (bank row 9)", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(12)]
    [InlineData(90)]
    public void Random_negatives_match_the_reference(int negatives) =>
        Compare(new ThreeTermOptions { NearestKeys = 20, Negatives = negatives, Sampling = NegativeSampling.Random }, 90, [3, 50, 89]);

    /// <summary>Instance discrimination: the self term alone, no neighbour of either kind.</summary>
    [Fact]
    public void Random_negatives_without_any_neighbours_match_the_reference() =>
        Compare(
            new ThreeTermOptions
            {
                NearestKeys = 0,
                Negatives = 12,
                RadiusPatches = 0.5,
                AuxiliaryAnchors = 0,
                Sampling = NegativeSampling.Random
            },
            90, [3, 50, 89]);

    /// <summary>Many patches on one place: the first launch finds more neighbours than there is room for, and they are sampled in the
    /// second.</summary>
    [Fact]
    public void A_sample_of_more_neighbours_than_there_is_room_for_matches_the_reference()
    {
        const int rows = 60;
        int[] none = new int[rows];
        using var bank = MemoryBank.CreateRandom(rows, Width, seed: 5);
        var crowd = new SpatialNeighbours(none, [.. Enumerable.Range(0, rows).Select(i => i % 3)], none);
        var options = new ThreeTermOptions { NearestKeys = 20, Negatives = 9, PoolShare = 0.5, RadiusPatches = 1.5, SpatialSample = 7 };
        using var step = new ThreeTermStepCuda(bank, crowd, options, device);
        using var reference = new ThreeTermStepReference(bank, crowd, options);
        using var random = MemoryBank.CreateRandom(3, Width, seed: 6);
        float[] features = new float[3 * Width];
        random.SaveRows(0, features);
        AssertSame(reference, step, [0, 1, 59], features, 2);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(5, 1)]
    [InlineData(60, 3)]
    public void A_sample_of_spatial_neighbours_matches_the_reference(int sample, int auxiliaryAnchors) =>
        Compare(
            new ThreeTermOptions
            {
                NearestKeys = 20,
                Negatives = 9,
                PoolShare = 0.5,
                RadiusPatches = 5,
                SpatialSample = sample,
                AuxiliaryAnchors = auxiliaryAnchors
            },
            140, [3, 50, 77, 139]);

    private void Compare(ThreeTermOptions options, int rows, int[] anchors, DeviceScores scores = DeviceScores.Float32)
    {
        using var world = new World(rows);
        using var step = new ThreeTermStepCuda(world.Bank, world.Spatial, options, device, scores);
        using var reference = new ThreeTermStepReference(world.Bank, world.Spatial, options);
        float[] features = world.Features(anchors.Length);
        // Before the first clustering every row is alone; then labels, with a class that spans slides.
        AssertSame(reference, step, anchors, features, 0);
        var clusters = new ClusterAgreement(world.Labels, rows);
        step.SetClusters(clusters);
        reference.SetClusters(clusters);
        AssertSame(reference, step, anchors, features, 1);
    }

    private static void AssertSame(IThreeTermStep reference, IThreeTermStep step, int[] anchors, float[] features, long t)
    {
        var call = new ThreeTermCall(new TermWeights(1, 0.7, 0.4), 20210927, t);
        (ThreeTermResult expected, float[] expectedGradient) = Run(reference, anchors, features, call);
        (ThreeTermResult actual, float[] gradient) = Run(step, anchors, features, call);
        for (int b = 0; b < anchors.Length; b++)
        {
            Assert.Equal(reference.Sets.Self[b], step.Sets.Self[b]);
            Assert.Equal(reference.Sets.Spatial[b], step.Sets.Spatial[b]);
            Assert.Equal(reference.Sets.Feature[b], step.Sets.Feature[b]);
            Assert.Equal(reference.Sets.Negatives[b].ToArray().Order(), step.Sets.Negatives[b].ToArray().Order());
        }

        // d/τ carries Width roundings of 2⁻²⁴ over τ; exponentials and logarithms a few more.
        double tolerance = 40 * Math.ScaleB(1, -24) / 0.07;
        Assert.Equal(expected.Loss, actual.Loss, tolerance);
        Assert.Equal(expected.Self, actual.Self, tolerance);
        Assert.Equal(expected.Intra, actual.Intra, tolerance);
        Assert.Equal(expected.Inter, actual.Inter, tolerance);
        Assert.Equal((expected.SpatialSize, expected.FeatureSize, expected.NegativeSize),
            (actual.SpatialSize, actual.FeatureSize, actual.NegativeSize));
        Assert.Equal(expected.OtherSlideShare, actual.OtherSlideShare, 1e-12);
        for (int i = 0; i < gradient.Length; i++)
            Assert.Equal(expectedGradient[i], gradient[i], tolerance / 0.07);
    }

    private static (ThreeTermResult Result, float[] Gradient) Run(IThreeTermStep step, int[] anchors, float[] features, ThreeTermCall call)
    {
        float[] gradient = new float[features.Length];
        fixed (float* f = features)
        fixed (float* g = gradient)
            return (step.Run(anchors, new MatrixView(f, anchors.Length, Width), call, new MatrixView(g, anchors.Length, Width)), gradient);
    }

    /// <summary>Two slides of patches on a grid with holes, duplicates of a place among them; a random bank; two clusterings.</summary>
    private sealed class World : IDisposable
    {
        public World(int rows)
        {
            int[] slide = new int[rows], col = new int[rows], row = new int[rows];
            for (int i = 0; i < rows; i++)
                (slide[i], col[i], row[i]) = (i < rows / 3 ? 0 : 1, i % 9 + (i == 13 ? 1 : 0), i / 9 - 4);
            Bank = MemoryBank.CreateRandom(rows, Width, seed: 5);
            Spatial = new SpatialNeighbours(slide, col, row);
            Labels = [.. Enumerable.Range(0, rows).Select(i => i % 3), .. Enumerable.Range(0, rows).Select(i => i / 5 % 2)];
        }

        public MemoryBank Bank { get; }

        public SpatialNeighbours Spatial { get; }

        public int[] Labels { get; }

        public float[] Features(int count)
        {
            using var random = MemoryBank.CreateRandom(count, Width, seed: 6);
            float[] features = new float[count * Width];
            random.SaveRows(0, features);
            return features;
        }

        public void Dispose() => Bank.Dispose();
    }
}
