using SSLP.Data.Patches;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Sets;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Tests.Sets;

public sealed class RunBankTests : IDisposable
{
    private readonly RunFolder _run = new(Directory.CreateTempSubdirectory("sslp-bank-").FullName);

    private static readonly TrainingOptions Small = new()
    {
        Epochs = 3,
        BatchSize = 8,
        InputSize = 16,
        Width = 16,
        Threads = 1,
        Clusters = 3,
        ClusterRuns = 2
    };

    private readonly KernelSet _kernels = new(KernelBackend.Cpu, threads: 2);

    public void Dispose()
    {
        _kernels.Dispose();
        Directory.Delete(_run.Root, recursive: true);
    }

    [Fact]
    public void The_sets_are_those_that_the_papers_definition_makes_of_the_same_bank()
    {
        using var source = new TestPatches(slides: 3, side: 5, patchSize: 16);
        Train(Small, source);
        using RunBank bank = RunBank.Open(_run, source, _kernels, out _)!;
        PatchTable table = source.Table;
        int[] anchors = [.. Enumerable.Range(0, table.Count)];
        IReadOnlyList<AnchorSets> ours = bank.SetsOf(anchors);

        using DisposeScope scope = NewDisposeScope();
        (_, SafetensorsFile file) = new Checkpoint(_run, 2).OpenNewest()!.Value;
        using (file)
        {
            ThreeTermOptions terms = new RunSizes(Small, table.Count).Objective.Terms;
            using var plain = new PlainObjective(
                terms, file.ReadTensor("bank.vectors"), table.SlideOf, table.Col, table.Row, file.ReadTensor("bank.clusters"));
            int[] ranks = new int[terms.Negatives];
            int candidates = NegativeRanks.Candidates(terms.Sampling, table.Count, terms.PoolShare);
            int drawn = NegativeRanks.Draw(terms.Sampling, (ulong)Small.Seed, bank.Step, candidates, ranks.Length, ranks);
            ObjectiveSets theirs = plain.FindSets(tensor(anchors, ScalarType.Int64), plain.Vectors, ranks.AsSpan(0, drawn));
            Assert.True(theirs.Feature.any().item<bool>());
            foreach (AnchorSets sets in ours)
            {
                Assert.Equal(Members(theirs.Spatial, sets.Anchor), sets.Spatial.Order());
                Assert.Equal(Members(theirs.Feature, sets.Anchor), sets.Feature.Order());
                Tensor present = theirs.NegativesPresent.select(0, sets.Anchor);
                Assert.Equal(theirs.Negatives.select(0, sets.Anchor)[present].data<long>(), sets.Negatives.Select(row => (long)row));
                float[] alike = [.. sets.Feature.Select(row => plain.Vectors[sets.Anchor].dot(plain.Vectors[row]).item<float>())];
                Assert.Equal(alike.OrderDescending(), alike);
            }
        }
    }

    [Fact]
    public void A_run_without_a_bank_or_of_other_patches_says_why()
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        Assert.Null(RunBank.Open(_run, source, _kernels, out string? none));
        Assert.Contains("no checkpoint", none);
        Train(Small with { Method = MethodKind.SimClr, MaxSteps = 1 }, source);
        Assert.Null(RunBank.Open(_run, source, _kernels, out string? simclr));
        Assert.Contains("simclr keeps no bank", simclr);
        Directory.Delete(_run.Checkpoints, recursive: true);
        Train(Small with { MaxSteps = 1 }, source);
        using var other = new TestPatches(slides: 2, side: 5, patchSize: 16);
        Assert.Null(RunBank.Open(_run, other, _kernels, out string? others));
        Assert.Contains("not the patches", others);
    }

    [Fact]
    public void Hand_made_sets_give_hand_made_shares()
    {
        PatchTable table = new(
            ["s", "t"], new[] { 0, 0, 0, 1 }, new[] { 0, 1, 2, 0 }, new int[4],
            new CategoryColumn(["a", "b"], new[] { 0, 0, 1, PatchTable.None }));
        SetStatistics[] s = [.. SetStatistics.Of(table, [new(0, [1, 2], [3], []), new(1, [], [0, 3], [2])])];
        Assert.Equal(new SetStatistics("S", 1, 0.5, 0.5, 0), s[0]);
        Assert.Equal(new SetStatistics("F", 1.5, 0, 1, 2 / 3.0), s[1]);
        Assert.Equal(new SetStatistics("Q", 0.5, 0.5, 0, 0), s[2]);
        Assert.Equal(new SetStatistics("any", 3, 0, 0.5, 1 / 3.0), s[3]);
    }

    private static IEnumerable<int> Members(Tensor sets, int anchor) =>
        sets.select(0, anchor).nonzero().data<long>().Select(row => (int)row);

    private void Train(TrainingOptions options, IPatchSource source)
    {
        using var job = new PretrainJob(options, _run, source, "test", resume: false);
        job.Run(null, TestContext.Current.CancellationToken);
    }
}
