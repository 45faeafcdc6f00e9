using SSLP.Data.Files;
using SSLP.Engine.Methods;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Methods;

/// <summary>SimCLR's and MoCo's losses against their papers' formulas, written out in float64, and their gradients against
/// autograd's.</summary>
public sealed class ContrastiveLossTests
{
    private const int B = 6, Width = 8, Side = 16, Queue = 37;
    private const double Temperature = 0.2;

    [Fact]
    public void SimCLR_is_NT_Xent_of_its_paper()
    {
        // Chen et al. 2020, eq. 1: l(i, j) = −log( exp(s_ij/τ) / Σ_{k ≠ i} exp(s_ik/τ) ), the mean over both views of all patches.
        using var kernels = new KernelSet(KernelBackend.Cpu, 1);
        using var method = new SimClr(New(HeadKind.MlpNorm), Temperature, kernels);
        Tensor[] views = Views();
        StepTerms terms = method.Step(new TrainingBatch(views, new int[B], 0, 1));
        float[] gradient = TakeGradient(method.Encoder);
        Tensor z = method.Encoder.forward(cat(views, 0));
        double[][] rows = Rows(z);
        double expected = Enumerable.Range(0, 2 * B).Average(i => -Math.Log(
            Math.Exp(Dot(rows[i], rows[(i + B) % (2 * B)]) / Temperature)
            / Enumerable.Range(0, 2 * B).Where(k => k != i).Sum(k => Math.Exp(Dot(rows[i], rows[k]) / Temperature))));
        Assert.Equal(expected, terms.Loss, 1e-5);

        Tensor similar = z.matmul(z.t()) / Temperature, others = (similar.exp() * (1 - eye(2 * B))).sum(dim: 1);
        (others.log() - similar.gather(1, arange(2 * B, ScalarType.Int64).roll(B, 0).unsqueeze(1)).squeeze(1)).mean().backward();
        AssertClose(TakeGradient(method.Encoder), gradient);
    }

    [Fact]
    public void MoCo_is_InfoNCE_over_its_queue()
    {
        // He et al. 2020, eq. 1: −log( exp(q·k/τ) / (exp(q·k/τ) + Σ_queue exp(q·k_j/τ)) ), the mean over the batch.
        using var kernels = new KernelSet(KernelBackend.Cpu, 1);
        using var queue = MemoryBank.CreateRandom(Queue, Width, 3, kernels.Pool); // what the method begins with
        using var method = new MoCoV2(New(HeadKind.Mlp), New(HeadKind.Mlp), Queue, Temperature, 0.99, 3, kernels);
        Tensor[] views = Views();
        StepTerms terms = method.Step(new TrainingBatch(views, new int[B], 0, 1, IsWatched: true));
        float[] gradient = TakeGradient(method.Encoder), keys = method.Compared!.Positives;
        Tensor q = method.Encoder.forward(views[0]), k = tensor(keys).reshape(B, Width);
        double[][] queries = Rows(q), positives = Rows(k),
            negatives = [.. Enumerable.Range(0, Queue).Select(r => queue.Row(r).ToArray().Select(v => (double)v).ToArray())];
        double expected = Enumerable.Range(0, B).Average(i =>
        {
            double own = Math.Exp(Dot(queries[i], positives[i]) / Temperature);
            return -Math.Log(own / (own + negatives.Sum(n => Math.Exp(Dot(queries[i], n) / Temperature))));
        });
        Assert.Equal(expected, terms.Loss, 1e-5);

        Tensor bank = tensor(negatives.SelectMany(n => n.Select(v => (float)v)).ToArray()).reshape(Queue, Width);
        Tensor logits = cat([(q * k).sum(dim: 1).unsqueeze(1), q.matmul(bank.t())], 1) / Temperature;
        (logits.exp().sum(dim: 1).log() - logits.select(1, 0)).mean().backward();
        AssertClose(TakeGradient(method.Encoder), gradient);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(100)]
    [InlineData(128)]
    public void Keys_are_made_in_two_groups_at_least_of_one_size(int batch)
    {
        long[] sizes = [.. zeros(batch).tensor_split(MoCoV2.Groups(batch)).Select(group => group.shape[0])];
        Assert.True(sizes.Length >= 2);
        Assert.InRange(sizes.Max() - sizes.Min(), 0, 1);
        Assert.True(sizes.Min() >= 2);
    }

