using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

/// <summary>Splits and patients of slides, from lists into the manifest and out of it.</summary>
public sealed class SlideSplitsTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_manifest_keeps_the_splits_and_patients_of_its_slides()
    {
        SlideFile[] slides = [.. ((string[])["a.tif", "sub/b.tif", "c.tif"]).Select(name =>
            new SlideFile(name, TestSlides.Stained(_folder.File(name), 600, 0, 0, 600, 600)))];
        var splits = SplitList.Read(_folder.Text("splits.csv", "slide;split", "a;train", "b.tif;test"));
        var patients = PatientList.Read(_folder.Text("patients.csv", "slide,patient", "a,P1", "b,P1"));
        using TileManifest made = Tiler.Run(slides, new() { Splits = splits, Patients = patients }).Manifest;
        made.Save(_folder.File("tiles.sslp"));
        using var opened = SlidePatches.Open(_folder.File("tiles.sslp"));
        PatchTable table = opened.Table;
        Assert.Equal(["test", "train"], table.Splits!);
        Assert.Equal([1, 0, PatchTable.None], (int[])[Of("a.tif"), Of("sub/b.tif"), Of("c.tif")]);
        Assert.Equal(table.Slides.Select(slide => slide == "c.tif" ? "c.tif" : "P1"), table.PatientOfSlide!);
        Assert.Equal(made.Table.SplitOf, table.SplitOf);
        Assert.Contains("1 slide test, 1 slide train; 1 are in no line", splits.Describe(table.Slides), StringComparison.Ordinal);
        Assert.Contains("in no line of it, each a patient of its own: 1 slide,", patients.Apply(table).Said, StringComparison.Ordinal);

        int Of(string slide) => table.SplitOf[table.SlideOf.IndexOf(table.Slides.ToList().IndexOf(slide))];
    }

    [Fact]
    public void Lists_that_contradict_themselves_or_fit_no_slide_are_refused()
    {
        Assert.Contains("of split test and, further up, of train", Assert.Throws<Fault>(
            () => SplitList.Read(_folder.Text("s.csv", "slide,split", "a,train", "a,test"))).Message, StringComparison.Ordinal);
        Assert.Contains("no column 'split'", Assert.Throws<Fault>(
            () => SplitList.Read(_folder.Text("s.csv", "slide,fold", "a,1"))).Message, StringComparison.Ordinal);
        var other = SplitList.Read(_folder.Text("s.csv", "slide,split", "x,train"));
        Assert.Contains(
            "None of the 2 slides", Assert.Throws<Fault>(() => other.Describe(["a.tif", "b.tif"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Points_on_such_a_manifest_keep_its_splits_and_patients_and_patches_written_out_carry_them()
    {
        SlideFile slide = new("a.tif", TestSlides.Stained(_folder.File("a.tif"), 600, 0, 0, 600, 600));
        using TileManifest manifest = Tiler.Run([slide], new()
        {
            PatchSize = 200,
            Splits = SplitList.Read(_folder.Text("splits.csv", "slide,split", "a,val")),
            Patients = PatientList.Read(_folder.Text("patients.csv", "slide,patient", "a,P7")),
        }).Manifest;
        using var patches = SlidePatches.FromManifest(manifest);
        var points = LabelledPoints.Read(_folder.Text("labels.csv", "slide,x,y,label", "a,100,100,x"));
        using var labelled = new LabelledGrid(patches, manifest, points);
        Assert.Equal(["val", "P7"], [.. labelled.Table.Splits!, .. labelled.Table.PatientOfSlide!]);
        PatchExport.Write(labelled, _folder.File("out"));
        string[] lines = File.ReadAllLines(_folder.File("out/patches.csv"));
        Assert.Equal(("file,slide,col,row,label,split,patient", "a.tif/0_0.png,a.tif,0,0,x,val,P7"), (lines[0], lines[1]));
        using var folder = PatchFolder.Open(_folder.File("out"));
        Assert.Equal(["val", "P7"], [.. folder.Table.Splits!, .. folder.Table.PatientOfSlide!]);
    }
}
