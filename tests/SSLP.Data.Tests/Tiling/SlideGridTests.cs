using SSLP.Data.Tiling;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

public sealed class SlideGridTests
{
    [Theory]
    [InlineData(256, "0.5", "0.499", 120_001)]
    [InlineData(224, "0.5", "0.2525", 200_000)]
    [InlineData(96, "1", "0.23", 187_344)]
    [InlineData(50, "4", "0.6899", 9_274)]
    [InlineData(7, "0.3333333", "0.1234567", 250_000)]
    public void The_last_patch_of_a_slide_is_within_half_a_level_0_pixel(int patch, string mpp, string slideMpp, long width)
    {
        // Decimal arithmetic has 28 digits: the exact place for this purpose.
        decimal wanted = decimal.Parse(mpp, System.Globalization.CultureInfo.InvariantCulture);
        decimal own = decimal.Parse(slideMpp, System.Globalization.CultureInfo.InvariantCulture);
        var grid = new SlideGrid(patch, (double)wanted, (double)own, (double)own, width, width);
        for (int col = 0; col < grid.Columns; col++)
        {
            decimal exact = col * patch * wanted / own;
            Assert.True(Math.Abs(grid.OriginLevel0(col, 0).X - exact) <= 0.5m + 1e-9m, $"column {col}");
        }
        decimal last = grid.Columns * patch * wanted / own;
        Assert.True(last <= width + 0.5m, "the last patch lies inside");
        Assert.True(last + (patch * wanted / own) > width, "no further patch fits");
    }

    [Fact]
    public void Handles_axes_of_different_pixel_sizes()
    {
        var grid = new SlideGrid(100, 1, 0.5, 0.25, 1000, 1000);
        Assert.Equal((5, 2), (grid.Columns, grid.Rows));
        Assert.Equal((400L, 400L), grid.OriginLevel0(2, 1));
    }

    [Fact]
    public void A_slide_smaller_than_a_patch_has_no_patches()
    {
        var grid = new SlideGrid(256, 0.5, 0.499, 0.499, 16, 16);
        Assert.Equal(0, grid.Columns * grid.Rows);
    }
}
