using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Patches;

/// <summary>Folders as public sets and other programs lay them out: what is read, and that it is said.</summary>
public sealed class PatchLayoutsTests : IDisposable
{
    private const int Side = 64;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    // The IDC set as it is downloaded, and the same flat.
    [InlineData("{p}/{c}/{p}_idx5_x{x1}_y{y1}_class{c}.png", "P_idx5", "<slide>_x<x>_y<y>", "P", "0,1")]
    [InlineData("{p}_idx5_x{x1}_y{y1}_class{c}.png", "P_idx5", "<slide>_x<x>_y<y>", null, "0,1")]
    // CAMELYON17: flat by level-0 pixels, and WILDS.
    [InlineData("{p}_node_4_{x}_{y}.png", "P_node_4", "<slide>_<x>_<y>", null, null)]
    [InlineData("patches/{p}_node_4/patch_{p}_node_4_x_{x}_y_{y}.png", "P_node_4", "<slide>_x<x>_y<y>", null, null)]
    // DSMIL, with its single/ above and without.
    [InlineData("{c}/{p}/{i}_{j}.png", "P", "<x>_<y> below", null, "0,1")]
    [InlineData("single/{c}/{p}/{i}_{j}.png", "P", "<x>_<y> below", null, "0,1")]
    // histolab, QuPath, STAMP, HIPT, DeepZoom, rows and columns.
    [InlineData("{p}/tile_{n}_level0_{x}-{y}-{x2}-{y2}.png", "P", "level", null, null)]
    [InlineData("{p}_tile_{n}_level0_{x}-{y}-{x2}-{y2}.png", "P", "level", null, null)]
    [InlineData("{p} [x={x},y={y},w=64,h=64].png", "P", "[x=", null, null)]
    [InlineData("{c}/{p} [d=2,x={x},y={y},w=64,h=64].png", "P", "[x=", null, "0,1")]
    [InlineData("{p}/tile_({x}, {y}).png", "P", "(<x>, <y>)", null, null)]
    [InlineData("{p}_{x}_{y}.png", "P", "<slide>_<x>_<y>", null, null)]
    [InlineData("{p}_files/17/{i}_{j}.png", "P", "<x>_<y> below", null, null)]
    [InlineData("{p}_files/20.0/{i}_{j}.png", "P", "<x>_<y> below", null, null)]
    [InlineData("{c}/{p}/20.0/{i}_{j}.png", "P", "<x>_<y> below", null, "0,1")]
    [InlineData("{p}_row{j}_col{i}.png", "P", "row", null, null)]
    [InlineData("{c}/{p}_r{j}c{i}.png", "P", "row", null, "0,1")]
    [InlineData("{p}_{x}_{y}_64_64.png", "P", "<slide>_<x>_<y>_<width>_<height>", null, null)]
    [InlineData("{p}_{x}_{y}_64.png", "P", "<slide>_<x>_<y>_<size>", null, null)]
    [InlineData("{p}_{x}.0_{y}.0.png", "P", "<slide>_<x>_<y>", null, null)]
    [InlineData("{p}_{x}-{y}.png", "P", "<slide>_<x>-<y>", null, null)]
    [InlineData("{p}/{i},{j}.png", "P", "<x>_<y> below", null, null)]
    [InlineData("{p}_{i}_{j}_class_{c}.png", "P", "<slide>_<col>_<row>_<label>", null, "class_0,class_1")]
    // The paper's own preprocessing, by columns and by pixels, flat and in classes, in splits.
    [InlineData("{p}_{i}_{j}_{c}.png", "P", "<slide>_<col>_<row>_<label>", null, "0,1")]
    [InlineData("{p}_{x}_{y}_{c}.png", "P", "<slide>_<col>_<row>_<label>", null, "0,1")]
    [InlineData("{c}/{p}_{i}_{j}_{c}.png", "P", "<slide>_<col>_<row>_<label>", null, "0,1")]
    [InlineData("{p}/{p}_{i}_{j}_{c}.png", "P", "<slide>_<col>_<row>_<label>", null, "0,1")]
    [InlineData("train/{c}/{p}_{i}_{j}.png", "P", "<slide>_<x>_<y>", null, "0,1")]
    public void Slides_places_and_classes_are_found(string pattern, string slide, string words, string? patient, string? classes)
    {
        Fill(pattern);
        using var patches = PatchFolder.Open(_folder.Path);
        PatchTable table = patches.Table;
        Assert.Equal(18, table.Count);
        Assert.Equal([slide.Replace("P", "P1", StringComparison.Ordinal), slide.Replace("P", "P2", StringComparison.Ordinal)],
            table.Slides);
        Assert.Equal(classes?.Split(','), table.Classes);
        Assert.Equal(patient is null ? null : ["P1", "P2"], table.PatientOfSlide);
        Assert.True(table.HasCoordinates);
        // Neighbours lie next to each other, whatever the names count in.
        foreach (int of in (int[])[0, 1])
        {
            (int, int)[] places = [.. Enumerable.Range(0, 18).Where(i => table.SlideOf[i] == of)
                .Select(i => (table.Col[i], table.Row[i])).Order()];
            Assert.Equal([.. from col in Enumerable.Range(0, 3) from row in Enumerable.Range(0, 3)
                select (col + places[0].Item1, row + places[0].Item2)], places);
        }
        Assert.Contains(words, patches.Understood);
        Assert.Equal(pattern.StartsWith("train", StringComparison.Ordinal) ? ["train"] : null, table.Splits);
    }

