using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Weights;
using Xunit;

namespace SSLP.Engine.Tests.Weights;

public sealed class TrainedOnTests
{
    [Fact]
    public void Slides_are_known_again_without_their_ending_and_only_those_that_have_a_patch_count()
    {
        TrainedOn seen = Again(TrainedOn.Of(Table(["a.svs", "sub/b.tif", "c.svs"], [0, 1, 1])));
        Assert.Equal(2, seen.Slides);
        Assert.Equal((2, 3, "slides"), seen.Among(Table(["a", "sub/b", "c"], [0, 1, 2]), [0, 1, 2]));
        Assert.Equal((0, 1, "slides"), seen.Among(Table(["a", "b"], [0, 1]), [1]));
    }

    [Fact]
    public void Another_slide_of_a_patient_that_was_seen_is_counted_by_patient()
    {
        TrainedOn seen = Again(TrainedOn.Of(Table(["a", "b"], [0, 1]).WithPatients(["P1", "P2"])));
        Assert.Equal((1, 2, "patients"), seen.Among(Table(["x", "y", "z"], [0, 1, 2]).WithPatients(["P2", "P3", "P3"]), [0, 1, 2]));
        Assert.Equal((1, 3, "slides"), seen.Among(Table(["a", "y", "z"], [0, 1, 2]).WithPatients(["P7", "P8", "P9"]), [0, 1, 2]));
    }

    [Fact]
    public void Patches_without_slides_go_by_their_files()
    {
        PatchTable Files(params string[] files) =>
            new(files, Enumerable.Range(0, files.Length).ToArray(), Enumerable.Range(0, files.Length).ToArray(),
                new int[files.Length])
            { HasSlides = false };
        TrainedOn seen = Again(TrainedOn.Of(Files("/d/train/ADI/1.png", "/d/train/ADI/2.png")));
        Assert.Equal((0, 2), (seen.Slides, seen.Patches));
        Assert.Equal((1, 2, "patches"), seen.Among(Files("/d/test/ADI/1.png", "/d/train/ADI/2.png"), [0, 1]));
    }

    [Fact]
    public void Damaged_hashes_and_files_that_say_nothing_are_told_apart()
    {
        Assert.Null(TrainedOn.FromMetadata(new Dictionary<string, string> { ["sslp.arch"] = "resnet18" }, "e"));
        Assert.Contains("'e'", Assert.Throws<Fault>(
            () => TrainedOn.FromMetadata(new Dictionary<string, string> { ["sslp.training.slides"] = "AAAA" }, "e")).Message);
    }

    private static TrainedOn Again(TrainedOn seen) => TrainedOn.FromMetadata(new Dictionary<string, string>(seen.ToMetadata()), "e")!;

    private static PatchTable Table(string[] slides, int[] slideOf) =>
        new(slides, slideOf, Enumerable.Range(0, slideOf.Length).ToArray(), new int[slideOf.Length]);
}
