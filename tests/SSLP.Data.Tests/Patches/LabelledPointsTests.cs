using SSLP.Data.Files;
using SSLP.Data.Patches;
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
        LabelledPoints points = LabelledPoints.Read(_folder.Text("p.csv", "slide,x,y,label,agree,split", "b.svs,10.4,20.6,fat,3,val", "a.svs,1,2,tumour,2,train"));
        Assert.Equal([10.4, 1], points.X);
        Assert.Equal((10, 21), (points.Table.Col[0], points.Table.Row[0]));
        Assert.False(points.Table.HasCoordinates);
        Assert.Equal([0], points.Table.InSplit("val"));
        LabelledPoints placed = LabelledPoints.Read(_folder.Text("q.csv", "slide,col,row,label,x,y", "s.tif,3,4,fat,896,1152"));
        Assert.True(placed.Table.HasCoordinates);
        Assert.Equal((3, 4), (placed.Table.Col[0], placed.Table.Row[0]));
    }

    [Theory]
    [InlineData("no column 'y'", "slide,x,label", "a,1,fat")]
    [InlineData("names no points", "slide,x,y,label")]
    [InlineData("point 2 has x 'left'", "slide,x,y,label", "a,1,2,fat", "a,left,2,fat")]
    [InlineData("line 3 has 3 fields", "slide,x,y,label", "a,1,2,fat", "a,1,2")]
    [InlineData("both at column 1, row 2", "slide,x,y,label", "a,1,2,fat", "a,1.2,2.1,fat")]
    public void Says_what_is_wrong_and_where(string message, params string[] lines) =>
        Assert.Contains(message, Assert.Throws<Fault>(() => LabelledPoints.Read(_folder.Text("p.csv", lines))).Message);

    [Fact]
    public void Reads_the_spots_of_the_real_sections()
    {
        LabelledPoints points = LabelledPoints.Read(TestData.Path("labelled", "her2st", "spots.csv"));
        Assert.Equal(651, points.Table.Count);
        Assert.Equal(4, points.Table.Slides.Count);
        Assert.Equal(["adipose tissue", "connective tissue", "invasive cancer"], points.Table.Classes!);
    }
}
