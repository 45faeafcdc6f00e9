using SSLP.Data.Files;
using SSLP.Engine.Diverged;
using SSLP.Engine.Methods;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Report;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Tests.Diverged;

/// <summary>Runs whose numbers leave what float32 can hold: a learning rate and a weight decay that throw the weights up a hundredfold a
/// step.</summary>
public sealed class DivergedTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-diverged-").FullName;

    private static readonly TrainingOptions Wild = new()
    {
        Epochs = 100,
        MaxSteps = 60,
        BatchSize = 8,
        InputSize = 16,
        Width = 16,
        Threads = 1,
        LearningRate = 100,
        WeightDecay = 1,
        CheckpointEvery = 2,
        KeepCheckpoints = 12,
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    [InlineData(MethodKind.SimClr)]
    [InlineData(MethodKind.Supervised)]
    public void It_stops_before_anything_is_touched_and_the_replay_sees_the_same(MethodKind method)
    {
        TrainingOptions options = Wild with { Method = method };
        Fault fault = Assert.Throws<Fault>(() => Train("run", options));
        Assert.Equal(FaultKind.Diverged, fault.Kind);
        RunFolder run = Folder("run");
        DivergedStep record = DivergedStep.Find(run.Diverged)!;
        IReadOnlyList<StepMetrics> steps = MetricsLog.Read(run.Metrics);
        Assert.Equal(steps.Count + 1, record.Step);
        Assert.Contains(record.Sentence, fault.Message, StringComparison.Ordinal);
        TracedPlace first = record.Trace.First(place => place.NotFinite > 0);
        Assert.Contains(first.Place, record.Sentence, StringComparison.Ordinal);
        using TestPatches source = Patches();
        Assert.Equal(steps.Count, record.DrawCounters["augment"]);
        Assert.Equal(options.BatchSize, record.Patches.Count);
        Assert.All(record.Patches, p => Assert.Equal(PlacedPatch.Of(source.Table, [p.Id])[0], p));

        using var replay = new StepReplay(run.Diverged);
        StepTrace again = replay.Run(source);
        Assert.Equal(record.Trace, again.Places);
        Assert.Equal(record.Loss, again.Terms.Loss);
        if (double.IsFinite(record.Loss))
            Assert.Equal(record.GradientNorm, again.GradientNorm);

        // The state before the step is what a run holds that ends there.
        using (SafetensorsFile before = Open(run.Diverged, "before.safetensors"), stopped = StoppedAt("twin", options, steps.Count))
        {
            Assert.Equal(stopped.Metadata[SafetensorsFile.ChecksumKey], before.Metadata[SafetensorsFile.ChecksumKey]);
            Assert.Equal(steps.Count, Checkpoint.Open(before.Path).State.Step);
        }

        // Checkpoints hold finite numbers, the last one resumes and comes to the same step.
        string[] checkpoints = new Checkpoint(run, 100).All();
        Assert.Equal(steps.Count / 2, checkpoints.Length);
        Fault repeated = Assert.Throws<Fault>(() => Train("run", options, resume: true));
        Assert.Equal(fault.Message, repeated.Message);
        Assert.Equal(steps.Select(m => (m.Step, m.Loss)), MetricsLog.Read(run.Metrics).Select(m => (m.Step, m.Loss)));
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_named_and_so_is_the_stage_that_it_spoils()
    {
        TrainingOptions options = Wild with { LearningRate = 0.01, MaxSteps = 4 };
        using (StoppedAt("run", options, 1))
        {
        }
        string path = Assert.Single(new Checkpoint(Folder("run"), 1).All());
        (CheckpointState state, SafetensorsFile file) = Checkpoint.Open(path);
        using (file)
        {
            var tensors = file.Entries.Keys.ToDictionary(name => name, file.ReadTensor);
            tensors["encoder.backbone.layer2.0.conv1.weight"].bytes[..4].Fill(0xff);
            Checkpoint.Write(path, state, [.. tensors.Select(t => SafetensorsItem.From(t.Key, t.Value))]);
        }
        Fault fault = Assert.Throws<Fault>(() => Train("run", options, resume: true));
        Assert.Contains("before step 2 of 4", fault.Message, StringComparison.Ordinal);
        Assert.Contains("backbone.layer2.0.conv1.weight before the step has 1 of ", fault.Message, StringComparison.Ordinal);
        IReadOnlyList<TracedPlace> trace = DivergedStep.Find(Folder("run").Diverged)!.Trace;
        Assert.Equal(0, trace.Single(p => p.Place == "backbone.layer1").NotFinite);
        // One channel of the block's first convolution, all of the second's.
        TracedPlace spoilt = trace.Single(p => p.Place == "backbone.layer2");
        Assert.Equal(spoilt.Count, spoilt.NotFinite);
        using var replay = new StepReplay(Folder("run").Diverged);
        using TestPatches source = Patches();
        Assert.Equal(trace, replay.Run(source).Places);
    }

    [Fact]
    public void A_gradient_that_is_not_finite_where_the_loss_is_has_its_parameters_name()
    {
        // d sqrt(0) is infinite.
        Fault fault = Stop((encoder, images) =>
        {
            Tensor z = encoder.forward(images);
            return (z - z.detach()).sqrt().sum();
        });
        Assert.Contains("gradient of head.layers.0.bias has 16 of 16", fault.Message, StringComparison.Ordinal);
        Assert.Contains("loss 0 ", fault.Message, StringComparison.Ordinal);
        IReadOnlyList<TracedPlace> trace = DivergedStep.Find(Folder("custom").Diverged)!.Trace;
        Assert.All(trace.TakeWhile(p => p.Place != "gradient of head.layers.0.bias"), p => Assert.Equal(0, p.NotFinite));
        Assert.Contains(trace, p => p.Place == "gradient of backbone.conv1.weight");
    }

    [Fact]
    public void Weights_that_a_finite_gradient_took_to_infinity_are_not_saved()
    {
        // No gradient at all: it is the weight decay that throws them up.
        Fault fault = Stop((encoder, _) => encoder.parameters().Aggregate(zeros(1), (sum, p) => sum + (0 * p).sum()));
        Assert.Contains("no checkpoint was written", fault.Message, StringComparison.Ordinal);
        string[] kept = new Checkpoint(Folder("custom"), 100).All();
        Assert.Contains(kept[^1], fault.Message, StringComparison.Ordinal);
        using SafetensorsFile last = Checkpoint.Open(kept[^1]).File;
        Assert.All(last.Entries.Keys.Where(name => name.StartsWith("encoder.", StringComparison.Ordinal)),
            name => Assert.True(last.ReadTensor(name).isfinite().all().item<bool>()));
    }

    [Fact]
    public void A_fault_that_does_not_come_again_is_told_apart()
    {
        int calls = 0;
        Fault fault = Stop((encoder, images) => encoder.forward(images).sum() * (calls++ == 0 ? double.NaN : 1));
        Assert.Contains("points to the machine", fault.Message, StringComparison.Ordinal);
        Assert.Contains("--resume goes on", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_replay_refuses_other_patches_other_options_and_a_folder_that_is_none()
    {
        Assert.Throws<Fault>(() => Train("run", Wild));
        using (var replay = new StepReplay(Folder("run").Diverged))
        {
            using var others = new TestPatches(slides: 1, side: 5, patchSize: 16);
            Assert.Contains("other patches", Assert.Throws<Fault>(() => replay.Run(others)).Message, StringComparison.Ordinal);
            Assert.Contains("temperature: 0.07 → 0.2", Assert.Throws<Fault>(() => replay.Set(["temperature=0.2"])).Message,
                StringComparison.Ordinal);
            replay.Set(["threads=2"]);
            Assert.Equal(2, replay.Options.Threads);
            using TestPatches broken = Patches(bad: [replay.Record.Patches[3].Id]);
            Assert.Contains("a tile does not decode", Assert.Throws<Fault>(() => replay.Run(broken)).Message, StringComparison.Ordinal);
        }
        Assert.Contains("--replay takes", Assert.Throws<Fault>(() => new StepReplay(Folder("run").Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_lasts_has_a_finite_gradient_norm_on_every_line_and_leaves_no_such_folder()
    {
        IReadOnlyList<StepMetrics> steps = Train("tame", Wild with { MaxSteps = 6, LearningRate = 0.01, WeightDecay = 1e-4 });
        Assert.All(steps, m => Assert.True(m.GradientNorm > 0 && double.IsFinite(m.GradientNorm)));
        Assert.False(Directory.Exists(Folder("tame").Diverged));
        Assert.Contains("Norm of the gradient", ReportPage.Compose(new ReportInput { Title = "t", Steps = steps }),
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_written_does_not_hide_why_it_stopped()
    {
        // A file where the folder should be.
        Directory.CreateDirectory(Folder("full").Root);
        File.WriteAllText(Folder("full").Diverged, "in the way");
        Fault fault = Assert.Throws<Fault>(() => Train("full", Wild));
        Assert.Contains("not finite", fault.Message, StringComparison.Ordinal);
        Assert.Contains("could not be written", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_of_a_run_says_at_which_step_it_ended()
    {
        Assert.Throws<Fault>(() => Train("run", Wild));
        using var report = new RunReport(Folder("run"));
        Assert.Contains(DivergedStep.Find(Folder("run").Diverged)!.Sentence, report.Gather("t", null).Notes);
    }

    /// <summary>The checkpoint of a run with the same schedule that is stopped from outside after so many steps.</summary>
    private SafetensorsFile StoppedAt(string name, TrainingOptions options, int steps)
    {
        using var stop = new CancellationTokenSource();
        Train(name, options with { CheckpointEvery = 1000 }, stop: (steps, stop));
        return new Checkpoint(Folder(name), 1).OpenNewest()!.Value.File;
    }

    /// <summary>How a run with a loss of the encoder and its input ends.</summary>
    private Fault Stop(Func<Encoder, Tensor, Tensor> loss)
    {
        using TestPatches source = Patches();
        using var kernels = new KernelSet(KernelBackend.Cpu, threads: 1);
        using var trainer = new Trainer(Wild with { CheckpointEvery = 1 }, Folder("custom"), source, new LossOf(loss), CPU, kernels);
        Directory.CreateDirectory(Folder("custom").Root);
        return Assert.Throws<Fault>(() => trainer.Run(null, CancellationToken.None));
    }

    private static SafetensorsFile Open(params string[] path) => SafetensorsFile.Open(Path.Combine(path));

    private IReadOnlyList<StepMetrics> Train(string name, TrainingOptions options, bool resume = false,
        (int After, CancellationTokenSource Source)? stop = null)
    {
        using TestPatches source = Patches();
        using var job = new PretrainJob(options, Folder(name), source, "test", resume);
        job.Run(stop is { } s ? new StopAfter(s.After, s.Source) : null, stop?.Source.Token ?? CancellationToken.None);
        return MetricsLog.Read(Folder(name).Metrics);
    }

    // 9 batches an epoch
    private static TestPatches Patches(int[]? bad = null) => new(slides: 2, side: 6, patchSize: 16, bad, labelled: true);

    private RunFolder Folder(string name) => new(Path.Combine(_root, name));

    private sealed class LossOf(Func<Encoder, Tensor, Tensor> loss) : Method
    {
        public override Encoder Encoder { get; } = new(Architecture.ResNet18, HeadKind.Linear, 16);

        public override int Views => 1;

        public override string Describe => "a loss";

        public override StepTerms Step(TrainingBatch batch)
        {
            Tensor value = loss(Encoder, batch.Views[0]);
            value.backward();
            return new StepTerms(value.item<float>(), value.item<float>());
        }
    }

    private sealed class StopAfter(int steps, CancellationTokenSource source) : IProgress<StepMetrics>
    {
        public void Report(StepMetrics value)
        {
            if (value.Step == steps)
                source.Cancel();
        }
    }
}
