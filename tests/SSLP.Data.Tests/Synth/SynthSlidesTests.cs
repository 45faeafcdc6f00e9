using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Synth;
using SSLP.Data.Tiling;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Synth;

public sealed class SynthSlidesTests : IDisposable
{
    private static readonly SynthOptions Small = new() { Slides = 2, Size = 1100, Seed = 7, PatchSize = 128 };

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_same_seed_gives_the_same_bytes_on_any_number_of_threads_and_another_seed_others()
    {
        IReadOnlyList<string> one = SynthSlides.Write(_folder.File("one/x")[..^2], Small, threads: 1);
        IReadOnlyList<string> two = SynthSlides.Write(_folder.File("two/x")[..^2], Small, threads: 2);
        IReadOnlyList<string> other = SynthSlides.Write(_folder.File("other/x")[..^2], Small with { Seed = 8, Slides = 1 });
        for (int i = 0; i < one.Count; i++)
            Assert.Equal(File.ReadAllBytes(one[i]), File.ReadAllBytes(two[i]));
        Assert.NotEqual(File.ReadAllBytes(one[0]), File.ReadAllBytes(one[1]));
        Assert.NotEqual(File.ReadAllBytes(one[0]), File.ReadAllBytes(other[0]));
    }

    [Fact]
    public void Slides_are_pyramids_with_a_pixel_size_that_audit_finds_ok()
    {
        IReadOnlyList<string> paths = SynthSlides.Write(_folder.Path, Small);
        using var slide = Slide.Open(paths[0]);
        Assert.Equal([1100L, 550, 275, 138], slide.Levels.Select(level => level.Width));
        Assert.Equal(0.5, slide.Mpp!.X, 4);
        Assert.All(SlideAudit.Run(SlideListing.List(_folder.Path), new() { Deep = true }), record =>
            Assert.Equal(SlideVerdict.Ok, record.Verdict));
    }

    [Theory]
    [InlineData(SynthFormat.Philips, "philips", ".tiff", 1536L)]
    [InlineData(SynthFormat.Jpeg2000, "aperio", ".svs", 1100L)]
    // Philips pads level 0 to whole tiles, and says nothing of it.
    public void Other_scanners_files_have_the_same_picture_and_pixel_size(SynthFormat format, string vendor, string ending, long width)
    {
        string plain = SynthSlides.Write(_folder.File("plain/x")[..^2], Small with { Slides = 1 })[0];
        string path = SynthSlides.Write(_folder.File("other/x")[..^2], Small with { Slides = 1, Format = format })[0];
        Assert.Equal((ending, File.ReadAllText(Path.Combine(Path.GetDirectoryName(plain)!, SynthSlides.LabelsName))
            .Replace(".tif,", ending + ",")),
            (Path.GetExtension(path), File.ReadAllText(Path.Combine(Path.GetDirectoryName(path)!, SynthSlides.LabelsName))));
        using Slide ours = Slide.Open(path, SlideReader.Embedded), jpeg = Slide.Open(plain, SlideReader.Embedded);
        Assert.Equal((vendor, width, 0.5), (ours.Format, ours.Levels[0].Width, Math.Round(ours.Mpp!.X, 4)));
        for (int level = 0; level < 2; level++)
        {
            byte[] a = new byte[300 * 300 * 3], b = new byte[300 * 300 * 3];
            ours.ReadRegion(level, 100, 100, 300, 300, a);
            jpeg.ReadRegion(level, 100, 100, 300, 300, b);
            Assert.InRange(a.Zip(b, (x, y) => Math.Abs(x - y)).Average(), 0, 6); // JPEG halves the chroma, JPEG 2000 does not
        }
        Assert.Equal(SlideVerdict.Ok, SlideAudit.One(new(Path.GetFileName(path), path), new() { Deep = true }).Verdict);
    }

    [Theory]
    [InlineData(SynthFormat.Tiff, 1)] // OpenSlide takes its tiles through libtiff, whose chroma is blown up more coarsely
    [InlineData(SynthFormat.Philips, 1)]
    [InlineData(SynthFormat.Jpeg2000, 1)]
    public void OpenSlide_opens_them_and_agrees_on_the_pixels(SynthFormat format, int mostMean)
    {
        string path = SynthSlides.Write(_folder.Path, Small with { Slides = 1, Format = format })[0];
        Slide theirs;
        try
        {
            theirs = Slide.Open(path, SlideReader.OpenSlide);
        }
        catch (SlideException e) when (e.Fault == SlideFault.OpenSlideMissing)
        {
            Assert.Skip(e.Message);
            return;
        }
        using (theirs)
        using (var ours = Slide.Open(path, SlideReader.Embedded))
        {
            Assert.Equal(ours.Levels.Select(level => (level.Width, level.Height)),
                theirs.Levels.Select(level => (level.Width, level.Height)));
            Assert.Equal((ours.Format, Math.Round(ours.Mpp!.X, 4)), (theirs.Format, Math.Round(theirs.Mpp!.X, 4)));
            for (int level = 0; level < ours.Levels.Count; level++)
            {
                (int width, int height) = ((int)ours.Levels[level].Width, (int)ours.Levels[level].Height);
                byte[] a = new byte[width * height * 3], b = new byte[a.Length];
                ours.ReadRegion(level, 0, 0, width, height, a);
                theirs.ReadRegion(level, 0, 0, width, height, b);
                int[] apart = [.. a.Zip(b, (x, y) => Math.Abs(x - y))];
                Assert.InRange(apart.Average(), 0, mostMean);
                TestContext.Current.TestOutputHelper?.WriteLine($"level {level}: mean {apart.Average():0.####}, most {apart.Max()}");
            }
        }
    }

