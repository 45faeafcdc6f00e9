using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Patches;

public sealed class PatientsTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_list_names_patients_by_slide_with_and_without_its_ending()
    {
        var list = PatientList.Read(_folder.Text("p.csv", "slide_id;case_id", "A.svs;P1", "sub/B;P1", "C;P2", "Z;P9"));
        var table = new PatchTable(["A", "sub/B.svs", "x/C.svs", "D"], new[] { 0, 1, 2, 3, 3 }, new[] { 0, 0, 0, 0, 1 }, new int[5]);
        (PatchTable with, string said) = list.Apply(table);
        Assert.Equal(["P1", "P1", "P2", "D"], with.PatientOfSlide!);
        Assert.Equal([0, 0, 1, 2, 2], with.UnitOf());
        Assert.Contains("3 patients of 4 slides", said);
        Assert.Contains("in no line of it, each a patient of its own: 1 slide,", said);
        Assert.Contains("the first D", said);
        Assert.Equal("P2", with.Select([2]).UnitName(0));
    }

    [Fact]
    public void Patients_that_contradict_each_other_or_fit_nothing_are_refused()
    {
        var table = new PatchTable(["A"], new[] { 0 }, new[] { 0 }, new[] { 0 });
        Assert.Contains("further up, of P1",
            Assert.Throws<Fault>(() => PatientList.Read(_folder.Text("p.csv", "slide,patient", "A,P1", "A,P2"))).Message);
        Assert.Contains("no column 'patient'",
            Assert.Throws<Fault>(() => PatientList.Read(_folder.Text("p.csv", "slide,person", "A,P1"))).Message);
        Assert.Contains("line 2 has no patient",
            Assert.Throws<Fault>(() => PatientList.Read(_folder.Text("p.csv", "slide,patient", "A,"))).Message);
        Assert.Contains("None of the 1 slides",
            Assert.Throws<Fault>(() => PatientList.Read(_folder.Text("p.csv", "slide,patient", "B,P1")).Apply(table)).Message);
        Assert.Contains("of patient P2 in the patches' own list", Assert.Throws<Fault>(
            () => PatientList.Read(_folder.Text("p.csv", "slide,patient", "A,P1")).Apply(table.WithPatients(["P2"]))).Message);
    }

    [Fact]
    public void Patches_csv_names_patients_scales_and_classes_without_slides()
    {
        _folder.Png("a.png", 16, 16);
        _folder.Png("b.png", 16, 16);
        _folder.Text("patches.csv", "file,label,patient,mpp", "a.png,x,P1,0.5", "b.png,y,P1,0.5");
        using var patches = PatchFolder.Open(_folder.Path, new() { RequireCoordinates = false });
        Assert.Equal((false, "patients", 0.5), (patches.Table.HasSlides, patches.Table.Unit, patches.Mpp));
        Assert.Equal([0, 0], patches.Table.UnitOf());
        Assert.Contains("leave the one that is wrong out",
            Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path, new() { RequireCoordinates = false, Mpp = 4 })).Message);
        _folder.Text("patches.csv", "file,slide,label", "a.png,S,x", "b.png,S,y");
        using var unplaced = PatchFolder.Open(_folder.Path, new() { RequireCoordinates = false });
        Assert.Equal((true, false, null), (unplaced.Table.HasSlides, unplaced.Table.HasCoordinates, unplaced.Mpp));
        Assert.Equal([0, 0], unplaced.Table.SlideOf.ToArray());
    }

    [Theory]
    [InlineData("../{0}/a.png")]
    [InlineData("..\\{0}\\..\\outside.png")]
    [InlineData("/etc/hostname")]
    [InlineData("sub/../../a.png")]
    public void A_list_names_no_file_outside_of_its_folder(string name)
    {
        _folder.Png("inside/a.png", 8, 8);
        _folder.Text("inside/patches.csv", "file,label", $"{string.Format(null, name, "other")},x");
        Assert.Contains("outside of its folder",
            Assert.Throws<Fault>(() => PatchFolder.Open(_folder.File("inside"), new() { RequireCoordinates = false })).Message);
    }

    [Fact]
    public void Full_paths_into_the_folder_are_read_and_a_line_that_repeats_another_counts_once()
    {
        string a = _folder.Png("a.png", 8, 8);
        _folder.Png("b.png", 8, 8);
        _folder.Text("patches.csv", "file,slide,col,row", $"{a},S,0,0", "b.png,S,1,0", "b.png,S,1,0");
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Equal(2, patches.Table.Count);
        Assert.Contains("1 lines of patches.csv that repeat another one, the first of b.png", Assert.Single(patches.LeftOut));
        _folder.Text("patches.csv", "file,slide,col,row", "b.png,S,1,0", "b.png,S,2,0");
        Assert.Contains("line 3 names b.png again", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
        _folder.Text("patches.csv", "file,slide,col,row", $"{_folder.Path}//etc/hostname,S,1,0");
        Assert.Contains("outside of its folder", Assert.Throws<Fault>(() => PatchFolder.Open(_folder.Path)).Message);
    }

    [Theory]
    [InlineData("float-columns", true)]
    [InlineData("semicolon-bom-crlf", true)]
    [InlineData("path-outside", false)]
    public void Reads_or_refuses_the_lists_that_users_report(string folder, bool read)
    {
        string path = TestData.Path("reported", "patches", "csv", folder);
        if (!read)
        {
            Assert.Contains("outside of its folder", Assert.Throws<Fault>(() => PatchFolder.Open(path)).Message);
            return;
        }
        using var patches = PatchFolder.Open(path);
        Assert.Equal((18, 2, 1), (patches.Table.Count, patches.Table.Slides.Count, patches.Table.Classes!.Count));
    }

    [Theory]
    [InlineData("camelyon17-flat-slide_x_y", "patient_004_node_4", null)]
    [InlineData("pixels-as-col-row", "004", "0,1")]
    [InlineData("dsmil-class-slide-x_y", "patient_004_node_4", "normal,tumor")]
    public void Reads_the_names_that_users_report(string folder, string slide, string? classes)
    {
        using var patches = PatchFolder.Open(TestData.Path("reported", "patches", "names", folder));
        Assert.Equal(slide, patches.Table.Slides[0]);
        Assert.Equal(classes?.Split(','), patches.Table.Classes);
        Assert.Equal((2, 2), (patches.Table.Col.ToArray().Max(), patches.Table.Row.ToArray().Max()));
    }

    [Theory]
    [InlineData("sub\\a.png")]
    [InlineData("./sub/a.png")]
    [InlineData("sub/../sub/a.png")]
    public void Windows_paths_and_detours_inside_the_folder_are_read(string name)
    {
        _folder.Png("sub/a.png", 8, 8);
        _folder.Text("patches.csv", "file,slide,x,y", $"{name},S,16,8");
        using var patches = PatchFolder.Open(_folder.Path);
        Assert.Empty(patches.LeftOut);
        Assert.Equal((2, 1), (patches.Table.Col[0], patches.Table.Row[0]));
    }
}
