using SSLP.Data.Patches;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Sets;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Tests.Sets;

public sealed class RunBankTests : IDisposable
{
    private readonly RunFolder _run = new(Directory.CreateTempSubdirectory("sslp-bank-").FullName);

    private static readonly TrainingOptions Small = new() { Epochs = 3, BatchSize = 8, InputSize = 16, Width = 16, Threads = 1, Clusters = 3, ClusterRuns = 2 };

    public void Dispose() => Directory.Delete(_run.Root, recursive: true);

    [Fact]
    public void The_sets_are_those_that_training_makes_of_the_same_bank()
    {
        using var source = new TestPatches(slides: 3, side: 5, patchSize: 16);
        Train(Small, source);
        using RunBank bank = RunBank.Open(_run, source, out _)!;
        int[] anchors = [.. Enumerable.Range(0, source.Table.Count)];
        SetStatistics[] ours = [.. SetStatistics.Of(source.Table, bank.SetsOf(anchors))];

        using var scope = NewDisposeScope();
        using var kernels = new KernelSet(KernelBackend.Cpu, 1);
        using var fused = new FusedObjective(Small.ObjectiveFor(source.Table.Count), source.Table, Small.Width, (ulong)Small.Seed, kernels);
        (_, SafetensorsFile file) = new Checkpoint(_run, 2).OpenNewest()!.Value;
        using (file)
        {
            fused.Load(file);
            StepTerms theirs = fused.Step(anchors, file.ReadTensor("bank.vectors"), bank.Step, 1).Terms;
            Assert.True(theirs.FeatureSize > 0);
            Assert.Equal(theirs.SpatialSize, ours[0].MeanSize, 9);
            Assert.Equal(theirs.FeatureSize, ours[1].MeanSize, 9);
            Assert.Equal(theirs.NegativeSize, ours[2].MeanSize, 9);
            Assert.Equal(theirs.FeatureFromOtherSlides, ours[1].OtherSlides!.Value, 9);
        }
    }

    [Fact]
    public void A_run_without_a_bank_or_of_other_patches_says_why()
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        Assert.Null(RunBank.Open(_run, source, out string? none));
        Assert.Contains("no checkpoint", none);
        Train(Small with { Method = MethodKind.SimClr, MaxSteps = 1 }, source);
        Assert.Null(RunBank.Open(_run, source, out string? simclr));
        Assert.Contains("simclr keeps no bank", simclr);
        Directory.Delete(_run.Checkpoints, recursive: true);
        Train(Small with { MaxSteps = 1 }, source);
        using var other = new TestPatches(slides: 2, side: 5, patchSize: 16);
        Assert.Null(RunBank.Open(_run, other, out string? others));
        Assert.Contains("not the patches", others);
    }

    [Fact]
    public void Hand_made_sets_give_hand_made_shares()
    {
        PatchTable table = new(
            ["s", "t"], new[] { 0, 0, 0, 1 }, new[] { 0, 1, 2, 0 }, new int[4], new CategoryColumn(["a", "b"], new[] { 0, 0, 1, PatchTable.None }));
        SetStatistics[] s = [.. SetStatistics.Of(table, [new(0, [1, 2], [3], []), new(1, [], [0, 3], [2])])];
        Assert.Equal(new SetStatistics("S", 1, 0.5, 0.5, 0), s[0]);
        Assert.Equal(new SetStatistics("F", 1.5, 0, 1, 2 / 3.0), s[1]);
        Assert.Equal(new SetStatistics("Q", 0.5, 0.5, 0, 0), s[2]);
        Assert.Equal(new SetStatistics("any", 3, 0, 0.5, 1 / 3.0), s[3]);
    }

    private void Train(TrainingOptions options, IPatchSource source)
    {
        using var job = new PretrainJob(options, _run, source, "test", resume: false);
        job.Run(null, TestContext.Current.CancellationToken);
    }
}
