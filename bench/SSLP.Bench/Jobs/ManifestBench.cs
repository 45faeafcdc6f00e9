using System.Diagnostics;
using System.Runtime.InteropServices;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Kernels;

namespace SSLP.Bench.Jobs;

/// <summary>How long does a manifest of millions of patches take to open, and what does a run's start cost on top?</summary>
public static class ManifestBench
{
    /// <summary>
    /// Ours: open the file that is not in our memory yet, check its checksum, its indices and that no two patches share a place. Floor: one
    /// pass over its bytes where they are mapped. The measures are what a run from it does next.
    /// </summary>
    public static BenchReport Run(BenchOptions options)
    {
        options.RequireCpu("manifest");
        string path = Path.Combine(Path.GetTempPath(), $"sslp-bench-{Guid.NewGuid():N}.sslp");
        try
        {
            using (TileManifest made = Make(options.Rows, options.SlideCount))
                made.Save(path);
            return Measure(path, options);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static BenchReport Measure(string path, BenchOptions options)
    {
        var before = ProcessFootprint.Now();
        long start = Stopwatch.GetTimestamp();
        using var manifest = TileManifest.Open(path);
        double first = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        var after = ProcessFootprint.Now();
        var measures = new Dictionary<string, double>
        {
            ["first_open_ms"] = first,
            ["file_bytes"] = new FileInfo(path).Length,
            ["resident_growth_bytes"] = after.ResidentBytes - before.ResidentBytes,
            ["heap_growth_bytes"] = after.HeapBytes - before.HeapBytes,
        };

        PatchTable table = manifest.Table;
        PatchOrder order = Timed("order_ms", () => new PatchOrder(table, new OrderOptions(RunLength: 16), seed: 1, batchSize: 128));
        Timed("first_epoch_ms", () => order.Epoch(0));
        Timed("first_balanced_epoch_ms",
            () => new PatchOrder(table, new OrderOptions(RunLength: 16, BalanceSlides: true), seed: 1, batchSize: 128).Epoch(0));
        Timed("spatial_index_ms", () => new SpatialNeighbours(table.SlideOf.ToArray(), table.Col.ToArray(), table.Row.ToArray()));
        Timed("inputs_fingerprint_ms", () => InputFingerprint.Of(new TableOnly(table, manifest.PatchSize)));
        Timed("replacing_reader_ms", () => new ReplacingReader(new TableOnly(table, manifest.PatchSize), seed: 1));

        var ways = new BenchRounds(options);
        ways.Add("ours", () => TileManifest.Open(path).Dispose());
        ways.Add("floor", () => Sum(table));
        double[] medians = ways.Medians();
        return new BenchReport(
            "manifest", ThisProcess.Machine(1), ThisProcess.Commit(),
            new Dictionary<string, long> { ["patches"] = table.Count, ["slides"] = manifest.Slides.Count },
            medians[0], medians[1], medians[1] / medians[0], (long)measures["resident_growth_bytes"], [],
            ["the file is in the page cache; its mapped pages count as resident and can be dropped by the system at any time"], measures);

        T Timed<T>(string name, Func<T> job)
        {
            long begun = Stopwatch.GetTimestamp();
            T result = job();
            measures[name] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            return result;
        }
    }

    /// <summary>Slides of equal numbers of patches, in square grids with every fifth place empty.</summary>
    private static TileManifest Make(int patches, int slides)
    {
        int perSlide = (patches + slides - 1) / slides, side = (int)Math.Ceiling(Math.Sqrt(perSlide * 1.25));
        int[] slideOf = new int[patches], col = new int[patches], row = new int[patches];
        for (int i = 0; i < patches; i++)
        {
            int place = i % perSlide * 5 / 4;
            (slideOf[i], col[i], row[i]) = (i / perSlide, place % side, place / side);
        }
        int used = slideOf[^1] + 1;
        ManifestSlide[] list = [.. Enumerable.Range(0, used).Select(i => new ManifestSlide(
            $"centre-{i % 5}/patient-{i:D5}.svs", $"/data/centre-{i % 5}/patient-{i:D5}.svs", 1L << 30, side * 512L, side * 512L, 0.25,
            0.25, "aperio.MPP", Math.Min(perSlide, patches - (i * perSlide))))];
        return new(new ManifestHeader(256, 0.5, 0.1, false, list, []),
            new PatchTable([.. list.Select(slide => slide.Name)], slideOf, col, row), null);
    }

    private static long Sum(PatchTable table)
    {
        long sum = 0;
        foreach (long value in MemoryMarshal.Cast<int, long>(table.SlideOf))
            sum += value;
        foreach (long value in MemoryMarshal.Cast<int, long>(table.Col))
            sum += value;
        foreach (long value in MemoryMarshal.Cast<int, long>(table.Row))
            sum += value;
        return sum;
    }

    private sealed class TableOnly(PatchTable table, int patchSize) : IPatchSource
    {
        public PatchTable Table => table;

        public int PatchSize => patchSize;

        public double? Mpp => null;

        public string Describe => "a table";

        public void Read(int patch, Span<byte> rgb) => throw new NotSupportedException("It has no pixels.");

        public void Dispose()
        {
        }
    }
}
