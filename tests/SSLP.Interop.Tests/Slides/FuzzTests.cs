using System.Globalization;
using BitMiracle.LibTiff.Classic;
using SSLP.Data.Synth;
using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>
/// Good files with random damage: each is read or refused with a sentence, in bounded time and memory. SSLP_FUZZ_CASES sets how many
/// (10,000 unless told, some twenty seconds); a failure names the base and the seed.
/// </summary>
public sealed class FuzzTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    /// <summary>
    /// Three times what the largest tile and the largest associated image may take, decoded; and what a large file is itself.
    /// </summary>
    private const long MostBytes = 3L * 3 * ((16 << 20) + (32 << 20));

    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(5);

    private static readonly TiffFixture[] OwnFixtures =
    [
        new(100, 80, 32, Compression.NONE),
        new(100, 80, 32, Compression.LZW, Predictor: true),
        new(100, 80, 32, Compression.DEFLATE, Big: true),
        new(100, 80, 32, Compression.JPEG),
        new(100, 80, 32, Compression.JPEG, Photometric.YCBCR, Description: "Aperio Image Library\n100x80|AppMag = 20|MPP = 0.5"),
    ];

    private static int Cases =>
        int.TryParse(Environment.GetEnvironmentVariable("SSLP_FUZZ_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out int cases)
            ? cases : 10_000;

    [Fact]
    public async Task Damaged_fixtures_are_read_or_refused_with_a_sentence()
    {
        string[] bases = [.. OwnFixtures.Select(fixture => fixture.Write(folder.Path))];
        await Run(bases, Cases * 2 / 3);
    }

    [Fact]
    public async Task Damaged_real_files_are_read_or_refused_with_a_sentence() =>
        await Run(
            [
                TestData.Path("formats", "osp-boxes.tiff"),
                TestData.Path("formats", "osp-small.svs"),
                TestData.Path("slides", "CMU-1-Small-Region.svs"),
            ],
            Cases / 3);

    [Fact]
    public async Task Damaged_Philips_and_OME_files_are_read_or_refused_with_a_sentence()
    {
        string[] bases =
        [
            Philips(new(100, 80) { TileSide = 32, Label = PhilipsTests.Jpeg(30, 20) }),
            Philips(new(90, 130) { TileSide = 32, Big = true, IsAbsent = (level, column, row) => level == 0 && column == row }),
            Ome(big: false, jpeg: true),
            Ome(big: true, jpeg: false),
        ];
        await Run(bases, Cases);
    }

    private string Philips(PhilipsTiff file)
    {
        string path = Path.Combine(folder.Path, $"{Guid.NewGuid():N}.tiff");
        file.Write(path, TiffFixture.Region(0, 0, 0, file.Width, file.Height));
        return path;
    }

    /// <summary>Two series: the slide with two levels below it, and a label.</summary>
    private string Ome(bool big, bool jpeg)
    {
        var raw = new RawTiff(big);
        RawTiff.Image slide = raw.Add(raw.Picture(0, 100, 80, tile: 32, jpeg: jpeg).Text(270, PixelSizeTests.Ome("0.5", "µm", 100, 80)
            .Replace("</OME>",
                "<Image ID=\"Image:1\" Name=\"label\"><Pixels SizeX=\"40\" SizeY=\"30\" SizeC=\"3\" SizeZ=\"1\" SizeT=\"1\"><TiffData " +
                "IFD=\"1\"/></Pixels></Image></OME>", StringComparison.Ordinal)));
        slide.Subs.AddRange([raw.Picture(1, 50, 40, reduced: true, tile: 32, jpeg: jpeg),
            raw.Picture(2, 25, 20, reduced: true, tile: 32, jpeg: jpeg)]);
        raw.Add(raw.Picture(0, 40, 30, tile: 32, jpeg: jpeg));
        return raw.Write(folder.Path);
    }

    private async Task Run(string[] bases, int cases)
    {
        Mutator[] mutators = bases.Select(file => new Mutator(File.ReadAllBytes(file))).ToArray();
        string path = Path.Combine(folder.Path, $"{Guid.NewGuid():N}.svs");
        int opened = 0;
        for (int seed = 0; seed < cases; seed++)
        {
            int which = seed % bases.Length;
            await File.WriteAllBytesAsync(path, mutators[which].Damage(seed), TestContext.Current.CancellationToken);
            Task<(bool Opened, string? Fault)> attempt = Task.Run(() => Attempt(path), TestContext.Current.CancellationToken);
            if (await Task.WhenAny(attempt, Task.Delay(Hang, TestContext.Current.CancellationToken)) != attempt)
                Assert.Fail($"{bases[which]} with seed {seed} hangs.");
            (bool wasOpened, string? fault) = await attempt;
            Assert.True(fault is null, $"{bases[which]} with seed {seed}: {fault}");
            opened += wasOpened ? 1 : 0;
        }
        // Neither all refused nor all read: the damage is of the kind that is meant.
        Assert.InRange(opened, cases / 20, cases * 19 / 20);
        TestContext.Current.TestOutputHelper?.WriteLine($"{cases} cases, {opened} opened.");
    }

    private static (bool Opened, string? Fault) Attempt(string path)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool opened = false;
        string? fault = null;
        try
        {
            using var slide = Slide.Open(path, SlideReader.Embedded);
            opened = true;
            fault = Use(slide);
        }
        catch (SlideException refusal)
        {
            fault = FaultOf(refusal, path);
        }
        catch (Exception other)
        {
            fault = other.ToString();
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return (opened, fault ?? (allocated > MostBytes + (4 * new FileInfo(path).Length) ? $"{allocated} bytes allocated" : null));
    }

    private static string? Use(Slide slide)
    {
        string? fault = null;
        for (int level = 0; level < slide.Levels.Count; level++)
        {
            SlideLevel size = slide.Levels[level];
            fault ??= Read(slide, level, 0, 0) ?? Read(slide, level, 13, 17) ?? Read(slide, level, size.Width - 40, size.Height - 40);
        }
        foreach (string name in slide.AssociatedImages)
            fault ??= Try(slide.Path, () => slide.ReadAssociatedImage(name));
        foreach (SlideException refusal in slide.VerifyTiles(deep: false).FirstFaults)
            fault ??= FaultOf(refusal, slide.Path);
        return fault;
    }

    /// <summary>Reads at both scales; what lies behind the region in the buffer must stay.</summary>
    private static string? Read(Slide slide, int level, long x, long y)
    {
        const int Side = 64, Bytes = Side * Side * 3;
        byte[] rgb = new byte[Bytes + 4096];
        Array.Fill(rgb, (byte)0xA5);
        string? fault = Try(slide.Path, () => slide.ReadRegion(level, x, y, Side, Side, rgb.AsSpan(0, Bytes)))
            ?? Try(slide.Path, () => slide.ReadReduced(level, 2, x / 2, y / 2, Side, Side, rgb.AsSpan(0, Bytes), Side * 3));
        return fault ?? (rgb.AsSpan(Bytes).IndexOfAnyExcept((byte)0xA5) < 0 ? null : "wrote behind the region");
    }

    private static string? Try(string path, Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (SlideException refusal)
        {
            return FaultOf(refusal, path);
        }
    }

    private static string? FaultOf(SlideException refusal, string path) =>
        refusal.Message.StartsWith(path + ": ", StringComparison.Ordinal) && refusal.Message.EndsWith('.')
        && !refusal.Message.Contains('\n', StringComparison.Ordinal) && refusal.Reason.Length > 15
            ? null
            : $"not one sentence: {refusal.Message}";
}
