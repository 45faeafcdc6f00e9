using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

public sealed class ManifestFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Gives_back_all_that_was_saved()
    {
        string path = Save(3, 1000);
        using var opened = TileManifest.Open(path);
        Assert.Equal(3000, opened.Table.Count);
        Assert.Equal((224, 0.25), (opened.PatchSize, opened.Mpp));
        Assert.Equal("sub/slide2.svs", opened.Table.SlideName(2999));
        Assert.Equal((99, 9), (opened.Table.Col[2999], opened.Table.Row[2999]));
        Assert.Equal(SlideVerdict.NoMpp, Assert.Single(opened.LeftOut).Verdict);
        Assert.Equal(0.2525, opened.Grid(1).SlideMppX);
    }

    [Fact]
    public void Takes_an_empty_manifest()
    {
        using var opened = TileManifest.Open(Save(0, 0));
        Assert.Equal(0, opened.Table.Count);
    }

    [Fact]
    public void Saving_again_replaces_and_leaves_no_other_file()
    {
        string path = Save(1, 10);
        Save(2, 10);
        using var opened = TileManifest.Open(path);
        Assert.Equal(20, opened.Table.Count);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Refuses_every_single_changed_byte_and_every_cut()
    {
        byte[] good = File.ReadAllBytes(Save(2, 20));
        string path = _folder.File("bad.tiles");
        for (int i = 0; i < good.Length; i += 3)
        {
            // Bytes 56 to 63 of the prelude are padding.
            if (i is >= 56 and < 64)
                continue;
            byte[] bad = [.. good];
            bad[i] ^= 0x40;
            File.WriteAllBytes(path, bad);
            Assert.Throws<Fault>(() => TileManifest.Open(path).Dispose());
        }
        for (int length = 0; length < good.Length; length += 37)
        {
            File.WriteAllBytes(path, good[..length]);
            Assert.Throws<Fault>(() => TileManifest.Open(path).Dispose());
        }
    }

    [Fact]
    public void Names_a_file_that_is_missing_or_no_manifest()
    {
        Assert.Contains("sslp tile", Assert.Throws<Fault>(() => TileManifest.Open(_folder.File("no.tiles"))).Message);
        string text = _folder.Text("text.tiles", new string('x', 500));
        Assert.Contains("not a tile manifest", Assert.Throws<Fault>(() => TileManifest.Open(text)).Message);
    }

    [Fact]
    public void A_closed_manifest_throws_instead_of_reading_unmapped_memory()
    {
        var opened = TileManifest.Open(Save(1, 10));
        PatchTable table = opened.Table;
        opened.Dispose();
        Assert.Throws<ObjectDisposedException>(() => table.Col[0]);
    }

    private string Save(int slides, int perSlide)
    {
        int count = slides * perSlide;
        int[] slideOf = new int[count], col = new int[count], row = new int[count];
        for (int i = 0; i < count; i++)
            (slideOf[i], row[i], col[i]) = (i / perSlide, i % perSlide / 100, i % perSlide % 100);
        ManifestSlide[] entries = [.. Enumerable.Range(0, slides).Select(s =>
            new ManifestSlide($"sub/slide{s}.svs", $"/data/sub/slide{s}.svs", 1000 + s, 90_000, 80_000, 0.2525, 0.2525, "aperio.MPP",
                perSlide))];
        var header = new ManifestHeader(
            224, 0.25, 0.5, false, entries, [new("bad.svs", "/data/bad.svs", SlideVerdict.NoMpp, "no pixel size")]);
        using var manifest = new TileManifest(header, new PatchTable([.. entries.Select(e => e.Name)], slideOf, col, row), null);
        string path = _folder.File("a.tiles");
        manifest.Save(path);
        return path;
    }
}