    [Fact]
    public void A_batch_too_small_for_groups_is_refused()
    {
        using var patches = new TestPatches(slides: 1, side: 2);
        using var kernels = new KernelSet(KernelBackend.Cpu, 1);
        Fault fault = Assert.Throws<Fault>(
            () => MethodFactory.Create(TrainingOptions.DefaultsOf(MethodKind.MoCoV2) with { BatchSize = 3 }, patches.Table, kernels));
        Assert.Contains("batch_size=3", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1_000_000, 65_536)]
    [InlineData(0, 5_880, 588)]
    [InlineData(0, 478, 128)]
    [InlineData(0, 60, 60)]
    [InlineData(5_000, 5_880, 5_000)]
    [InlineData(5_000, 478, 478)]
    public void A_queue_is_a_tenth_of_the_patches_where_nobody_says_more(int asked, int rows, int queue)
    {
        TrainingOptions options = TrainingOptions.DefaultsOf(MethodKind.MoCoV2) with { Queue = asked };
        var sizes = new RunSizes(options, rows);
        Assert.Equal(queue, sizes.Queue);
        Assert.Equal(asked > rows / 10 && asked <= rows, sizes.Cuts.Any(cut => cut.Contains("a tenth", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_rate_goes_with_the_batch_and_is_the_papers_at_the_papers()
    {
        Assert.Equal(0.015, new TrainingOptions().LearningRateOrDefault, 12);
        Assert.Equal(0.03, (TrainingOptions.DefaultsOf(MethodKind.MoCoV2) with { BatchSize = 256 }).LearningRateOrDefault, 12);
        Assert.Equal(0.5, new TrainingOptions { LearningRate = 0.5, BatchSize = 8 }.LearningRateOrDefault, 12);
    }

    [Fact]
    public void A_term_that_is_left_out_takes_its_set_with_it()
    {
        ThreeTermOptions all = TermsOf(new()), two = TermsOf(new() { InterWeight = 0 });
        ThreeTermOptions self = TermsOf(new() { InterWeight = 0, IntraWeight = 0 });
        Assert.Equal((3.0, 1, 64), (all.RadiusPatches, all.AuxiliaryAnchors, all.NearestKeys));
        Assert.Equal((3.0, 0, 0), (two.RadiusPatches, two.AuxiliaryAnchors, two.NearestKeys));
        Assert.Equal((0.5, 0, 0), (self.RadiusPatches, self.AuxiliaryAnchors, self.NearestKeys));
        Assert.Equal(NegativeSampling.SemiHard, self.Sampling);
    }

    [Fact]
    public void Feature_neighbours_have_one_budget_whatever_the_auxiliary_anchors_are()
    {
        foreach (int rows in (int[])[500, 5880, 681_486])
        {
            int total = ObjectivePlan.For(rows, 0).Terms.NearestKeys;
            for (int auxiliary = 1; auxiliary <= 3; auxiliary++)
                Assert.InRange((1 + auxiliary) * ObjectivePlan.For(rows, auxiliary).Terms.NearestKeys, total - auxiliary, total);
        }
        Assert.Equal((int)(0.012 * 681_486), ObjectivePlan.For(681_486, 0).Terms.NearestKeys);
    }

    private static ThreeTermOptions TermsOf(TrainingOptions options) => new RunSizes(options, 5880).Objective.Terms;

    private static Encoder New(HeadKind head) => EngineContext.Seeded(1, () => new Encoder(Architecture.ResNet18, head, Width));

    private static Tensor[] Views() => EngineContext.Seeded(2, () => new[] { randn(B, 3, Side, Side), randn(B, 3, Side, Side) });

    private static double[][] Rows(Tensor unit)
    {
        float[] values = unit.detach().ToArray<float>();
        return [.. values.Select(v => (double)v).Chunk(Width)];
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static float[] TakeGradient(Encoder encoder)
    {
        float[] gradient = [.. encoder.parameters().SelectMany(p => p.grad!.ToArray<float>())];
        foreach (Tensor p in encoder.parameters())
            p.grad!.zero_();
        return gradient;
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        double scale = Math.Sqrt(expected.Sum(v => (double)v * v)),
            error = Math.Sqrt(expected.Zip(actual, (a, b) => ((double)a - b) * (a - b)).Sum());
        Assert.True(scale > 0 && error < 1e-4 * scale, $"gradients differ by {error / scale:E1} of their length");
    }
}
