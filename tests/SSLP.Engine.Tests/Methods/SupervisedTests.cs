using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Methods;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Methods;

public sealed class SupervisedTests
{
    [Fact]
    public void Only_labels_of_the_split_train_are_learned_from()
    {
        using var patches = new TestPatches(slides: 2, side: 2, labelled: true);
        Assert.Equal([0, 1, 0, 1, -1, -1, -1, -1], Supervised.LabelsOf(patches.Table));
    }

    [Fact]
    public void Without_splits_every_label_is_learned_from() =>
        Assert.Equal([0, -1, 1], Supervised.LabelsOf(Table([0, -1, 1], null)));

    [Fact]
    public void Patches_without_labels_or_of_one_class_are_refused()
    {
        using var bare = new TestPatches(slides: 1, side: 2);
        Assert.Contains("have 0", Assert.Throws<Fault>(() => Supervised.LabelsOf(bare.Table)).Message, StringComparison.Ordinal);
        Assert.Contains("have 1", Assert.Throws<Fault>(() => Supervised.LabelsOf(Table([1, 1, 0], [0, 0, 1]))).Message,
            StringComparison.Ordinal);
    }

    private static PatchTable Table(int[] labels, int[]? splits) => new(
        ["s"], new int[3], new[] { 0, 1, 2 }, new int[3], new CategoryColumn(["a", "b"], labels), splits is null ? null
            : new CategoryColumn(["train", "val"], splits));
}
