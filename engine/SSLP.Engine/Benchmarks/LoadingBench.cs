using NetVips;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;

namespace SSLP.Engine.Benchmarks;

/// <summary>How much faster than OpenSlide's read_region, and libvips' crop, are patches of a slide's own tile size read by one core?</summary>
public static class LoadingBench
{
    private const int MostPatches = 400;

    /// <summary>Floor: the bare JPEG decoder on the same tiles, whole and in memory.</summary>
    /// <exception cref="UserException">No slide was named, or one without JPEG tiles that the embedded reader opens.</exception>
    public static BenchReport Run(BenchOptions options)
    {
        string slidePath = options.Slide ?? throw new UserException("bench loading needs --slides FILE, a slide with JPEG tiles.", UserException.Usage);
        bool offGrid = options.OffGrid;
        using var files = new OpenSlides(slidePath);
        SlideLevel level = files.Embedded.Levels[0];
        (int width, int height) = (level.TileWidth, level.TileHeight);
        (int Column, int Row)[] tiles = Tiles(level);
        (long X, long Y)[] places = [.. tiles.Select(t => (
            ((long)t.Column * width) + (offGrid ? (width / 2) + 3 : 0), ((long)t.Row * height) + (offGrid ? (height / 2) + 5 : 0)))];
        DecoderProbe decoder = DecoderProbe.Load(files.Embedded, 0, tiles)
            ?? throw new UserException($"'{slidePath}' has no JPEG tiles that the embedded reader takes; the loading bench needs some.");
        var patch = new byte[width * height * 3];

        void Read(Slide slide)
        {
            foreach ((long x, long y) in places)
                slide.ReadRegion(0, x, y, width, height, patch);
        }
        var ways = new BenchRounds();
        ways.AddTimed("ours", files.Fresh(() => Read(files.Embedded)));
        ways.Add($"decoder, bare {DecoderProbe.Decoder}", () =>
        {
            for (int tile = 0; tile < decoder.Count; tile++)
                decoder.Decode(tile, patch);
        });
        var notes = new List<string> { $"one core; {places.Length} patches of {width}×{height} px {(offGrid ? "off" : "on")} the tile grid of {Path.GetFileName(slidePath)}" };
        if (files.OpenSlide is not null)
            ways.AddTimed($"openslide {OpenSlideLibrary.Version} read_region", files.Fresh(() => Read(files.OpenSlide)));
        else
            notes.Add("openslide is not installed");
        if (files.Vips is not null)
            ways.AddTimed("libvips crop", files.Fresh(() => Crop(files.Vips, places, width, height)));
        else
            notes.Add("libvips is not installed");

        double[] medians = ways.Medians(options.Rounds);
        notes.Add($"ours: {places.Length / medians[0] * 1e3:F0} patches/s");
        return new BenchReport(
            "loading", BenchReport.ThisMachine(1), BenchReport.ThisCommit(),
            new Dictionary<string, long> { ["patches"] = places.Length, ["width"] = width, ["height"] = height, ["off_grid"] = offGrid ? 1 : 0 },
            medians[0], medians[1], medians[1] / medians[0], files.PeakGrowth(), ways.Baselines(medians), notes);
    }

    /// <summary>Tiles row by row from the middle of a level, whole ones that have whole neighbours.</summary>
    private static (int Column, int Row)[] Tiles(SlideLevel level)
    {
        int columns = (int)(level.Width / level.TileWidth) - 1, rows = (int)(level.Height / level.TileHeight) - 1;
        if (columns < 1 || rows < 1)
            throw new UserException($"The slide's finest level has fewer than 2 × 2 whole tiles of {level.TileWidth}×{level.TileHeight} px: too few to time.");
        int first = Math.Max(0, (rows - (MostPatches / columns)) / 2);
        return [.. Enumerable.Range(0, columns * (rows - first)).Take(MostPatches).Select(i => (i % columns, first + (i / columns)))];
    }

    private static void Crop(Image image, (long X, long Y)[] places, int width, int height)
    {
        foreach ((long x, long y) in places)
        {
            using Image crop = image.Crop((int)x, (int)y, width, height);
            crop.WriteToMemory<byte>();
        }
    }

    /// <summary>The slide in every reader; each timed round begins with files just opened, or it would read the round before from memory.</summary>
    private sealed class OpenSlides : IDisposable
    {
        private readonly string _path;
        private readonly long _residentBefore = Environment.WorkingSet;

        public OpenSlides(string path)
        {
            _path = path;
            Embedded = Slide.Open(path, SlideReader.Embedded);
            Reopen();
        }

        public Slide Embedded { get; private set; }

        public Slide? OpenSlide { get; private set; }

        public Image? Vips { get; private set; }

        public Func<double> Fresh(Action run) => () =>
        {
            Reopen();
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            run();
            return System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        };

        public long PeakGrowth() => Math.Max(0, System.Diagnostics.Process.GetCurrentProcess().PeakWorkingSet64 - _residentBefore);

        public void Dispose()
        {
            Embedded.Dispose();
            OpenSlide?.Dispose();
            Vips?.Dispose();
        }

        private void Reopen()
        {
            Dispose();
            Embedded = Slide.Open(_path, SlideReader.Embedded);
            OpenSlide = OpenSlideLibrary.IsAvailable ? Slide.Open(_path, SlideReader.OpenSlide) : null;
            Vips = ModuleInitializer.VipsInitialized ? Image.Tiffload(_path) : null;
        }
    }
}
