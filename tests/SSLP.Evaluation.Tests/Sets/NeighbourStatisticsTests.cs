using SSLP.Data.Patches;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Sets;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Evaluation.Tests.Sets;

public sealed class NeighbourStatisticsTests
{
    private static readonly KernelSet Kernels = new(KernelBackend.Cpu, threads: 2);

    [Fact]
    public void A_hand_made_slide_gives_hand_made_figures()
    {
        // One row of four patches, a a b b; features point along x for a and along y for b.
        PatchTable table = new(["s"], new int[4], new[] { 0, 1, 2, 3 }, new int[4], new CategoryColumn(["a", "b"], new[] { 0, 0, 1, 1 }));
        var s = NeighbourStatistics.Of(
            new FeatureTable(table, [1, 0, 2, 0, 0, 1, 0, 3], 2, "axes"), Kernels, radiusPatches: 1.5, k: 1);
        Assert.Equal(4, s.Anchors);
        Assert.Equal(6.0 / 4, s.SpatialNeighbours, 12);
        Assert.Equal(4.0 / 6, s.SpatialPurity!.Value, 12);
        Assert.Equal(4.0 / 6, s.SpatialCosine, 6);
        Assert.Equal(1, s.NearestPurity!.Value, 12);
        Assert.Equal(1, s.NearestCosine, 6);
        Assert.Equal(0, s.NearestElsewhere, 12);
        Assert.Equal(1, s.NeighbourEntropy, 12);
    }

    [Fact]
    public void The_radius_is_open_and_ends_at_the_slide()
    {
        PatchTable table = new(["s", "t"], new[] { 0, 0, 0, 1 }, new[] { 0, 3, 2, 1 }, new[] { 0, 0, 0, 0 });
        var s = NeighbourStatistics.Of(new FeatureTable(table, [1, 1, 1, 1], 1, "flat"), Kernels, radiusPatches: 3, k: 1);
        // (0, 2) and (2, 3), both ways; 0 and 3 are exactly 3 apart.
        Assert.Equal(4.0 / 4, s.SpatialNeighbours, 12);
        Assert.Null(s.SpatialPurity);
    }

    [Fact]
    public void One_hub_lowers_the_entropy()
    {
        // Spokes at right angles to one another and at 45 degrees to the hub: everybody's nearest is the hub.
        const int n = 24;
        PatchTable table = new(["s"], new int[n], Enumerable.Range(0, n).ToArray(), new int[n]);
        float[] values = new float[n * n];
        for (int i = 0; i < n; i++)
            values[i * n + i] = i == 0 ? 0 : 1;
        for (int w = 1; w < n; w++)
            values[w] = 1;
        var s = NeighbourStatistics.Of(new FeatureTable(table, values, n, "wheel"), Kernels, k: 1);
        Assert.True(s.NeighbourEntropy < 0.1, $"{s.NeighbourEntropy}");
    }

    [Fact]
    public void Without_coordinates_and_classes_the_rest_is_still_measured()
    {
        PatchTable table = new(["s"], new int[3], new[] { 0, 1, 2 }, new int[3], hasCoordinates: false);
        var s = NeighbourStatistics.Of(new FeatureTable(table, [0, 0, 1, 0, 1, 1], 2, "bare"), Kernels);
        Assert.Equal(0, s.SpatialNeighbours);
        Assert.True(double.IsNaN(s.SpatialCosine));
        Assert.True(double.IsFinite(s.NearestCosine));
        Assert.Null(s.NearestPurity);
    }
}
