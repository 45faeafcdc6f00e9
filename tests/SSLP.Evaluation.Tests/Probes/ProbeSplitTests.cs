using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Probes;
using Xunit;

namespace SSLP.Evaluation.Tests.Probes;

public sealed class ProbeSplitTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(17)]
    public void Without_a_split_whole_slides_are_drawn_the_same_way_every_time(int slides)
    {
        PatchTable table = TissueLikeFeatures.Make(slides, 9, 2, 2, seed: 6, withSplit: false).Patches;
        ProbeSplit split = ProbeSplit.Of(table, seed: 11);
        Assert.Equal(table.Count, split.Train.Concat(split.Test).Distinct().Count());
        Assert.Empty(split.Train.Select(row => table.SlideOf[row]).Intersect(split.Test.Select(row => table.SlideOf[row])));
        Assert.Equal(split.Test, ProbeSplit.Of(table, seed: 11).Test);
    }

    [Fact]
    public void Rows_without_a_class_or_of_a_third_split_are_left_out()
    {
        PatchTable table = Table([0, 1, 2, 3, 3], [0, 1, 1, PatchTable.None, 0], [0, 1, 2, 1, 1]);
        ProbeSplit split = ProbeSplit.Of(table);
        Assert.Equal([0], split.Train);
        Assert.Equal([2], split.Test);
        Assert.Equal([1, 4], ProbeSplit.Of(table, test: "val").Test);
    }

    [Fact]
    public void A_slide_on_both_sides_is_refused_by_name()
    {
        PatchTable table = Table([0, 1, 1], [0, 1, 0], [0, 0, 2]);
        Assert.Contains("s1", Assert.Throws<Fault>(() => ProbeSplit.Of(table)).Message);
    }

    [Fact]
    public void What_cannot_be_split_is_said_in_a_sentence()
    {
        Assert.Contains("one slide", Assert.Throws<Fault>(() => ProbeSplit.Of(Table([0, 0], [0, 1], null))).Message);
        Assert.Contains("no labels", Assert.Throws<Fault>(() => ProbeSplit.Of(Table([0, 1], null, null))).Message);
        Assert.Contains("there are train, val, test", Assert.Throws<Fault>(() => ProbeSplit.Of(Table([0, 1], [0, 1], [0, 2]), test: "holdout")).Message);
        Assert.Contains("0 to be judged", Assert.Throws<Fault>(() => ProbeSplit.Of(Table([0, 1], [0, 1], [0, 0]))).Message);
    }

    private static PatchTable Table(int[] slideOf, int[]? labels, int[]? splits) => new(
        ["s0", "s1", "s2", "s3"], slideOf, Enumerable.Range(0, slideOf.Length).ToArray(), new int[slideOf.Length],
        labels is null ? null : new CategoryColumn(["x", "y"], labels), splits is null ? null : new CategoryColumn(["train", "val", "test"], splits));
}
