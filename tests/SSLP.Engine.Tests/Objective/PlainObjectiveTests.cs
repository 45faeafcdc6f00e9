using SSLP.Engine.Objective;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Objective;

/// <summary>The definition of the method against hand-made cases, in float64.</summary>
public sealed class PlainObjectiveTests
{
    private static readonly ThreeTermOptions Options = new()
    {
        RadiusPatches = 2,
        NearestKeys = 3,
        Negatives = 2,
        PoolShare = 1,
        AuxiliaryAnchors = 1,
        Temperature = 0.5
    };

    // Eight rows in the plane; the number is the angle in degrees. Rows 0–3 on slide 0 in a line of columns, 4–7 on slide 1 likewise.
    private static readonly double[] Angles = [0, 10, 80, 170, 5, 12, 95, 200];

    [Fact]
    public void Spatial_neighbours_are_near_on_the_same_slide_and_not_the_anchor()
    {
        using DisposeScope scope = NewDisposeScope();
        using PlainObjective objective = Objective(Options);
        Assert.Equal([[1], [0, 2]], Rows(Find(objective, [0, 1], [0, 10]).Spatial));
    }

    [Fact]
    public void A_patch_on_the_same_coordinate_is_no_neighbour()
    {
        using DisposeScope scope = NewDisposeScope();
        using var objective = new PlainObjective(Options, Bank([0, 1, 2]), [0, 0, 0], [4, 4, 5], [0, 0, 0], Labels([0, 0, 0]));
        Assert.Equal([[2]], Rows(Find(objective, [0], [0]).Spatial));
    }

    [Fact]
    public void Feature_neighbours_agree_in_every_clustering()
    {
        using DisposeScope scope = NewDisposeScope();
        ThreeTermOptions alone = Options with { AuxiliaryAnchors = 0 };
        // The 3 nearest rows of row 0 are 4 (5°), 1 (10°), 5 (12°).
        using PlainObjective one = Objective(alone, Labels([0, 0, 1, 1, 0, 0, 1, 1]));
        Assert.Equal([[1, 4, 5]], Rows(Find(one, [0], [0]).Feature));
        using PlainObjective two = Objective(alone, Labels([0, 0, 1, 1, 0, 0, 1, 1], [0, 1, 1, 1, 0, 1, 1, 1]));
        Assert.Equal([[4]], Rows(Find(two, [0], [0]).Feature));
    }

    [Fact]
    public void The_auxiliary_anchor_adds_its_own_neighbours()
    {
        using DisposeScope scope = NewDisposeScope();
        // Anchor 1 (10°): spatial neighbours 0 (0°) and 2 (80°); 0 is the more similar one, so it asks too: 4, 1, 5 → 1 is the anchor
        // itself.
        using PlainObjective objective = Objective(Options with { NearestKeys = 1 }, Labels([0, 0, 0, 0, 0, 0, 0, 0]));
        Assert.Equal([[4, 5]], Rows(Find(objective, [1], [10]).Feature));
    }

    [Fact]
    public void Negatives_are_the_drawn_ranks_of_what_is_left()
    {
        using DisposeScope scope = NewDisposeScope();
        using PlainObjective objective = Objective(Options with { AuxiliaryAnchors = 0 }, Labels([0, 0, 1, 1, 0, 0, 1, 1]));
        // Anchor 0: i = 0, S = {1}, F = {1, 4, 5}; left, by similarity to 0°: 2 (80°), 6 (95°), 7 (200°), 3 (170°).
        ObjectiveSets sets = Find(objective, [0], [0], [0, 2, 3]);
        Assert.Equal([2L, 7, 3], OrderedBySimilarity(sets));
    }

    [Fact]
    public void A_rank_beyond_the_rows_that_are_left_is_dropped()
    {
        using DisposeScope scope = NewDisposeScope();
        using PlainObjective objective = Objective(Options with { AuxiliaryAnchors = 0 }, Labels([0, 0, 1, 1, 0, 0, 1, 1]));
        ObjectiveSets sets = Find(objective, [0], [0], [1, 5, 7]);
        Assert.Equal(1, sets.NegativesPresent.sum().item<long>());
    }

