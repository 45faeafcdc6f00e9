using SSLP.Data.Loading;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Loading;

public sealed class ReplacingReaderTests
{
    [Fact]
    public void A_bad_patch_is_replaced_by_another_of_its_slide()
    {
        using var source = new TestPatches(slides: 3, side: 5, bad: [30, 31]);
        var reader = new ReplacingReader(source, seed: 4);
        var rgb = new byte[8 * 8 * 3];
        int read = reader.Read(30, rgb);
        Assert.NotEqual(30, read);
        Assert.Equal(1, source.Table.SlideOf[read]);
        Assert.Equal(TestPatches.Pixel(read, 17), rgb[17]);
        SlideFaults faults = Assert.Single(reader.Report());
        Assert.Equal(("slide1", false), (faults.Slide, faults.Quarantined));
        Assert.Contains("does not decode", faults.FirstReason, StringComparison.Ordinal);
        Assert.True(reader.Replaced >= 1);
    }

    [Fact]
    public void A_good_patch_is_itself()
    {
        using var source = new TestPatches(2, 3);
        var reader = new ReplacingReader(source, 1);
        Assert.Equal(4, reader.Read(4, new byte[192]));
        Assert.Empty(reader.Report());
        Assert.Equal(0, reader.Replaced);
    }

    [Fact]
    public void A_slide_past_its_budget_is_quarantined_and_others_stand_in()
    {
        using var source = new TestPatches(slides: 2, side: 5, bad: Enumerable.Range(0, 25));
        var reader = new ReplacingReader(source, seed: 9);
        for (int p = 0; p < 25; p++)
            Assert.Equal(1, source.Table.SlideOf[reader.Read(p, new byte[192])]);
        Assert.True(Assert.Single(reader.Report()).Quarantined);
        int asked = source.Asked.Count(p => p < 25);
        reader.Read(3, new byte[192]);
        Assert.Equal(asked, source.Asked.Count(p => p < 25));
    }

    [Fact]
    public void A_patch_is_not_tried_twice()
    {
        using var source = new TestPatches(1, 5, bad: [7]);
        var reader = new ReplacingReader(source, 1);
        reader.Read(7, new byte[192]);
        reader.Read(7, new byte[192]);
        Assert.Equal(1, source.Asked.Count(p => p == 7));
    }
}
