using SSLP.Data.Tissue;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tissue;

/// <summary>Masks beside tissue that was drawn by hand. What the figures are, not only their bounds: bench/results/tissue.</summary>
public sealed class TissueTruthTests
{
    [Theory]
    [InlineData("her2st_C2", 0.96)]
    [InlineData("her2st_C3", 0.95)]
    [InlineData("her2st_C4", 0.94)]
    [InlineData("her2st_C5", 0.94)]
    [InlineData("C3L-00601-26", 0.97)]
    [InlineData("TCGA-CR-7395", 0.96)]
    [InlineData("CMU-1-Small-Region", 0.93)]
    [InlineData("green-pen", 0.93)]
    [InlineData("black-border", 0.92)]
    public void Haematoxylin_and_eosin_is_found_by_stain(string slide, double least)
    {
        var truth = TissueTruth.Read(slide);
        TissueMask mask = Detect(truth)!;
        Assert.Equal(TissueMethod.Stain, mask.Method);
        Assert.InRange(truth.IntersectionOverUnion(mask), least, 1);
    }

    [Fact]
    public void Brown_on_pale_blue_is_found_by_density()
    {
        var truth = TissueTruth.Read("ihc-brown-on-pale-blue");
        TissueMask mask = Detect(truth)!;
        Assert.Equal(TissueMethod.Density, mask.Method);
        Assert.InRange(truth.IntersectionOverUnion(mask), 0.94, 1);
    }

    [Theory]
    [InlineData("her2st_C2")]
    [InlineData("her2st_C3")]
    [InlineData("her2st_C4")]
    [InlineData("her2st_C5")]
    [InlineData("C3L-00601-26")]
    [InlineData("TCGA-CR-7395")]
    [InlineData("CMU-1-Small-Region")]
    public void A_grey_scan_of_the_same_sections_is_found_by_density(string slide)
    {
        TissueTruth grey = TissueTruth.Read(slide).Recoloured(p =>
        {
            double luma = (0.299 * p.R) + (0.587 * p.G) + (0.114 * p.B);
            return (luma, luma, luma);
        });
        TissueMask mask = Detect(grey)!;
        Assert.Equal(TissueMethod.Density, mask.Method);
        Assert.InRange(grey.IntersectionOverUnion(mask), 0.92, 1);
    }

    // A base that most of the tissue has, and spots of a second colour.
    [Theory]
    [InlineData("immunohistochemistry", 222, 228, 238, 115, 70, 40)]
    [InlineData("strong DAB", 200, 170, 140, 115, 70, 40)]
    [InlineData("AEC", 205, 120, 110, 190, 60, 50)]
    [InlineData("Masson's trichrome, blue", 120, 150, 205, 190, 70, 90)]
    [InlineData("Masson's trichrome, green", 130, 185, 150, 190, 70, 90)]
    [InlineData("light green", 120, 170, 140, 110, 160, 130)]
    [InlineData("PAS", 225, 215, 230, 190, 80, 150)]
    [InlineData("PAS, pale", 232, 225, 235, 190, 80, 150)]
    [InlineData("Giemsa", 205, 210, 230, 100, 90, 160)]
    [InlineData("silver", 215, 205, 190, 30, 25, 20)]
    [InlineData("picrosirius red", 235, 210, 160, 200, 50, 60)]
    [InlineData("alcian blue", 170, 215, 225, 90, 180, 205)]
    [InlineData("Congo red", 235, 205, 195, 200, 110, 90)]
    [InlineData("grey", 215, 215, 215, 150, 150, 150)]
    [InlineData("H&E", 220, 160, 200, 120, 80, 150)]
    [InlineData("H&E, pale", 232, 205, 222, 150, 110, 170)]
    public void Every_brightfield_stain_is_found_on_bright_and_on_dull_glass(string stain, int r, int g, int b, int spotR,
        int spotG, int spotB)
    {
        foreach (int glass in (int[])[244, 225])
        {
            TissueTruth truth = Section(glass, (r, g, b), (spotR, spotG, spotB));
            TissueMask mask = Detect(truth)!;
            Assert.True(truth.IntersectionOverUnion(mask) > 0.95,
                $"{stain} on {glass}: {truth.IntersectionOverUnion(mask):F3} by {mask.Method}");
        }
    }

    [Fact]
    public void Fluorescence_is_told_from_black_that_was_not_scanned()
    {
        using var slide = Slide.Open(TestData.Path("formats", "test3-DAPI-2-387.ndpi"));
        SlideImage image = Thumbnail.Read(slide, 16, default).Image;
        Assert.Null(TissueDetector.Detect(image, 8, new()));
        Assert.Equal(1, TissueDetector.Detect(image, 8, new() { Method = TissueMethod.All })!.TissueFraction);
    }

    private static TissueMask? Detect(TissueTruth truth) => TissueDetector.Detect(truth.Image, truth.MicronsPerPixel, new());

    private static TissueTruth Section(int glass, (int R, int G, int B) most, (int R, int G, int B) spots)
    {
        const int Side = 192, From = 25, To = 167;
        byte[] rgb = new byte[Side * Side * 3];
        bool[] truth = new bool[Side * Side];
        var random = new Random(3);
        bool grey = most.R == most.G && most.G == most.B;
        for (int i = 0; i < truth.Length; i++)
        {
            (int y, int x) = Math.DivRem(i, Side);
            truth[i] = x is >= From and < To && y is >= From and < To;
            (int R, int G, int B) = !truth[i] ? (244, 244, 244) : ((x / 14) + (y / 9)) % 6 == 0 ? spots : most;
            int noise = random.Next(-6, 7);
            rgb[i * 3] = Dulled(R, noise);
            rgb[(i * 3) + 1] = Dulled(G, grey ? noise : random.Next(-6, 7));
            rgb[(i * 3) + 2] = Dulled(B, grey ? noise : random.Next(-6, 7));
        }
        return new(new(Side, Side, rgb), 8, truth);

        byte Dulled(int value, int noise) => (byte)Math.Clamp((value * glass / 244) + noise, 0, 255);
    }
}
