using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-trainer-").FullName;

    private static readonly TrainingOptions Small = new()
    {
        Epochs = 3,
        BatchSize = 8,
        InputSize = 16,
        Width = 16,
        Threads = 1,
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    [InlineData(MethodKind.SimClr)]
    [InlineData(MethodKind.Supervised)]
    public void Resuming_in_the_middle_of_an_epoch_changes_nothing(MethodKind method)
    {
        TrainingOptions options = Small with { Method = method };
        IReadOnlyList<StepMetrics> whole = Train("whole", options);
        var stop = new CancellationTokenSource();
        Train("parts", options, new StopAfter(5, stop));
        Assert.Equal(5, MetricsLog.Read(Folder("parts").Metrics).Count);
        IReadOnlyList<StepMetrics> parts = Train("parts", options, resume: true);
        Assert.Equal(12, whole.Count);
        Assert.Equal(whole.Select(m => (m.Step, m.Loss, m.Self, m.Intra, m.Inter)),
            parts.Select(m => (m.Step, m.Loss, m.Self, m.Intra, m.Inter)));
        using SafetensorsFile a = SafetensorsFile.Open(Folder("whole").Encoder), b = SafetensorsFile.Open(Folder("parts").Encoder);
        Assert.Equal(a.Metadata[SafetensorsFile.ChecksumKey], b.Metadata[SafetensorsFile.ChecksumKey]);
    }

    [Fact]
    public void Spatial_and_feature_sets_fill_after_the_first_clustering()
    {
        IReadOnlyList<StepMetrics> steps = Train("sets", Small with { Clusters = 2, ClusterRuns = 2 });
        Assert.All(steps, m => Assert.True(m.SpatialSize > 2));
        Assert.All(steps.Take(4), m => Assert.Equal((0, 0), (m.FeatureSize, m.Inter)));
        Assert.All(steps.Skip(4), m => Assert.True(m.FeatureSize > 0 && m.Inter > 0));
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 16)]
    public void The_order_is_chosen_by_what_reading_costs_and_not_by_what_wraps_the_patches(bool cheap, int expected)
    {
        using var source = new TestPatches(slides: 4, side: 8, patchSize: 16) { IsCheapAtRandom = cheap };
        var half = new PatchSubset(source, [.. Enumerable.Range(0, 128)], "half");
        string Order(IPatchSource patches, int runLength)
        {
            using var job = new PretrainJob(Small with { RunLength = runLength }, Folder($"order{runLength}"), patches, "test",
                resume: false);
            return job.Trainer.Order;
        }
        Assert.Equal(Order(source, expected), Order(source, 0));
        Assert.Equal(Order(half, expected), Order(half, 0));
        Assert.NotEqual(Order(half, 17 - expected), Order(half, 0));
    }

    [Fact]
    public void An_encoder_remembers_what_it_and_what_it_began_with_have_seen()
    {
        Train("first", Small with { MaxSteps = 1 });
        EncoderDescription first = EncoderFile.Describe(Folder("first").Encoder);
        Assert.Equal((2, 0, 0), (first.TrainedOn!.Slides, first.TrainedOn.Patients, first.TrainedOn.Patches));
        using var others = new TestPatches(slides: 5, side: 4, patchSize: 16);
        PatchTable named = others.Table.Select([.. Enumerable.Range(16, 64)]).WithPatients(["a", "a", "b", "b", "c"]);
        using (var job = new PretrainJob(Small with { MaxSteps = 1, Init = Folder("first").Encoder }, Folder("second"),
            new RegroupedPatches(new PatchSubset(others, [.. Enumerable.Range(16, 64)], "all but one"), named, "patients"), "test",
            resume: false))
            job.Run(null, CancellationToken.None);
        TrainedOn seen = EncoderFile.Describe(Folder("second").Encoder).TrainedOn!;
        Assert.Equal((5, 3), (seen.Slides, seen.Patients)); // slide0 is the first run's alone
        Assert.Equal((1, 1, "slides"), seen.Among(others.Table, [0]));
    }

    [Fact]
    public void Refuses_to_resume_with_other_options_and_says_which()
    {
        Train("other", Small with { MaxSteps = 2 });
        Fault fault = Assert.Throws<Fault>(() => Train("other", Small with { MaxSteps = 2, Temperature = 0.2 }, resume: true));
        Assert.Contains("temperature: 0.07 → 0.2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_to_resume_on_other_patches()
    {
        Train("patches", Small with { MaxSteps = 2 });
        using var others = new TestPatches(slides: 1, side: 6, patchSize: 16);
        Fault fault = Assert.Throws<Fault>(
            () => new PretrainJob(Small with { MaxSteps = 2 }, Folder("patches"), others, "test", resume: true));
        Assert.Contains("the patches are others", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_to_write_over_a_run()
    {
        Train("twice", Small with { MaxSteps = 1 });
        Fault fault = Assert.Throws<Fault>(() => Train("twice", Small with { MaxSteps = 1 }));
        Assert.Contains("--resume", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keeps_the_newest_checkpoints_and_refuses_a_damaged_one_by_name()
    {
        Train("damaged", Small with { CheckpointEvery = 10, KeepCheckpoints = 2 });
        string[] checkpoints = new Checkpoint(Folder("damaged"), 2).All();
        Assert.Equal(["step-000000010.safetensors", "step-000000012.safetensors"], checkpoints.Select(Path.GetFileName));
        using (FileStream file = File.OpenWrite(checkpoints[1]))
        {
            file.Seek(-9, SeekOrigin.End);
            file.WriteByte(0x5a);
        }
        Fault fault = Assert.Throws<Fault>(() => Train("damaged", Small with { CheckpointEvery = 10 }, resume: true));
        Assert.Contains("step-000000012", fault.Message, StringComparison.Ordinal);
        Assert.Contains("step-000000010", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_leaves_the_checkpoint_before_intact()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs /dev/full");
        Train("full", Small with { MaxSteps = 2 });
        RunFolder folder = Folder("full");
        string before = Assert.Single(new Checkpoint(folder, 2).All());
        byte[] bytes = File.ReadAllBytes(before);
        // Writing to the temporary name ends on the full device; its name holds the process id.
        File.CreateSymbolicLink(Path.Combine(folder.Checkpoints, $"step-000000003.safetensors.{Environment.ProcessId}.partial"),
            "/dev/full");
        Fault fault = Assert.Throws<Fault>(() =>
            new Checkpoint(folder, 2)
                .Save(new CheckpointState(3, "x", []), [SafetensorsItem.From<float>("x", new float[100_000], 100_000)]));
        Assert.Contains("is intact", fault.Message, StringComparison.Ordinal);
        Assert.Contains("No space left", fault.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(before));
        new Checkpoint(folder, 2).OpenNewest()!.Value.File.Dispose();
    }

    [Fact]
    public void A_bad_patch_is_replaced_counted_and_named()
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16, bad: [3]);
        using (var job = new PretrainJob(Small, Folder("bad"), source, "test", resume: false))
        {
            Assert.True(job.Run(null, CancellationToken.None).Finished);
            SlideFaults faults = Assert.Single(job.Trainer.Faults);
            Assert.Equal(("slide0", 1), (faults.Slide, faults.Failed));
        }
        Assert.Contains("slide0", Assert.Single(File.ReadAllLines(Folder("bad").SlideFaults)), StringComparison.Ordinal);
        Assert.True(MetricsLog.Read(Folder("bad").Metrics)[^1].ReplacedPatches > 0);
    }

    [Fact]
    public void Run_json_holds_every_option_and_what_it_came_to()
    {
        Train("record", Small with { MaxSteps = 1 });
        var record = RunRecord.Load(Folder("record").RunJson);
        Assert.Equal(OptionTable.All.Select(o => o.Key), record.Options.Keys);
        Assert.Equal(("1", 32, "16"), (record.Resolved["steps"], record.Patches, record.Options["input_size"]));
        Assert.Contains("32 rows of 16", record.Resolved["method"], StringComparison.Ordinal);
    }

    [Fact]
    public void The_encoder_carries_its_preprocessing()
    {
        Train("encoder", Small with { MaxSteps = 1 });
        EncoderDescription described = EncoderFile.Describe(Folder("encoder").Encoder);
        Assert.Equal(("resnet18", 512, "sslp"), (described.Arch, described.Width, described.Method));
        Assert.Equal((0.5, 16, 16, "RGB"),
            (described.Preprocessing.Mpp, described.Preprocessing.PatchSize, described.Preprocessing.InputSize,
                described.Preprocessing.ColourOrder));
    }

    private IReadOnlyList<StepMetrics> Train(string name, TrainingOptions options, IProgress<StepMetrics>? progress = null,
        bool resume = false)
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16, labelled: options.Method == MethodKind.Supervised);
        using var job = new PretrainJob(options, Folder(name), source, "test", resume);
        job.Run(progress, progress is StopAfter stop ? stop.Token : CancellationToken.None);
        return MetricsLog.Read(Folder(name).Metrics);
    }

    private RunFolder Folder(string name) => new(Path.Combine(_root, name));

    private sealed class StopAfter(int steps, CancellationTokenSource source) : IProgress<StepMetrics>
    {
        public CancellationToken Token => source.Token;

        public void Report(StepMetrics value)
        {
            if (value.Step == steps)
                source.Cancel();
        }
    }
}
