using System.Diagnostics;
using NetVips;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;

namespace SSLP.Bench.Loading;

/// <summary>
/// How many patches of the file's own tile size does one core read in a second: the embedded reader, OpenSlide's read_region, libvips' crop
/// and the bare decoder, on the same patches, on the tile grid and off it?
/// </summary>
public sealed class PatchRates : IDisposable
{
    private const int Rounds = 7;

    private readonly string path;
    private Slide embedded;
    private Slide? openSlide;
    private Image? vips;
    private readonly DecoderProbe decoder;
    private readonly (long X, long Y)[] onGrid;
    private readonly (long X, long Y)[] offGrid;
    private readonly int width;
    private readonly int height;
    private readonly byte[] patch;

    /// <param name="path">A slide with JPEG tiles.</param>
    /// <param name="patches">Most patches a round; they are taken row by row from the middle of level 0.</param>
    public PatchRates(string path, int patches = 400)
    {
        this.path = path;
        embedded = Slide.Open(path, SlideReader.Embedded);
        var level = embedded.Levels[0];
        (width, height) = (level.TileWidth, level.TileHeight);
        int columns = (int)(level.Width / width) - 1, rows = (int)(level.Height / height) - 1;
        int firstRow = Math.Max(0, (rows - (patches / columns)) / 2);
        var tiles = Enumerable.Range(0, columns * (rows - firstRow)).Take(patches).Select(i => (Column: i % columns, Row: firstRow + (i / columns))).ToArray();
        onGrid = [.. tiles.Select(tile => ((long)tile.Column * width, (long)tile.Row * height))];
        offGrid = [.. onGrid.Select(place => (place.X + (width / 2) + 3, place.Y + (height / 2) + 5))];
        decoder = DecoderProbe.Load(embedded, 0, tiles) ?? throw new ArgumentException($"{path} has no JPEG tiles.", nameof(path));
        patch = new byte[width * height * 3];
    }

    /// <summary>Patches a second and core, medians of seven rounds taken in turn.</summary>
    /// <param name="Name">What was measured.</param>
    /// <param name="PerSecond">Patches a second.</param>
    /// <param name="Spread">Largest less smallest round, as a share of the median.</param>
    public sealed record Rate(string Name, double PerSecond, double Spread);

    /// <summary>Measures all of them in one run.</summary>
    public IReadOnlyList<Rate> Measure()
    {
        Reopen();
        var jobs = new List<(string Name, Action Job)>
        {
            ($"bare decoder, {DecoderProbe.Decoder}", () => DecodeAll()),
            ("embedded, on the grid", () => ReadAll(embedded, onGrid)),
            ("embedded, off the grid", () => ReadAll(embedded, offGrid)),
            ("embedded, off the grid, shuffled", () => ReadAll(embedded, Shuffled(offGrid))),
            ("embedded, half the resolution", () => HalveAll(embedded, onGrid)),
        };
        if (vips is not null)
        {
            jobs.Add(("libvips, on the grid", () => CropAll(vips!, onGrid)));
            jobs.Add(("libvips, off the grid", () => CropAll(vips!, offGrid)));
        }
        if (openSlide is not null)
        {
            jobs.Add(("openslide, on the grid", () => ReadAll(openSlide!, onGrid)));
            jobs.Add(("openslide, off the grid", () => ReadAll(openSlide!, offGrid)));
            jobs.Add(("openslide, off the grid, shuffled", () => ReadAll(openSlide!, Shuffled(offGrid))));
        }
        double[][] seconds = [.. jobs.Select(_ => new double[Rounds])];
        foreach (var (_, job) in jobs)
            job();
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < jobs.Count; i++)
            {
                Reopen();
                long start = Stopwatch.GetTimestamp();
                jobs[i].Job();
                seconds[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        }
        return [.. jobs.Select((job, i) => ToRate(job.Name, seconds[i]))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        embedded.Dispose();
        openSlide?.Dispose();
        vips?.Dispose();
    }

    private Rate ToRate(string name, double[] seconds)
    {
        Array.Sort(seconds);
        double median = seconds[Rounds / 2];
        return new Rate(name, onGrid.Length / median, (seconds[^1] - seconds[0]) / median);
    }

    private void DecodeAll()
    {
        for (int tile = 0; tile < decoder.Count; tile++)
            decoder.Decode(tile, patch);
    }

    private void ReadAll(Slide slide, (long X, long Y)[] places)
    {
        foreach (var (x, y) in places)
            slide.ReadRegion(0, x, y, width, height, patch);
    }

    private void HalveAll(Slide slide, (long X, long Y)[] places)
    {
        foreach (var (x, y) in places)
            slide.ReadHalved(0, x / 2, y / 2, width / 2, height / 2, patch, width / 2 * 3);
    }

    private void CropAll(Image image, (long X, long Y)[] places)
    {
        foreach (var (x, y) in places)
        {
            using var crop = image.Crop((int)x, (int)y, width, height);
            crop.WriteToMemory<byte>();
        }
    }

    private static (long X, long Y)[] Shuffled((long X, long Y)[] places)
    {
        var copy = places.ToArray();
        new Random(1).Shuffle(copy);
        return copy;
    }

    /// <summary>Every job starts with slides just opened, or the tiles of the one before would be read from memory.</summary>
    private void Reopen()
    {
        embedded.Dispose();
        embedded = Slide.Open(path, SlideReader.Embedded);
        openSlide?.Dispose();
        openSlide = OpenSlideLibrary.IsAvailable ? Slide.Open(path, SlideReader.OpenSlide) : null;
        vips?.Dispose();
        vips = ModuleInitializer.VipsInitialized ? Image.Tiffload(path) : null;
    }
}