    [Fact]
    public void Classes_without_slides_are_so_many_patches_and_no_neighbours()
    {
        foreach (string name in (string[])["ADI/ADI-AAAFLCLY.png", "ADI/ADI-AAFFALYR.png", "TUM/TUM-AAAKLEWV.png"])
            _folder.Png(name, Side, Side);
        using var patches = PatchFolder.Open(_folder.Path, new() { RequireCoordinates = false });
        Assert.Equal((false, false, "patches"), (patches.Table.HasSlides, patches.Table.HasCoordinates, patches.Table.Unit));
        Assert.Equal(["ADI", "TUM"], patches.Table.Classes!);
        Assert.Contains("slides and places are unknown", patches.Understood);
        Assert.DoesNotContain("slides from", patches.Describe);
    }

    [Fact]
    public void A_set_in_train_and_val_folders_has_its_splits()
    {
        foreach (string name in (string[])["training/ADI/a.png", "training/TUM/b.png", "validation/ADI/c.png"])
            _folder.Png(name, Side, Side);
        using var patches = PatchFolder.Open(_folder.Path, new() { RequireCoordinates = false });
        Assert.Equal(["train", "val"], patches.Table.Splits!);
        Assert.Equal([2], patches.Table.InSplit("val"));
    }

    [Theory]
    [InlineData(32, "overlap")] // half a patch apart, as WILDS and CLAM's overlapping grids are
    [InlineData(128, "finer level")] // level-0 pixels of patches from a level of half its size
    [InlineData(70, "70 px apart")] // gaps
    public void Pixels_at_another_step_than_the_patch_make_that_steps_grid(int step, string said)
    {
        for (int i = 0; i < 16; i++)
            _folder.Png($"S_{(i % 4 * step) + 9}_{(i / 4 * step) + 5}_{i % 2}.png", Side, Side);
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Contains(said, patches.Understood);
        Assert.Equal((3, 3), (patches.Table.Col.ToArray().Max() - patches.Table.Col.ToArray().Min(),
            patches.Table.Row.ToArray().Max() - patches.Table.Row.ToArray().Min()));
    }

    [Fact]
    public void Places_on_no_grid_keep_apart_on_a_finer_one()
    {
        var random = new Random(5);
        for (int i = 0; i < 30; i++)
            _folder.Png($"S_{random.Next(3000)}_{random.Next(3000)}_a.png", Side, Side);
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Equal(30, patches.Table.Count);
        Assert.Contains("not on a grid", patches.Understood);
        Assert.InRange(patches.Table.Col.ToArray().Max(), 3000 / Side / 2, 3000);
    }