    [Fact]
    public void The_terms_are_the_papers_formulas()
    {
        using DisposeScope scope = NewDisposeScope();
        using PlainObjective objective = Objective(Options with { AuxiliaryAnchors = 0 }, Labels([0, 0, 1, 1, 0, 0, 1, 1]));
        ObjectiveSets sets = Find(objective, [0], [3], [0, 2]);
        ObjectiveTerms terms = objective.Terms(Ids([0]), Bank([3]), sets, new TermWeights(1, 0.5, 0.25));
        double S(double angle) => Math.Exp(Math.Cos((angle - 3) * Math.PI / 180) / 0.5);
        double z = S(80) + S(200);
        double self = -Math.Log(S(0) / (S(0) + z)), intra = -Math.Log(S(10) / (S(10) + z));
        double inter = -Math.Log(((S(10) / (S(10) + z)) + (S(5) / (S(5) + z)) + (S(12) / (S(12) + z))) / 3);
        Assert.Equal(self, terms.Self.item<double>(), 12);
        Assert.Equal(intra, terms.Intra.item<double>(), 12);
        Assert.Equal(inter, terms.Inter.item<double>(), 12);
        Assert.Equal(self + (0.5 * intra) + (0.25 * inter), terms.Total.item<double>(), 12);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_gradient_is_that_of_central_differences(bool lonely)
    {
        using DisposeScope scope = NewDisposeScope();
        random.manual_seed(5);
        Tensor vectors = nn.functional.normalize(randn(40, 6, ScalarType.Float64), p: 2, dim: 1);
        int[] slide = [.. Enumerable.Range(0, 40).Select(i => lonely ? i : i / 20)], place = [.. Enumerable.Range(0, 40)];
        using var objective = new PlainObjective(
            Options with { NearestKeys = 8 }, vectors, slide, place, new int[40], Labels([.. place.Select(i => i % 3)]));
        int[] anchors = [3, 17, 20, 3];
        Tensor f = nn.functional.normalize(randn(4, 6, ScalarType.Float64), p: 2, dim: 1);
        ObjectiveSets sets = objective.FindSets(Ids(anchors), f, [0, 2, 5, 9]);
        Assert.Equal(lonely, sets.Spatial.sum().item<long>() == 0);
        Tensor leaf = f.clone().requires_grad_();
        objective.Terms(Ids(anchors), leaf, sets, new TermWeights(1, 0.7, 0.9)).Total.backward();
        const double H = 1e-6;
        for (int b = 0; b < 4; b++)
            for (int d = 0; d < 6; d++)
            {
                double Loss(double shift)
                {
                    Tensor moved = f.clone();
                    moved[b, d] += shift;
                    return objective.Terms(Ids(anchors), moved, sets, new TermWeights(1, 0.7, 0.9)).Total.item<double>();
                }
                Assert.Equal((Loss(H) - Loss(-H)) / (2 * H), leaf.grad![b, d].item<double>(), 1e-8);
            }
    }

    [Fact]
    public void Empty_sets_add_nothing_and_leave_no_NaN()
    {
        using DisposeScope scope = NewDisposeScope();
        int[] alone = [.. Enumerable.Range(0, 8)];
        using var objective = new PlainObjective(Options, Bank(Angles), alone, alone, alone, Labels(alone));
        Tensor f = Bank([0, 40]).requires_grad_();
        ObjectiveSets sets = objective.FindSets(Ids([0, 2]), f, []);
        ObjectiveTerms terms = objective.Terms(Ids([0, 2]), f, sets, new TermWeights(1, 1, 1));
        terms.Total.backward();
        Assert.Equal(0, terms.Total.item<double>(), 12); // no negatives: Z = 0, and −log 1 = 0
        Assert.Equal(0, f.grad!.abs().sum().item<double>(), 12);
    }

    [Fact]
    public void Duplicate_rows_tie_to_the_lower_row()
    {
        using DisposeScope scope = NewDisposeScope();
        using var objective = new PlainObjective(
            Options with { NearestKeys = 2, AuxiliaryAnchors = 0 }, Bank([0, 30, 30, 30, 90]), [0, 1, 2, 3, 4], new int[5], new int[5],
            Labels([0, 0, 0, 0, 0]));
        Assert.Equal([[1, 2]], Rows(Find(objective, [0], [0]).Feature));
    }

    [Fact]
    public void The_bank_blends_and_renormalises_in_order()
    {
        using DisposeScope scope = NewDisposeScope();
        using PlainObjective objective = Objective(Options);
        objective.Update(Ids([2, 2]), Bank([0, 40]), momentum: 0.5);
        // 80° with 0° at m = ½ is 40° on the unit circle; 40° with 40° stays.
        Assert.Equal(Math.Cos(40 * Math.PI / 180), objective.Vectors[2, 0].item<double>(), 12);
        Assert.Equal(Math.Sin(40 * Math.PI / 180), objective.Vectors[2, 1].item<double>(), 12);
    }

    private static PlainObjective Objective(ThreeTermOptions options, Tensor? labels = null) => new(
        options, Bank(Angles), [0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 2, 3, 0, 1, 2, 3], new int[8], labels ?? Labels([0, 1, 2, 3, 4, 5, 6, 7]));

    private static ObjectiveSets Find(PlainObjective objective, int[] anchors, double[] angles, int[]? ranks = null) =>
        objective.FindSets(Ids(anchors), Bank(angles), ranks ?? []);

    private static Tensor Bank(double[] angles) =>
        tensor([.. angles.SelectMany(a => new[] { Math.Cos(a * Math.PI / 180), Math.Sin(a * Math.PI / 180) })], [angles.Length, 2]);

    private static Tensor Labels(params int[][] runs) => tensor([.. runs.SelectMany(r => r)], [runs.Length, runs[0].Length]);

    private static Tensor Ids(int[] anchors) => tensor(anchors, ScalarType.Int64);

    private static int[][] Rows(Tensor mask) =>
        [.. Enumerable.Range(0, (int)mask.shape[0])
            .Select(b => mask[b].nonzero().flatten().data<long>().ToArray().Select(j => (int)j).ToArray())];

    private static long[] OrderedBySimilarity(ObjectiveSets sets) => sets.Negatives[0].data<long>().ToArray();
}
