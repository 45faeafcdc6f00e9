using SSLP.Data.Annotations;
using Xunit;

namespace SSLP.Data.Tests.Annotations;

public sealed class AreaGridTests
{
    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(3, 40)]
    [InlineData(4, 200)]
    public void Matches_points_in_polygons_one_by_one(int seed, int count)
    {
        var random = new Random(seed);
        AnnotatedArea[] areas = [.. Enumerable.Range(0, count).Select(i => new AnnotatedArea(
            (AreaKind)(i % 7 == 3 ? 2 : i % 7 == 5 ? 1 : 0), i % 4 == 0 ? null : $"class {i % 3}", RandomPolygon(random)))];
        var grid = new CellGrid(0, 0, 31.7, 17.3, 13, 19);
        var laid = new AreaGrid(areas, grid);
        ClassGrid classes = laid.Classify();
        AnnotatedArea[] top = [.. areas.OrderByDescending(area => area.Kind).ThenBy(area => area.Polygon.Area)];
        bool regions = areas.Any(area => area.Kind == AreaKind.Region);
        for (int row = 0; row < grid.Rows; row++)
            for (int col = 0; col < grid.Columns; col++)
            {
                int inside = 0, ignored = 0, nothing = 0;
                var named = new Dictionary<string, int>();
                for (int i = 0; i < 64; i++)
                {
                    double x = (col + (((i % 8) + 0.5) / 8)) * grid.CellWidth, y = (row + (((i / 8) + 0.5) / 8)) * grid.CellHeight;
                    AnnotatedArea? area = top.FirstOrDefault(area => Contains(area.Polygon, x, y));
                    if (area is null or { Kind: AreaKind.Hole })
                        nothing++;
                    if (area?.Kind == AreaKind.Ignored)
                        ignored++;
                    else if (!regions || area?.Kind == AreaKind.Region)
                        inside++;
                    if (area is { Kind: AreaKind.Region, Class: { } name })
                        named[name] = named.GetValueOrDefault(name) + 1;
                }
                int cell = (row * grid.Columns) + col;
                Assert.Equal(inside >= 32 && ignored < 32, laid.Takes(col, row));
                Assert.Equal(nothing / 64f, classes.Rest[cell]);
                Assert.Equal(named.Count == 0 ? 0 : named.Values.Max() / 64f, classes.Share[cell]);
                Assert.Equal(named.Count == 0, classes.Best[cell] < 0);
            }
    }

    [Fact]
    public void Takes_what_lies_in_a_region_by_half_and_not_in_its_hole()
    {
        AnnotatedArea square = new(AreaKind.Region, "Tumor", new Polygon([Box(0, 0, 512, 512), Box(100, 100, 200, 200)]));
        Assert.True(Takes([square], 256, 256, 512, 512));
        Assert.True(Takes([square], 400, 300, 600, 400));
        Assert.False(Takes([square], 500, 300, 700, 400));
        Assert.False(Takes([square], 110, 110, 190, 190));
    }

    [Fact]
    public void Leaves_out_ignored_regions_and_takes_all_else_when_nothing_is_included()
    {
        AnnotatedArea square = new(AreaKind.Region, "Tumor", new Polygon([Box(0, 0, 512, 512)])),
            ignored = new(AreaKind.Ignored, "Ignore*", new Polygon([Box(0, 0, 256, 256)]));
        Assert.False(Takes([square, ignored], 0, 0, 256, 256));
        Assert.True(Takes([square, ignored], 256, 256, 512, 512));
        Assert.False(Takes([ignored], 0, 0, 256, 256));
        Assert.True(Takes([ignored], 5000, 5000, 5256, 5256));
    }

    [Fact]
    public void Twelve_thousand_polygons_over_a_hundred_thousand_patches_give_the_patches_under_them()
    {
        // A polygon of 40 corners in every second patch of every second row, over the middle of it.
        const int Side = 316;
        var areas = new List<AnnotatedArea>();
        for (int i = 0; i < 12_000; i++)
        {
            double x = (((i % 150) * 2) + 0.5) * 256, y = (((i / 150) * 2) + 0.5) * 256;
            areas.Add(new(AreaKind.Region, "nest",
                new Polygon([[.. Enumerable.Range(0, 40)
                    .Select(k => (x + (120 * Math.Cos(k * Math.Tau / 40)), y + (120 * Math.Sin(k * Math.Tau / 40))))]])));
        }
        var laid = new AreaGrid(areas, new CellGrid(0, 0, 256, 256, Side, Side));
        int taken = 0;
        for (int row = 0; row < Side; row++)
            for (int col = 0; col < Side; col++)
                if (laid.Takes(col, row))
                {
                    taken++;
                    Assert.True(row % 2 == 0 && col % 2 == 0);
                }
        Assert.Equal(12_000, taken);
    }

    [Fact]
    public void One_outline_of_a_hundred_thousand_corners_is_followed_to_its_end()
    {
        (double, double)[] star = [.. Enumerable.Range(0, 100_000).Select(k => Corner(k, k % 2 == 0 ? 4000 : 3990))];
        var laid = new AreaGrid([new(AreaKind.Region, null, new Polygon([star]))], new CellGrid(0, 0, 32, 32, 256, 256));
        int taken = Enumerable.Range(0, 256 * 256).Count(i => laid.Takes(i % 256, i / 256));
        Assert.InRange(taken * 32.0 * 32, Math.PI * 3990 * 3990 * 0.99, Math.PI * 4000 * 4000 * 1.01);

        static (double, double) Corner(int k, double radius) =>
            (4096 + (radius * Math.Cos(k * Math.Tau / 100_000)), 4096 + (radius * Math.Sin(k * Math.Tau / 100_000)));
    }

    private static bool Takes(IReadOnlyList<AnnotatedArea> areas, double left, double top, double right, double bottom) =>
        new AreaGrid(areas, new CellGrid(left, top, right - left, bottom - top, 1, 1)).Takes(0, 0);

    private static (double, double)[] Box(double left, double top, double right, double bottom) =>
        [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];

    /// <summary>Crosses itself, has a hole, lies partly outside.</summary>
    private static Polygon RandomPolygon(Random random)
    {
        double x = random.NextDouble() * 450, y = random.NextDouble() * 350, size = 5 + (random.NextDouble() * random.NextDouble() * 300);
        return new([.. Enumerable.Range(0, 1 + random.Next(2)).Select(_ => Enumerable.Range(0, 3 + random.Next(9))
            .Select(_ => (x + ((random.NextDouble() - 0.5) * size), y + ((random.NextDouble() - 0.5) * size))).ToArray())]);
    }

    private static bool Contains(Polygon polygon, double x, double y)
    {
        bool inside = false;
        foreach ((double X, double Y)[] ring in polygon.Rings)
            for (int i = 0, j = ring.Length - 1; i < ring.Length; j = i++)
                if (ring[i].Y > y != ring[j].Y > y && x < ring[i].X + ((y - ring[i].Y) / (ring[j].Y - ring[i].Y) * (ring[j].X - ring[i].X)))
                    inside = !inside;
        return inside;
    }
}
