using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;

namespace SSLP.Cli.Verbs;

/// <summary>A few real training steps on patches of noise, in a folder of their own that is removed: the whole path once.</summary>
internal static class SmokeRun
{
    private const int Steps = 6;

    /// <returns>The last step's metrics.</returns>
    public static StepMetrics Execute(EngineContext context)
    {
        string folder = Directory.CreateTempSubdirectory("sslp-doctor-").FullName;
        try
        {
            var options = new TrainingOptions { BatchSize = 16, InputSize = 32, MaxSteps = Steps, Width = 32 };
            using var source = new NoisePatches();
            using var job = new PretrainJob(options, new RunFolder(folder), source, "sslp doctor", resume: false, context: context);
            return job.Run(null, Shell.Stop).Last!;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>64 patches of 32 px noise on an 8 × 8 grid.</summary>
    private sealed class NoisePatches : IPatchSource
    {
        private const int Side = 8;

        public PatchTable Table { get; } = new(
            ["noise"], new int[Side * Side],
            Enumerable.Range(0, Side * Side).Select(i => i % Side).ToArray(), Enumerable.Range(0, Side * Side).Select(i => i / Side)
                .ToArray());

        public int PatchSize => 32;

        public double? Mpp => null;

        public string Describe => "noise";

        public void Read(int patch, Span<byte> rgb) => new Random(patch).NextBytes(rgb);

        public void Dispose()
        {
        }
    }
}
