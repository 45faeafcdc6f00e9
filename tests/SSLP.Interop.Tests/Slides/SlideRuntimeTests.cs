using System.Reflection;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.Jpeg;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>What slides share is one object of the caller's; nothing is shared behind its back.</summary>
public sealed class SlideRuntimeTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private static readonly TiffFixture Fixture = new(333, 217, 64, BitMiracle.LibTiff.Classic.Compression.JPEG,
        BitMiracle.LibTiff.Classic.Photometric.YCBCR);

    [Fact]
    public void Two_runtimes_do_not_disturb_each_other()
    {
        string path = Fixture.Write(folder.Path);
        using var with = new SlideRuntime(new() { Jpeg = JpegChoice.Skia });
        using var without = new SlideRuntime(new() { TileCacheBytes = 0 });
        using var first = Slide.Open(path, SlideReader.Embedded, with);
        using var second = Slide.Open(path, SlideReader.Embedded, without);
        byte[][] expected = [.. Enumerable.Range(0, 8).Select(i => Read(first, i))];
        Assert.True(with.Tiles.UsedBytes > 0);
        Assert.Equal(0, without.Tiles.UsedBytes);
        // In turns, from many threads, each from its own.
        Parallel.For(0, 400, i => Assert.True(expected[i % 8].AsSpan().SequenceEqual(Read(i % 2 == 0 ? first : second, i % 8))));
        Assert.Equal(0, without.Tiles.UsedBytes);
        Assert.Equal("libjpeg-turbo (SkiaSharp)", with.JpegDecoderName);
        without.Dispose();
        Assert.Equal(expected[3], Read(first, 3));
    }

    [Fact]
    public void A_slide_opened_alone_has_a_runtime_of_its_own()
    {
        string path = Fixture.Write(folder.Path);
        using var first = Slide.Open(path);
        using (var second = Slide.Open(path))
            Read(second, 1);
        Assert.Equal(216 * 3, Read(first, 1).Length / 72);
    }

    [Fact]
    public void A_store_closes_the_runtime_that_it_made_and_no_other()
    {
        string path = Fixture.Write(folder.Path);
        using var runtime = new SlideRuntime();
        byte[] rgb = new byte[30];
        using (var store = new SlideStore([path], reader: SlideReader.Embedded, runtime: runtime))
            store.ReadRegion(0, 0, 1, 1, 10, 1, rgb, 30);
        using (var store = new SlideStore([path], reader: SlideReader.Embedded))
            store.ReadRegion(0, 0, 1, 1, 10, 1, rgb, 30);
        using var slide = Slide.Open(path, SlideReader.Embedded, runtime);
        Assert.NotEmpty(Read(slide, 0));
    }

    [Fact]
    public void A_decoder_that_is_not_there_is_refused_with_a_sentence()
    {
        foreach (JpegChoice choice in Enum.GetValues<JpegChoice>())
        {
            bool there = choice switch
            {
                JpegChoice.TurboJpeg => NativeLibraries.IsPresent(NativeLibraries.TurboJpeg),
                JpegChoice.Own => VectorJpegDecoder.IsSupported,
                _ => true,
            };
            if (there)
                new SlideRuntime(new() { Jpeg = choice }).Dispose();
            else
                Assert.EndsWith(".", Assert.Throws<ArgumentException>(() => new SlideRuntime(new() { Jpeg = choice })).Message,
                    StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => new SlideRuntime(new() { TileCacheBytes = -1 }));
    }

    [Fact]
    public void The_library_has_no_static_field_that_can_change()
    {
        // What the compiler makes (caches of lambdas) and the machine's own libraries, found once, are no state.
        IEnumerable<FieldInfo> fields = typeof(Slide).Assembly.GetTypes()
            .Where(type => !type.Name.Contains('<', StringComparison.Ordinal))
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic
                | BindingFlags.DeclaredOnly))
            .Where(field => !field.IsLiteral && !field.IsInitOnly && !field.Name.Contains('<', StringComparison.Ordinal));
        Assert.Empty(fields);
    }

    [Fact]
    public void The_library_reads_no_environment_variable()
    {
        string source = Path.Combine(RepositoryRoot(), "interop", "SSLP.Interop.Slides");
        Assert.DoesNotContain(
            Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
                .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)),
            file => File.ReadAllText(file).Contains("GetEnvironmentVariable", StringComparison.Ordinal));
    }

    public static TheoryData<JpegChoice, string> EachDecoderEachCraftedJpeg
    {
        get
        {
            var rows = new TheoryData<JpegChoice, string>();
            foreach (JpegChoice choice in Enum.GetValues<JpegChoice>())
            {
                foreach (string file in (string[])["tiff-jpeg-extraneous-bytes.tif", "tiff-jpeg-edge-tiles-cut.tif",
                    "tiff-xresolution-float.tif", "aperio-mpp-decimal-comma.svs"])
                    rows.Add(choice, file);
            }
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(EachDecoderEachCraftedJpeg))]
    public void Every_tile_of_the_crafted_slides_is_read_with_each_decoder(JpegChoice choice, string file)
    {
        string path = TestData.Path("reported", "crafted", file);
        Assert.SkipWhen(choice == JpegChoice.TurboJpeg && !NativeLibraries.IsPresent(NativeLibraries.TurboJpeg),
            "libjpeg-turbo is not installed (apt install libturbojpeg0).");
        Assert.SkipWhen(choice == JpegChoice.Own && !VectorJpegDecoder.IsSupported, "This processor has no AVX2.");
        using var runtime = new SlideRuntime(new() { Jpeg = choice });
        using var slide = Slide.Open(path, SlideReader.Embedded, runtime);
        using var usual = Slide.Open(path, SlideReader.Embedded);
        foreach (bool deep in (bool[])[false, true])
            Assert.Equal(0, slide.VerifyTiles(deep, TestContext.Current.CancellationToken).Unreadable);
        for (int level = 0; level < slide.Levels.Count; level++)
        {
            int width = (int)slide.Levels[level].Width, height = (int)slide.Levels[level].Height;
            byte[] first = new byte[width * height * 3], second = new byte[first.Length];
            slide.ReadRegion(level, 0, 0, width, height, first);
            usual.ReadRegion(level, 0, 0, width, height, second);
            Assert.True(first.AsSpan().SequenceEqual(second), $"Level {level}.");
            slide.ReadReduced(level, 2, 0, 0, width / 2, height / 2, first, width / 2 * 3);
        }
    }

    private static byte[] Read(Slide slide, int place)
    {
        byte[] rgb = new byte[216 * 72 * 3];
        slide.ReadRegion(0, 11 * place, 9 * place, 216, 72, rgb);
        return rgb;
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "SSLP.Engine.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }
}
