using SkiaSharp;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Patches;

public sealed class PatchFolderTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reads_slide_column_row_and_label_from_flat_names()
    {
        _folder.Png("slide_one_3_4_tumour.png", 5, 5, 10);
        _folder.Png("slide_one_12_0_fat.png", 5, 5, 20);
        _folder.Png("b_-1_2_fat.png", 5, 5, 30);
        using var patches = PatchFolder.Open(_folder.Path);
        int i = Enumerable.Range(0, 3).Single(p => patches.Table.Col[p] == 3);
        Assert.Equal("slide_one", patches.Table.SlideName(i));
        Assert.Equal(4, patches.Table.Row[i]);
        Assert.Equal("tumour", patches.Table.Classes![patches.Table.LabelOf[i]]);
        Assert.Contains(-1, patches.Table.Col.ToArray());
        Assert.Equal(5, patches.PatchSize);
    }

    [Theory]
    [InlineData(1L << 30)]
    [InlineData(0L)]
    public void Gives_the_stored_pixels_the_first_time_and_again_with_and_without_a_cache(long cacheBytes)
    {
        _folder.Png("s_0_0_x.png", 7, 7, 11);
        _folder.Png("s_1_0_x.png", 7, 7, 99);
        using var patches = PatchFolder.Open(_folder.Path, new() { CacheBytes = cacheBytes });
        byte[] rgb = new byte[7 * 7 * 3];
        for (int time = 0; time < 2; time++)
        {
            patches.Read(1, rgb);
            Assert.Equal((byte)(6 + 99), rgb[((2 * 7) + 6) * 3]);
            Assert.Equal(2, rgb[(((2 * 7) + 6) * 3) + 1]);
            Assert.Equal(99, rgb[(((2 * 7) + 6) * 3) + 2]);
        }
    }

    [Fact]
    public void Takes_classes_from_folders_and_coordinates_from_their_names()
    {
        _folder.Png("tumour/s_1_2_tumour.png", 4, 4);
        _folder.Png("stroma/s_5_6.png", 4, 4);
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Equal(["stroma", "tumour"], patches.Table.Classes!);
        Assert.Equal(["s"], patches.Table.Slides);
        Assert.Equal([5, 1], patches.Table.Col.ToArray());
        Assert.Equal([6, 2], patches.Table.Row.ToArray());
    }

    [Fact]
    public void Follows_patches_csv_with_quoted_fields_and_splits()
    {
        _folder.Png("deep/one, two.png", 4, 4);
        _folder.Png("other.png", 4, 4);
        _folder.Text("patches.csv", "file,slide,col,row,label,split", "\"deep/one, two.png\",S,8,9,fat,train", "other.png,S,7,9,,val");
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Equal([8, 7], patches.Table.Col.ToArray());
        Assert.Equal([0, PatchTable.None], patches.Table.LabelOf.ToArray());
        Assert.Equal([1], patches.Table.InSplit("val"));
    }

    [Fact]
    public void Asks_for_coordinates_unless_told_that_none_are_needed()
    {
        _folder.Png("a/one.png", 4, 4);
        _folder.Png("b/two.png", 4, 4);
        Assert.Contains("one.png", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
        using var patches = PatchFolder.Open(_folder.Path, new() { RequireCoordinates = false });
        Assert.False(patches.Table.HasCoordinates);
        Assert.Equal(2, patches.Table.Slides.Count);
    }

    [Fact]
    public void Leaves_out_images_that_an_edge_cut_and_counts_them()
    {
        for (int i = 0; i < 3; i++)
            _folder.Png($"s_{i}_0_x.png", 6, 6);
        _folder.Png("s_3_0_x.png", 6, 2);
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Equal(3, patches.Table.Count);
        Assert.Equal(1, patches.PartialPatches);
        Assert.Contains("1 smaller", patches.Describe);
    }

    [Fact]
    public void Refuses_an_image_larger_than_the_rest_by_name()
    {
        for (int i = 0; i < 3; i++)
            _folder.Png($"s_{i}_0_x.png", 6, 6);
        _folder.Png("s_3_0_x.png", 8, 6);
        Assert.Contains("s_3_0_x.png", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
    }

    [Fact]
    public void Leaves_out_a_file_that_is_no_image_and_names_it()
    {
        _folder.Png("s_0_0_x.png", 6, 6);
        _folder.Text("s_1_0_x.png", "not an image");
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Equal(1, patches.Table.Count);
        Assert.Contains("s_1_0_x.png", Assert.Single(patches.Unreadable));
    }

    [Fact]
    public void A_patch_truncated_inside_its_pixels_is_a_read_error_that_names_patch_and_slide()
    {
        _folder.Png("s_0_0_x.png", 64, 64);
        string broken = _folder.Png("t_0_0_x.png", 64, 64);
        byte[] bytes = File.ReadAllBytes(broken);
        File.WriteAllBytes(broken, bytes[..(bytes.Length / 2)]);
        using var patches = PatchFolder.Open(_folder.Path);
        PatchReadException e = Assert.Throws<PatchReadException>(() => patches.Read(1, new byte[64 * 64 * 3]));
        Assert.Equal((1, "t"), (e.Patch, e.Slide));
    }

    [Fact]
    public void Refuses_missing_empty_and_mixed_folders_in_one_sentence()
    {
        Assert.Contains("is not a folder", Assert.Throws<Fault>(() => PatchFolder.Open(Path.Combine(_folder.Path, "no"))).Message);
        Assert.Contains("has no images", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
        _folder.Png("s_0_0_x.png", 6, 6);
        _folder.Png("plain.png", 6, 6);
        Assert.Contains("plain.png", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
        _folder.Png("x/s_0_0.png", 6, 6);
        Assert.Contains("beside and inside", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
    }

    [Fact]
    public void Refuses_a_span_of_another_length_and_an_index_outside_the_table()
    {
        _folder.Png("s_0_0_x.png", 6, 6);
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Throws<ArgumentException>(() => patches.Read(0, new byte[6 * 6 * 4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => patches.Read(1, new byte[6 * 6 * 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => patches.Read(-1, new byte[6 * 6 * 3]));
    }

    [Fact]
    public void Reads_jpeg_close_to_what_was_written()
    {
        _folder.Image("s_0_0_x.jpg", 16, 16, 40, SKEncodedImageFormat.Jpeg);
        using var patches = PatchFolder.Open(_folder.Path);
        byte[] rgb = new byte[16 * 16 * 3];
        patches.Read(0, rgb);
        Assert.InRange(rgb[2], 36, 44);
    }
}
