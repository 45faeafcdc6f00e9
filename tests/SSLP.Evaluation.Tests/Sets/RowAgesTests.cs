using SSLP.Data.Loading;
using SSLP.Evaluation.Sets;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Sets;

public sealed class RowAgesTests
{
    [Fact]
    public void In_a_full_permutation_an_own_row_is_an_epoch_old_and_a_neighbour_is_of_any_age()
    {
        using var patches = new TestPatches(slides: 4, side: 32); // 64 batches of 64
        RowAges ages = Ages(patches, runLength: 1, batch: 64);
        Assert.InRange(ages.Own / 64, 0.97, 1.03);
        // A row that was seen u of an epoch ago, or was last seen in the epoch before: 7/12 of an epoch in the mean.
        Assert.InRange(ages.Spatial!.Value / 64, 0.55, 0.62);
        Assert.InRange(ages.YoungSpatial!.Value, 0.08, 0.12);
    }

    [Fact]
    public void Runs_of_neighbours_make_young_spatial_neighbours()
    {
        using var patches = new TestPatches(slides: 1, side: 200); // ten windows of 4,096
        RowAges mixed = Ages(patches, runLength: 1, batch: 128), runs = Ages(patches, runLength: 16, batch: 128);
        Assert.InRange(mixed.YoungSpatial!.Value, 0.08, 0.12);
        Assert.InRange(runs.YoungSpatial!.Value, 1.3 * mixed.YoungSpatial.Value, 1);
        Assert.True(runs.Spatial < mixed.Spatial, $"{runs} {mixed}");
        Assert.InRange(runs.Own, 0.9 * mixed.Own, 1.1 * mixed.Own);
    }

    [Fact]
    public void A_patch_alone_has_no_neighbours_age()
    {
        using var patches = new TestPatches(slides: 16, side: 1);
        Assert.Equal(new RowAges(8, null, null), Ages(patches, runLength: 1, batch: 2) with { Own = 8 });
    }

    private static RowAges Ages(TestPatches patches, int runLength, int batch) =>
        RowAges.Of(patches.Table, new PatchOrder(patches.Table, new OrderOptions(runLength), 7, batch), radiusPatches: 3);
}
