using System.Runtime.InteropServices;
using SSLP.Engine.Objective;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Objective;

/// <summary>The fused path is the plain objective: the same losses, step after step, through a bank that both update.</summary>
public sealed class FusedObjectiveTests
{
    private const int Steps = 50, Batch = 16, Width = 24;

    [Theory]
    [InlineData(KernelBackend.Cpu, 1, NegativeSampling.SemiHard)]
    [InlineData(KernelBackend.Cpu, 2, NegativeSampling.Random)]
    [InlineData(KernelBackend.Cpu, 0, NegativeSampling.Hardest)]
    [InlineData(KernelBackend.Reference, 1, NegativeSampling.SemiHard)]
    public void Fifty_steps_give_the_oracles_losses(KernelBackend backend, int auxiliaryAnchors, NegativeSampling sampling)
    {
        using DisposeScope scope = NewDisposeScope();
        using var source = new TestPatches(slides: 5, side: 12);
        var plan = ObjectivePlan.For(source.Table.Count, auxiliaryAnchors);
        plan = plan with { Clusters = 6, Terms = plan.Terms with { Sampling = sampling } };
        using var kernels = new KernelSet(backend, 2);
        using var fused = new FusedObjective(plan, source.Table, Width, seed: 7, kernels);
        float[] vectors = new float[source.Table.Count * Width];
        fused.Bank.SaveRows(0, vectors);
        using var plain = new PlainBankObjective(plan, source.Table, tensor(vectors, [source.Table.Count, Width]), 7);

        // A network that learns, in small: f is a line of its patch's own direction and the gradient moves it.
        random.manual_seed(2);
        Tensor free = randn(source.Table.Count, Width), other = free.clone();
        for (int step = 0; step < Steps; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            if (step % 10 == 5)
            {
                fused.Cluster(step);
                plain.Plain.SetClusters(tensor(fused.Labels.ToArray(), [plan.ClusterRuns, source.Table.Count]).DetachFromDisposeScope());
            }
            int[] anchors = [.. Enumerable.Range(0, Batch).Select(i => (step * 37 + i * 11) % source.Table.Count)];
            StepTerms expected = Move(plain, other, anchors, step), actual = Move(fused, free, anchors, step);
            foreach ((double e, double a) in (ReadOnlySpan<(double, double)>)[
                (expected.Loss, actual.Loss), (expected.Self, actual.Self), (expected.Intra, actual.Intra), (expected.Inter, actual.Inter)])
                Assert.Equal(e, a, 1e-4 * Math.Max(1e-3, Math.Abs(e)));
            Assert.Equal((expected.SpatialSize, expected.FeatureSize, expected.NegativeSize),
                (actual.SpatialSize, actual.FeatureSize, actual.NegativeSize));
            Assert.True(step < 5 || actual.FeatureSize > 0);
        }
    }

    /// <summary>Labels are 12·N bytes: two sets of them lie in memory, and a third only while a slow disk still takes the first.</summary>
    [Fact]
    public void Clusterings_take_the_labels_of_the_one_before_last_but_not_from_under_a_checkpoint()
    {
        using var source = new TestPatches(slides: 5, side: 60);
        int rows = source.Table.Count;
        ObjectivePlan plan = ObjectivePlan.For(rows, 1) with { Clusters = 6, ClusterIterations = 2 };
        using var kernels = new KernelSet(KernelBackend.Cpu, 2);
        using var fused = new FusedObjective(plan, source.Table, Width, seed: 7, kernels);
        fused.Cluster(1);
        int[] first = fused.Labels.ToArray();
        SafetensorsItem written = fused.State().Single(item => item.Name == FusedObjective.ClustersName);
        for (int clustering = 2; clustering < 5; clustering++)
            fused.Cluster(clustering);
        Assert.NotEqual(first, fused.Labels.ToArray());
        using var file = new MemoryStream();
        written.Emit(file);
        Assert.Equal(first, MemoryMarshal.Cast<byte, int>(file.ToArray()).ToArray());
        int labels = 4 * plan.ClusterRuns * rows, classes = (int)ClusterAgreement.BytesFor(rows, rows);
        fused.Cluster(5);
        fused.Cluster(6);
        long before = GC.GetAllocatedBytesForCurrentThread();
        fused.Cluster(7);
        // The rows by class are new, and no labels are.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 8 * rows, Math.Min(classes, 8 * rows + labels / 2));
    }

    /// <summary>A step of gradient descent on the directions of the anchors.</summary>
    private static StepTerms Move(IBankObjective objective, Tensor free, int[] anchors, int step)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = tensor(anchors, ScalarType.Int64);
        Tensor leaf = free.index_select(0, ids).requires_grad_();
        Tensor f = nn.functional.normalize(leaf, p: 2, dim: 1);
        (StepTerms terms, Tensor gradient) = objective.Step(anchors, f.detach(), step, ramp: 0.8);
        f.backward([gradient]);
        objective.Update(anchors, f.detach());
        using IDisposable noGrad = no_grad();
        free.index_copy_(0, ids, leaf - leaf.grad!);
        return terms;
    }
}
