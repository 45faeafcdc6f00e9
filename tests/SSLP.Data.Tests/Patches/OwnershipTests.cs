using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Patches;

/// <summary>Sources own what they open; what is made from a source opens nothing and owns nothing.</summary>
public sealed class OwnershipTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Disposing_what_wraps_a_source_leaves_the_source_open()
    {
        using SlidePatches patches = Tiled(out TileManifest manifest);
        using (manifest)
        {
            var points = LabelledPoints.Read(_folder.Text("p.csv", "slide,x,y,label", "a.tif,200,200,fat"));
            foreach (Func<IPatchSource> wrap in (Func<IPatchSource>[])
                [
                    () => new PatchSubset(patches, [2, 1], "two"), () => new LabelledGrid(patches, manifest, points),
                    () => new RegroupedPatches(patches, patches.Table, "the same"), () => new JoinedPatches(patches, Other()),
                ])
            {
                IPatchSource wrapped = wrap();
                byte[] rgb = new byte[64 * 64 * 3];
                wrapped.Read(0, rgb);
                wrapped.Dispose();
                patches.Read(0, rgb);
                Assert.Equal(1, patches.OpenSlides);
            }
        }
    }

    [Fact]
    public void A_source_that_opened_its_manifest_closes_it()
    {
        Tiled(out TileManifest made).Dispose();
        string file = _folder.File("tiles.sslp");
        made.Save(file);
        made.Dispose();
        int mapped = Mapped(file);
        var patches = SlidePatches.Open(file);
        int count = patches.Table.Count;
        Assert.True(count > 1);
        if (OperatingSystem.IsLinux())
            Assert.True(Mapped(file) > mapped);
        patches.Read(1, new byte[64 * 64 * 3]);
        patches.Dispose();
        if (OperatingSystem.IsLinux())
            Assert.Equal(mapped, Mapped(file));
        File.Delete(Path.Combine(_folder.Path, "a.tif"));
        Assert.Contains("is gone", Assert.ThrowsAny<Exception>(() => SlidePatches.Open(file)).Message);
        if (OperatingSystem.IsLinux())
            Assert.Equal(mapped, Mapped(file));
    }

    [Fact]
    public void A_subset_is_as_cheap_at_random_as_what_it_is_of()
    {
        using SlidePatches slides = Tiled(out TileManifest manifest);
        _folder.Png("folder/s_0_0_x.png", 8, 8);
        using var folder = PatchFolder.Open(_folder.File("folder"));
        foreach ((IPatchSource source, bool cheap) in ((IPatchSource, bool)[])[(slides, false), (folder, true)])
        {
            Assert.Equal(cheap, source.IsCheapAtRandom);
            Assert.Equal(cheap, new PatchSubset(source, [0], "one").IsCheapAtRandom);
            Assert.Equal(cheap, new RegroupedPatches(source, source.Table, "the same").IsCheapAtRandom);
            Assert.Equal(cheap, new PatchSubset(new PatchSubset(source, [0], "one"), [0], "one").IsCheapAtRandom);
        }
        manifest.Dispose();
    }

    private static int Mapped(string file) => File.Exists("/proc/self/maps") ? File.ReadLines("/proc/self/maps")
        .Count(line => line.EndsWith(Path.GetFileName(file), StringComparison.Ordinal)) : 0;

    private SlidePatches Tiled(out TileManifest manifest)
    {
        string path = TestSlides.Stained(_folder.File("a.tif"), 640, 128, 128, 384, 384);
        manifest = Tiler.Run([new("a.tif", path)], new() { PatchSize = 64, Mpp = 0.5 }).Manifest;
        return SlidePatches.FromManifest(manifest);
    }

    private TestPatches Other() => new(slides: 1, side: 2, patchSize: 64);
}