    [Fact]
    public void A_sparse_grid_stays_a_grid()
    {
        var random = new Random(6);
        foreach (int place in Enumerable.Range(0, 2500).ToArray().OrderBy(_ => random.Next()).Take(60))
            _folder.Png($"S_{place % 50}_{place / 50}_a.png", Side, Side);
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Contains("columns and rows", patches.Understood);
        Assert.InRange(patches.Table.Col.ToArray().Max(), 40, 49);
    }

    [Fact]
    public void Every_file_that_is_no_patch_is_counted_and_named()
    {
        Fill("{p}_{i}_{j}_{c}.png");
        _folder.Text("P3_0_0_a.png", "<html>404</html>");
        _folder.Text("notes.txt", "x");
        _folder.Text("._P1_0_0_0.png", "x");
        _folder.Png("P3_1_0_a.png", Side, 7);
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Equal(18, patches.Table.Count);
        Assert.Contains("2 files are no images, the first ._P1_0_0_0.png", patches.LeftOut[0]);
        Assert.Contains(patches.LeftOut, what => what.Contains("1 smaller images", StringComparison.Ordinal)
            && what.Contains("P3_1_0_a.png", StringComparison.Ordinal));
        Assert.Contains(patches.LeftOut, what => what.Contains("1 images that cannot be read", StringComparison.Ordinal)
            && what.Contains("P3_0_0_a.png", StringComparison.Ordinal));
        Assert.All(patches.LeftOut, what => Assert.Contains(what, patches.Describe));
    }

    [Fact]
    public void Images_that_the_list_does_not_name_are_counted_too()
    {
        _folder.Png("a.png", Side, Side);
        _folder.Png("sub/b.png", Side, Side);
        _folder.Text("patches.csv", "file,slide,col,row", "a.png,S,0,0");
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Contains("1 images are in no line of patches.csv, the first sub/b.png", Assert.Single(patches.LeftOut));
    }

    [Theory]
    [InlineData("image_path,slide_name,x_coord,y_coord")]
    [InlineData("filepath,slide,coord_x,coord_y")]
    public void Lists_of_other_programs_have_their_places(string header)
    {
        _folder.Png("a.png", Side, Side);
        _folder.Png("b.png", Side, Side);
        _folder.Text("patches.csv", header, "a.png,S,64,0", "b.png,S,64,64");
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.True(patches.Table.HasCoordinates);
        Assert.Equal(1, patches.Table.Row[1] - patches.Table.Row[0]);
    }

    [Theory]
    [InlineData("x", "y")]
    [InlineData("y_coord", "x")]
    public void Half_a_place_is_named(string column, string missing)
    {
        _folder.Png("a.png", Side, Side);
        _folder.Text("patches.csv", "file,slide," + column, "a.png,S,64");
        Assert.Contains($"no '{missing}'", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
    }

    [Fact]
    public void What_could_be_read_in_two_ways_is_asked_for()
    {
        _folder.Png("a/x/S_0_0.png", Side, Side);
        _folder.Png("b/y/S_1_0.png", Side, Side);
        Assert.Contains("could be classes on 2 levels", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
    }

    private void Fill(string pattern)
    {
        for (int n = 0; n < 18; n++)
        {
            (int i, int j) = (n % 3, n / 3 % 3);
            string name = pattern.Replace("{p}", $"P{1 + (n / 9)}").Replace("{c}", $"{n % 2}").Replace("{n}", $"{n}")
                .Replace("{i}", $"{i + 4}").Replace("{j}", $"{j + 2}").Replace("{x1}", $"{(i * Side) + 1}")
                    .Replace("{y1}", $"{(j * Side) + 1}")
                .Replace("{x2}", $"{(i + 1) * Side}").Replace("{y2}", $"{(j + 1) * Side}").Replace("{x}", $"{i * Side}")
                    .Replace("{y}", $"{j * Side}");
            _folder.Png(name, Side, Side, n);
        }
    }
}
