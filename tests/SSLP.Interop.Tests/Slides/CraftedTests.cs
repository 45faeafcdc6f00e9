using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Slides made after users' reports, each with one oddity: what is right for each.</summary>
public class CraftedTests
{
    public static TheoryData<string, int, double?, string?> Files => new()
    {
        { "aperio-mpp-decimal-comma.svs", 2, 0.5, null },
        { "aperio-label-dangling.svs", 2, 0.5, "its image 'label' can't be read" },
        { "ome-physicalsize-xml-only.ome.tif", 2, 0.5, null },
        { "tiff-xresolution-float.tif", 2, 0.5, null },
        { "tiff-mpp-0.0005-unit-mixup.tif", 2, null, "0.0005 µm/px" },
        { "tiff-mask-ifds.tif", 2, 0.5, "mask" },
        { "tiff-tiled-macro-among-levels.tif", 2, 0.5, "another field" },
        { "tiff-rgba-deflate.tif", 2, 0.5, null },
        { "tiff-black-border-62pct.tif", 2, 0.5, null },
        { "stain-ihc-brown-on-pale-blue.tif", 2, 0.5, null },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void Gives_what_is_right(string file, int levels, double? mpp, string? note)
    {
        using var slide = Slide.Open(TestData.Path("reported", "crafted", file));
        Assert.Equal(SlideReader.Embedded, slide.Reader);
        Assert.Equal(levels, slide.Levels.Count);
        Assert.Equal(2, slide.Levels[1].Downsample);
        Assert.Equal(mpp, slide.Mpp?.X);
        if (note is null)
            Assert.Empty(slide.Notes);
        else
            Assert.Contains(note, Assert.Single(slide.Notes), StringComparison.Ordinal);
        Assert.Equal(0, slide.VerifyTiles(deep: true).Unreadable);
    }

    [Fact]
    public void RGBA_is_as_OpenSlide_gives_it()
    {
        Assert.SkipUnless(OpenSlideLibrary.IsAvailable, "OpenSlide is not installed on this machine (apt install libopenslide0).");
        string path = TestData.Path("reported", "crafted", "tiff-rgba-deflate.tif");
        using var ours = Slide.Open(path, SlideReader.Embedded);
        using var theirs = Slide.Open(path, SlideReader.OpenSlide);
        for (int level = 0; level < 2; level++)
        {
            int side = (int)ours.Levels[level].Width;
            byte[] first = new byte[side * side * 3], second = new byte[first.Length];
            ours.ReadRegion(level, 0, 0, side, side, first);
            theirs.ReadRegion(level, 0, 0, side, side, second);
            Assert.True(first.AsSpan().SequenceEqual(second));
        }
    }

    [Fact]
    public void A_dicom_slide_needs_OpenSlide_4_and_says_so()
    {
        Assert.SkipWhen(OpenSlideLibrary.HasCacheControl, "OpenSlide 4 is installed.");
        string folder = TestData.Path("formats", "dicom");
        foreach (string path in Directory.GetFiles(folder, "*.dcm").Append(folder))
        {
            foreach (SlideReader reader in (SlideReader[])[SlideReader.Auto, SlideReader.OpenSlide])
            {
                SlideException fault = Assert.Throws<SlideException>(() => Slide.Open(path, reader));
                Assert.Equal(SlideFault.UnsupportedFormat, fault.Fault);
                Assert.StartsWith($"{path}: is a DICOM slide, which needs OpenSlide 4 or later", fault.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_folder_of_two_dicom_series_is_named_and_one_of_a_series_is_one_slide()
    {
        string folder = Directory.CreateTempSubdirectory("sslp-dicom-").FullName;
        try
        {
            foreach (string path in Directory.GetFiles(TestData.Path("formats", "dicom"), "*.dcm"))
                File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
            Assert.DoesNotContain("series", FaultOf(folder) ?? "", StringComparison.Ordinal);
            byte[] other = File.ReadAllBytes(Directory.GetFiles(folder)[0]);
            int at = other.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x20, 0, 0x0E, 0, (byte)'U', (byte)'I']);
            other[at + 10] ^= 1;
            File.WriteAllBytes(Path.Combine(folder, "other.dcm"), other);
            Assert.Contains("DICOM files of 2 series", FaultOf(folder), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Why a slide does not open; null where it does.</summary>
    private static string? FaultOf(string path)
    {
        try
        {
            Slide.Open(path).Dispose();
            return null;
        }
        catch (SlideException fault)
        {
            return fault.Message;
        }
    }
}
