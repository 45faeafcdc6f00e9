using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Patches;

public sealed class LabelledPointsTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reads_points_with_and_without_grid_columns()
    {
        var points = LabelledPoints.Read(
            _folder.Text("p.csv", "slide,x,y,label,agree,split", "b.svs,10.4,20.6,fat,3,val", "a.svs,1,2,tumour,2,train"));
        Assert.Equal([10.4, 1], points.X);
        Assert.Equal((10, 21), (points.Table.Col[0], points.Table.Row[0]));
        Assert.False(points.Table.HasCoordinates);
        Assert.Equal([0], points.Table.InSplit("val"));
        var placed = LabelledPoints.Read(_folder.Text("q.csv", "slide,col,row,label,x,y", "s.tif,3,4,fat,896,1152"));
        Assert.True(placed.Table.HasCoordinates);
        Assert.Equal((3, 4), (placed.Table.Col[0], placed.Table.Row[0]));
    }

    [Theory]
    [InlineData("no column 'y'", "slide,x,label", "a,1,fat")]
    [InlineData("names no points", "slide,x,y,label")]
    [InlineData("line 3 has x 'left'", "slide,x,y,label", "a,1,2,fat", "a,left,2,fat")]
    [InlineData("line 3 has 3 fields", "slide,x,y,label", "a,1,2,fat", "a,1,2")]
    [InlineData("both at column 1, row 2", "slide,x,y,label", "a,1,2,fat", "a,1.2,2.1,fat")]
    public void Says_what_is_wrong_and_where(string message, params string[] lines) =>
        Assert.Contains(message, Assert.Throws<Fault>(() => LabelledPoints.Read(_folder.Text("p.csv", lines))).Message);

    [Fact]
    public void Reads_decimal_commas_between_semicolons_and_patients()
    {
        var points = LabelledPoints.Read(
            _folder.Text("p.csv", "slide;x;y;label;patient", "S1.svs;1164,5;694,25;b;P7", "S2.svs;1,5;2;a;P7", "S3.svs;1;2;a;"));
        Assert.Equal([1164.5, 1.5, 1], points.X);
        Assert.Equal(["P7", "P7", "S3.svs"], points.Table.PatientOfSlide!);
        Assert.Equal("patients", points.Table.Unit);
        Assert.Equal([0, 0, 1], points.Table.UnitOf());
    }

    [Fact]
    public void A_slide_of_two_patients_and_classes_without_places_are_refused()
    {
        Assert.Contains("of patient P1 and of patient P2", Assert.Throws<Fault>(() => LabelledPoints.Read(_folder.Text(
            "p.csv", "slide,x,y,label,patient", "S,1,2,a,P1", "S,3,4,a,P2"))).Message);
        string clam = Assert.Throws<Fault>(() => LabelledPoints.Read(_folder.Text("c.csv", "case_id,slide_id,label", "C,S,a"))).Message;
        Assert.Contains("no column 'x'", clam);
        Assert.Contains("case_id, slide_id, label", clam);
        Assert.Contains("slide,x,y,label", clam);
    }

    [Theory]
    [InlineData("S1", "S1.tif")]
    [InlineData("S1.tif", "S1.tif")]
    [InlineData("S2", "case/S2.tif")]
    [InlineData("S2.tif", "case/S2.tif")]
    [InlineData("case/S2", "case/S2.tif")]
    [InlineData("one.of.two", "one.of.two.tif")]
    public void Slides_go_by_their_names_with_ending_folder_and_without(string name, string file)
    {
        foreach (string slide in (string[])["S1.tif", "case/S2.tif", "one.of.two.tif"])
            TestSlides.Ramp(_folder.File(slide), 300, 300, 0.5);
        Assert.Equal([Path.Combine(_folder.Path, file)], SlideNames.Find(_folder.Path, [name], "list.csv"));
    }

    [Fact]
    public void A_name_of_two_slides_of_none_or_outside_of_the_folder_is_refused()
    {
        foreach (string slide in (string[])["a/S1.tif", "b/S1.tif"])
            TestSlides.Ramp(_folder.File(slide), 300, 300, 0.5);
        Assert.Contains("has 2 of that name (a/S1.tif, b/S1.tif)",
            Assert.Throws<Fault>(() => SlideNames.Find(_folder.Path, ["S1"], "list.csv")).Message);
        Assert.Contains("'S3', which is not in", Assert.Throws<Fault>(() => SlideNames.Find(_folder.Path, ["S3"], "list.csv")).Message);
        Assert.Contains("which is not in",
            Assert.Throws<Fault>(() => SlideNames.Find(Path.Combine(_folder.Path, "a"), ["../b/S1.tif"], "list.csv")).Message);
    }

    [Theory]
    [InlineData("control.csv", null)]
    [InlineData("no-extension.csv", null)]
    [InlineData("excel-semicolon-comma.csv", null)]
    [InlineData("clam-columns.csv", "no column 'x'")]
    public void Reads_the_lists_that_users_report(string file, string? refusal)
    {
        string path = TestData.Path("reported", "labels", file);
        if (refusal is not null)
            Assert.Contains(refusal, Assert.Throws<Fault>(() => LabelledPoints.Read(path)).Message);
        else
            Assert.Equal(80, LabelledPoints.Read(path).Table.Count);
    }

    [Fact]
    public void Reads_the_spots_of_the_real_sections()
    {
        var points = LabelledPoints.Read(TestData.Path("labelled", "her2st", "spots.csv"));
        Assert.Equal(651, points.Table.Count);
        Assert.Equal(4, points.Table.Slides.Count);
        Assert.Single(points.Table.PatientOfSlide!.Distinct()); // four sections of one person
        Assert.Equal(["adipose tissue", "connective tissue", "invasive cancer"], points.Table.Classes!);
    }
}