    [Fact]
    public void Labels_name_every_patch_of_the_grid_and_serve_as_points()
    {
        SynthSlides.Write(_folder.Path, Small);
        var points = LabelledPoints.Read(Path.Combine(_folder.Path, SynthSlides.LabelsName));
        Assert.Equal("slide,col,row,label,x,y", File.ReadLines(points.Path).First());
        Assert.Equal(2 * 8 * 8, points.Table.Count);
        Assert.True(points.Table.HasCoordinates);
        for (int i = 0; i < points.Table.Count; i++)
            Assert.Equal(((points.Table.Col[i] * 128) + 64, (points.Table.Row[i] * 128) + 64), ((int)points.X[i], (int)points.Y[i]));
        using var patches = SlidePatches.AtPoints(points, _folder.Path, 128, 0.5);
        byte[] rgb = new byte[128 * 128 * 3];
        int background = points.Table.LabelOf.IndexOf(points.Table.Classes!.ToList().IndexOf("background"));
        patches.Read(background, rgb);
        Assert.True(rgb.Average(value => value) > 190, "background is bright");
    }

    [Fact]
    public void Neighbouring_patches_mostly_share_their_class_and_distant_ones_do_not()
    {
        int pairs = 0, same = 0, farPairs = 0, farSame = 0;
        for (int index = 0; index < 6; index++)
        {
            var layout = new TissueLayout(new Random(100 + index), 3072);
            SynthClass At(int col, int row) => layout.Majority(col * 256, row * 256, (col + 1) * 256, (row + 1) * 256);
            for (int row = 0; row < 12; row++)
                for (int col = 0; col < 11; col++)
                {
                    if (At(col, row) == SynthClass.Background)
                        continue;
                    Count(At(col, row), At(col + 1, row), ref pairs, ref same);
                    if (col + 6 < 12)
                        Count(At(col, row), At(col + 6, row), ref farPairs, ref farSame);
                }
        }
        Assert.InRange((double)same / pairs, 0.75, 0.92);
        Assert.InRange((double)farSame / farPairs, 0.1, 0.55);

        static void Count(SynthClass a, SynthClass b, ref int pairs, ref int same)
        {
            if (b == SynthClass.Background)
                return;
            pairs++;
            same += a == b ? 1 : 0;
        }
    }

    [Fact]
    public void Mean_colour_of_a_tissue_class_varies_more_between_slides_than_between_classes()
    {
        const int Slides = 6;
        double[,] mean = new double[Slides, 5];
        for (int index = 0; index < Slides; index++)
        {
            var slide = SyntheticSlide.Make(3, index, 1536);
            foreach (SynthClass tissue in (SynthClass[])[SynthClass.Stroma, SynthClass.Lymphocytes, SynthClass.Tumour])
                mean[index, (int)tissue] = MeanGreen(slide, tissue);
        }
        double betweenClasses = 0, betweenSlides = 0;
        for (int index = 0; index < Slides; index++)
        {
            double[] present = [.. Enumerable.Range(2, 3).Select(c => mean[index, c]).Where(double.IsFinite)];
            betweenClasses += (present.Max() - present.Min()) / Slides;
        }
        for (int tissue = 2; tissue < 5; tissue++)
        {
            double[] present = [.. Enumerable.Range(0, Slides).Select(i => mean[i, tissue]).Where(double.IsFinite)];
            betweenSlides += (present.Max() - present.Min()) / 3;
        }
        Assert.True(betweenSlides > 1.5 * betweenClasses, $"between slides {betweenSlides:0.0}, between classes {betweenClasses:0.0}");
    }

    [Fact]
    public void Refuses_options_that_mean_nothing()
    {
        Assert.Throws<Fault>(() => SynthSlides.Write(_folder.Path, Small with { Slides = 0 }));
        Assert.Throws<Fault>(() => SynthSlides.Write(_folder.Path, Small with { Size = 10 }));
        Assert.Throws<Fault>(() => SynthSlides.Write(_folder.Path, Small with { JpegQuality = 0 }));
    }

    private static double MeanGreen(SyntheticSlide slide, SynthClass tissue)
    {
        double sum = 0;
        long count = 0;
        for (int y = 0; y < slide.Layout.Size; y += 2)
            for (int x = 0; x < slide.Layout.Size; x += 2)
                if (slide.Layout.At(x, y).Class == tissue)
                {
                    sum += slide.Rgb[(((y * slide.Layout.Size) + x) * 3) + 1];
                    count++;
                }
        return count < 20_000 ? double.NaN : sum / count;
    }
}
