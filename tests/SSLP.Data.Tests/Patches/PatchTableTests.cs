using SSLP.Data.Files;
using SSLP.Data.Patches;
using Xunit;

namespace SSLP.Data.Tests.Patches;

public sealed class PatchTableTests
{
    [Fact]
    public void Names_both_patches_that_share_a_coordinate_of_one_slide()
    {
        Fault e = Assert.Throws<Fault>(() => new PatchTable(["a", "b"], new[] { 0, 1, 0, 0 }, new[] { 4, 4, 5, 4 }, new[] { 7, 7, 7, 7 }));
        Assert.Contains("0 and 3", e.Message);
        Assert.Contains("column 4, row 7 of slide a", e.Message);
    }

    [Fact]
    public void Takes_one_coordinate_on_two_slides()
    {
        var table = new PatchTable(["a", "b"], new[] { 1, 0 }, new[] { 4, 4 }, new[] { 7, 7 });
        Assert.Equal(2, table.Count);
        Assert.Equal("b", table.SlideName(0));
    }

    [Fact]
    public void Takes_an_empty_table()
    {
        var table = new PatchTable([], ReadOnlyMemory<int>.Empty, ReadOnlyMemory<int>.Empty, ReadOnlyMemory<int>.Empty);
        Assert.Equal(0, table.Count);
        Assert.True(table.LabelOf.IsEmpty);
    }

    [Fact]
    public void Refuses_columns_of_different_lengths_and_indices_outside_their_names()
    {
        Assert.Throws<ArgumentException>(() => new PatchTable(["a"], new[] { 0, 0 }, new[] { 1 }, new[] { 1, 2 }));
        Assert.Throws<ArgumentException>(() => new PatchTable(["a"], new[] { 0, 1 }, new[] { 1, 2 }, new[] { 1, 2 }));
        Assert.Throws<ArgumentException>(
            () => new PatchTable(["a"], new[] { 0 }, new[] { 1 }, new[] { 1 }, new CategoryColumn(["x"], new[] { 1 })));
        Assert.Throws<ArgumentException>(() => new PatchTable(["a", "a"], new[] { 0 }, new[] { 1 }, new[] { 1 }));
    }

    [Fact]
    public void Finds_the_patches_of_a_split_and_lists_the_splits_there_are()
    {
        var table = new PatchTable(["a"], new[] { 0, 0, 0 }, new[] { 1, 2, 3 }, new[] { 0, 0, 0 },
            splits: CategoryColumn.FromNames(["val", "train", "val"]));
        Assert.Equal([0, 2], table.InSplit("val"));
        Fault e = Assert.Throws<Fault>(() => table.InSplit("test"));
        Assert.Contains("train, val", e.Message);
    }

    [Fact]
    public void Keeps_an_unlabelled_patch_as_none()
    {
        CategoryColumn column = CategoryColumn.FromNames(["tumour", null, "", "fat"])!;
        Assert.Equal(["fat", "tumour"], column.Names);
        Assert.Equal([1, PatchTable.None, PatchTable.None, 0], column.Of.ToArray());
        Assert.Null(CategoryColumn.FromNames([null, ""]));
    }
}
