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
        var split = ProbeSplit.Of(table, options: new(Seed: 11));
        Assert.Equal(table.Count, split.Train.Concat(split.Test).Distinct().Count());
        Assert.Empty(split.Train.Select(row => table.SlideOf[row]).Intersect(split.Test.Select(row => table.SlideOf[row])));
        Assert.Equal(split.Test, ProbeSplit.Of(table, options: new(Seed: 11)).Test);
    }

    [Fact]
    public void Rows_without_a_class_or_of_a_third_split_are_left_out()
    {
        PatchTable table = Table([0, 1, 2, 3, 3], [0, 1, 1, PatchTable.None, 0], [0, 1, 2, 1, 1]);
        var split = ProbeSplit.Of(table);
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
        Assert.Contains("there are train, val, test",
            Assert.Throws<Fault>(() => ProbeSplit.Of(Table([0, 1], [0, 1], [0, 2]), test: "holdout")).Message);
        Assert.Contains("0 to be judged", Assert.Throws<Fault>(() => ProbeSplit.Of(Table([0, 1], [0, 1], [0, 0]))).Message);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(11)]
    public void Where_patients_are_known_they_are_drawn_whole(int patients)
    {
        PatchTable table = TissueLikeFeatures.Make(4 * patients, 9, 2, 2, seed: 6, withSplit: false).Patches;
        PatchTable named = table.WithPatients([.. table.Slides.Select((_, slide) => $"P{slide % patients}")]);
        var split = ProbeSplit.Of(named, options: new(Seed: 3));
        Assert.Equal(named.Count, split.Train.Concat(split.Test).Distinct().Count());
        Assert.Empty(split.Train.Select(named.UnitName).Intersect(split.Test.Select(named.UnitName)));
        Assert.Contains($"of {patients} patients drawn", split.How);
    }

    [Fact]
    public void A_patient_on_both_sides_is_refused_by_name_and_said_where_it_is_allowed()
    {
        PatchTable table = Table([0, 1, 2], [0, 1, 0], [0, 0, 2]).WithPatients(["P1", "P2", "P1", "P3"]);
        string refused = Assert.Throws<Fault>(() => ProbeSplit.Of(table)).Message;
        Assert.Contains("1 patient on both sides (P1)", refused);
        Assert.Contains("--shared-patients", refused);
        Assert.EndsWith("1 patient on both sides", ProbeSplit.Of(table, options: new(SharedPatients: true)).How);
    }

    [Fact]
    public void Without_slides_no_split_is_drawn_unless_that_is_asked_for()
    {
        PatchTable files = TissueLikeFeatures.Make(12, 1, 2, 2, seed: 6, withSplit: false).Patches;
        PatchTable table = new(files.Slides, files.SlideOf.ToArray(), files.Col.ToArray(), files.Row.ToArray(),
            new CategoryColumn(files.Classes!, files.LabelOf.ToArray()))
        { HasSlides = false };
        Assert.Contains("--train-patches and --test-patches", Assert.Throws<Fault>(() => ProbeSplit.Of(table)).Message);
        var split = ProbeSplit.Of(table, options: new(SplitPatches: true));
        Assert.Contains("of 12 patches drawn", split.How);
        Assert.Contains("of 3 patients", ProbeSplit.Of(table.WithPatients([.. Enumerable.Range(0, 12).Select(i => $"P{i % 3}")])).How);
    }

    private static PatchTable Table(int[] slideOf, int[]? labels, int[]? splits) => new(
        ["s0", "s1", "s2", "s3"], slideOf, Enumerable.Range(0, slideOf.Length).ToArray(), new int[slideOf.Length],
        labels is null ? null : new CategoryColumn(["x", "y"], labels), splits is null ? null
            : new CategoryColumn(["train", "val", "test"], splits));
}
