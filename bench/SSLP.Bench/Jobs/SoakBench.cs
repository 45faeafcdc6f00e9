using System.Diagnostics;
using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Engine.Torch;
using SSLP.Interop.Slides;

namespace SSLP.Bench.Jobs;

/// <summary>Do resident memory and open files stay flat over many batches of many slides?</summary>
public static class SoakBench
{
    /// <summary>Looks at the process over the run; the second quarter is compared with the last.</summary>
    private const int Looks = 20;
    private const int PatchSize = 256, BatchSize = 32, Slots = 4;

    /// <summary>
    /// Reads batches in training's windowed order through training's reader and ring. Where the folder holds fewer slides than asked for
    /// they are listed again under other names: each listing is opened, kept and closed as a slide of its own. No floor, and nothing beside
    /// it.
    /// </summary>
    /// <exception cref="Fault">No folder was named, or no slide in it opens.</exception>
    public static BenchReport Run(BenchOptions options)
    {
        options.RequireCpu("soak");
        string path = options.Slides ?? throw new Fault(FaultKind.Usage, "bench soak needs --slides DIR or FILE.");
        var notes = new List<string>();
        using TileManifest manifest = Manifest(path, options.SlideCount, notes);
        using var patches = SlidePatches.FromManifest(manifest);
        var order = new PatchOrder(manifest.Table, new OrderOptions(RunLength: 16), seed: 1, BatchSize);
        int threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        var reader = new ReplacingReader(patches, seed: 1);
        using var ring = new BatchRing(reader, PatchSize, BatchSize, Slots, threads,
            new AlignedBatchMemory(BatchRing.BytesFor(PatchSize, BatchSize, Slots)));

        var series = new List<IReadOnlyDictionary<string, double>>();
        double[] times = new double[options.Batches];
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        int step = Math.Max(1, options.Batches / Looks), seen = 0, last = 0;
        for (int epoch = 0; seen < options.Batches; epoch++)
        {
            int batches = Math.Min(order.BatchesPerEpoch, options.Batches - seen);
            ring.Start(order.Epoch(epoch), 0, batches, seen);
            for (int batch = 0; batch < batches; batch++)
            {
                long start = Stopwatch.GetTimestamp();
                ring.Next(CancellationToken.None);
                ring.Release();
                times[seen++] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (seen % step != 0)
                    continue;
                var now = ProcessFootprint.Now();
                long total = GC.GetTotalAllocatedBytes(precise: true);
                series.Add(new Dictionary<string, double>
                {
                    ["batch"] = seen,
                    ["resident_bytes"] = now.ResidentBytes,
                    ["handles"] = now.Handles,
                    ["open_slides"] = patches.OpenSlides,
                    // What is reachable: garbage between two collections goes up and down by more than a leak would.
                    ["heap_bytes"] = GC.GetTotalMemory(forceFullCollection: true),
                    ["allocated_bytes_per_batch"] = (double)(total - allocated) / (seen - last),
                });
                (allocated, last) = (total, seen);
            }
        }
        Array.Sort(times);
        notes.Add($"{reader.Replaced} patches did not read and were replaced");
        double median = times[times.Length / 2];
        return new BenchReport(
            "soak", ThisProcess.Machine(threads), ThisProcess.Commit(),
            new Dictionary<string, long>
            {
                ["slides"] = manifest.Slides.Count,
                ["batches"] = options.Batches,
                ["batch_size"] = BatchSize,
                ["patches"] = manifest.Table.Count
            },
            median, median, 1, ProcessFootprint.PeakResidentBytes(), [], notes,
            new Dictionary<string, double>
            {
                ["resident_growth_bytes"] = Growth(series, "resident_bytes"),
                ["handle_growth"] = Growth(series, "handles"),
                ["replaced_patches"] = reader.Replaced,
            },
            series);
    }

    /// <summary>The largest value of the last quarter less the largest of the second: what grows is seen, what only fluctuates is
    /// not.</summary>
    private static double Growth(List<IReadOnlyDictionary<string, double>> series, string name)
    {
        int quarter = series.Count / 4;
        return quarter == 0 ? 0 : series.TakeLast(quarter).Max(row => row[name]) - series.Skip(quarter).Take(quarter).Max(row => row[name]);
    }

    /// <summary>Every place of every slide's grid at the slide's own pixel size, tissue or not.</summary>
    internal static TileManifest Manifest(string path, int count, List<string> notes)
    {
        var found = new List<ManifestSlide>();
        foreach (SlideFile file in SlideListing.List(path))
        {
            try
            {
                using var slide = Slide.Open(file.Path);
                SlideLevel level = slide.Levels[0];
                int patches = (int)(level.Width / PatchSize) * (int)(level.Height / PatchSize);
                if (patches > 0)
                    found.Add(new(file.Name, file.Path, new FileInfo(file.Path).Length, level.Width, level.Height, 0.5, 0.5,
                        "assumed", patches));
            }
            catch (SlideException fault)
            {
                notes.Add($"left out: {file.Name} ({fault.Reason})");
            }
        }
        if (found.Count == 0)
            throw new Fault(FaultKind.Input, $"No slide of '{path}' opens: {string.Join("; ", notes.Take(3))}.");
        ManifestSlide[] slides = [.. Enumerable.Range(0, Math.Max(count, found.Count))
            .Select(i => found[i % found.Count] with { Name = $"{i / found.Count}/{found[i % found.Count].Name}" })];
        notes.Insert(0, $"{found.Count} files listed {slides.Length} times");
        return new(new ManifestHeader(PatchSize, 0.5, 0, false, slides, []), Grid(slides), null);
    }

    private static PatchTable Grid(ManifestSlide[] slides)
    {
        int patches = slides.Sum(slide => slide.Patches), next = 0;
        int[] slideOf = new int[patches], col = new int[patches], row = new int[patches];
        for (int slide = 0; slide < slides.Length; slide++)
        {
            int columns = (int)(slides[slide].Width / PatchSize);
            for (int i = 0; i < slides[slide].Patches; i++, next++)
                (slideOf[next], col[next], row[next]) = (slide, i % columns, i / columns);
        }
        return new([.. slides.Select(slide => slide.Name)], slideOf, col, row);
    }
}
