using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

public sealed class LabelledGridTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_patch_has_the_class_of_the_point_inside_it_that_is_nearest_to_its_centre()
    {
        // Patches of 64 px at 1 µm are 128 level-0 pixels wide; tissue covers columns and rows 1 to 3.
        string path = TestSlides.Stained(_folder.File("a.tif"), 640, 128, 128, 384, 384);
        using TileManifest manifest = Tiler.Run([new("a.tif", path)], new() { PatchSize = 64, Mpp = 1 }).Manifest;
        Assert.Equal(9, manifest.Table.Count);
        var points = LabelledPoints.Read(_folder.Text(
            "p.csv", "slide,x,y,label,split", "a.tif,130,130,fat,val", "a.tif,200,190,tumour,train", "a.tif,383.9,255.9,fat,",
            "a.tif,600,600,fat,val", "b.tif,200,200,fat,val"));
        using var grid = new LabelledGrid(SlidePatches.FromManifest(manifest), manifest, points);
        IEnumerable<(int, int, string)> labelled = Enumerable.Range(0, 9).Where(i => grid.Table.LabelOf[i] != PatchTable.None)
            .Select(i => (grid.Table.Col[i], grid.Table.Row[i], grid.Table.Classes![grid.Table.LabelOf[i]]));
        Assert.Equal([(1, 1, "tumour"), (2, 1, "fat")], labelled);
        Assert.Contains("2 of them labelled", grid.Describe);
        int split = Assert.Single(grid.Table.SplitOf.ToArray(), split => split != PatchTable.None);
        Assert.Equal("train", grid.Table.Splits![split]);
    }

    [Fact]
    public void Points_that_miss_every_patch_are_a_fault()
    {
        string path = TestSlides.Stained(_folder.File("a.tif"), 640, 128, 128, 384, 384);
        using TileManifest manifest = Tiler.Run([new("a.tif", path)], new() { PatchSize = 64, Mpp = 1 }).Manifest;
        using var patches = SlidePatches.FromManifest(manifest);
        var points = LabelledPoints.Read(_folder.Text("p.csv", "slide,x,y,label", "b.tif,200,200,fat"));
        Assert.Contains("a.tif", Assert.Throws<Fault>(() => new LabelledGrid(patches, manifest, points)).Message);
    }
}
