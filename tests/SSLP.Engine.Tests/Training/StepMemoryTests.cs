using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Training;

/// <summary>What a long run allocates, step for step, on the thread that trains.</summary>
public sealed class StepMemoryTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-step-memory-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Steps_and_checkpoints_allocate_as_much_at_the_end_as_at_the_beginning_and_little()
    {
        var options = new TrainingOptions
        {
            Epochs = 20,
            MaxSteps = 24,
            BatchSize = 8,
            InputSize = 16,
            Width = 16,
            Threads = 1,
            Clusters = 2,
            CheckpointEvery = 4,
            WatchEvery = 0,
            KeepCheckpoints = 1,
        };
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        using var job = new PretrainJob(options, new RunFolder(_root), source, "test", resume: false);
        var meter = new Meter();
        job.Run(meter, CancellationToken.None);
        Assert.Equal(24, meter.Bytes.Count);
        // From the second checkpoint on, every fourth step has one before it: 90 MB of weights and momentum are copied for it.
        for (int i = 8; i < meter.Bytes.Count; i++)
            Assert.InRange(meter.Bytes[i], 1, i % 4 == 0 ? 1_200_000 : 250_000);
    }

    /// <summary>Bytes from a step's line to the next one's.</summary>
    private sealed class Meter : IProgress<StepMetrics>
    {
        private long _last;

        public List<long> Bytes { get; } = [];

        public void Report(StepMetrics value)
        {
            long now = GC.GetAllocatedBytesForCurrentThread();
            Bytes.Add(now - _last);
            _last = now;
        }
    }
}
