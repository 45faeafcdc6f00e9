using SSLP.Data.Files;
using SSLP.Engine.Torch;
using SSLP.Interop.Slides;

namespace SSLP.Bench.Jobs;

/// <summary>
/// How many patches a second do slides of any format that the embedded reader opens give to a training run, beside OpenSlide's read_region,
/// libvips' crop and the bare decoder, on the same patches and threads?
/// </summary>
public static class LoadingBench
{
    /// <summary>Ours is the whole way through the ring. Floor: the bare decoder on the same tiles, whole and in memory.</summary>
    /// <exception cref="Fault">No slide was named, or none with square tiles that the embedded reader opens.</exception>
    public static BenchReport Run(BenchOptions options)
    {
        options.RequireCpu("loading");
        string path = options.Slides ?? throw new Fault(FaultKind.Usage, "bench loading needs --slides DIR or FILE.");
        var notes = new List<string>();
        var scene = LoadingScene.Choose(options, path, notes);
        int threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;

        // Before the other readers are loaded, whose memory would be taken for ours.
        Dictionary<string, double> measures = LoadingRing.Measure(scene, threads);
        using var ring = new LoadingRing(scene, threads);
        using var readers = new LoadingReaders(scene, threads);
        var ways = new BenchRounds(options);
        ways.AddTimed("ours", ring.Time);
        readers.AddTo(ways, notes);
        ways.AddTimed("decoder, with the tiles from the file (read_region of the embedded reader, no ring)",
            () => readers.ReadRegions(SlideReader.Embedded));
        double[] medians = ways.Medians();

        double patchesPerSecond = scene.Places.Length / medians[0] * 1e3;
        measures["patches_per_second"] = patchesPerSecond;
        measures["patches_per_second_and_thread"] = patchesPerSecond / threads;
        string grid = options.OffGrid ? "across four tiles each" : "on the tile grid";
        notes.Insert(
            0, $"{scene.Places.Length} patches of {scene.Side} px {grid}{(scene.Half ? " at half the resolution" : string.Empty)} of " +
            $"{scene.Slides.Length} slides in {scene.Compression} "
            + $"({string.Join(", ", scene.Slides.Take(3).Select(Path.GetFileName))}{(scene.Slides.Length > 3 ? ", …" : string.Empty)}), "
            + "files in the page cache");
        return new BenchReport(
            "loading", ThisProcess.Machine(threads), ThisProcess.Commit(),
            new Dictionary<string, long>
            {
                ["patches"] = scene.Places.Length,
                ["side"] = scene.Side,
                ["slides"] = scene.Slides.Length,
                ["off_grid"] = options.OffGrid ? 1 : 0,
                ["half"] = scene.Half ? 1 : 0,
            },
            medians[0], medians[1], medians[1] / medians[0], (long)measures["resident_growth_bytes"], ways.Baselines(medians), notes,
            measures);
    }
}
