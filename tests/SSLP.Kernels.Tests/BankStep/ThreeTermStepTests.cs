using SSLP.Kernels.Tests.Device;
using Xunit;

namespace SSLP.Kernels.Tests;

/// <summary>The contract of <see cref="IThreeTermStep"/>, held against every implementation: the CPU's with 1 to 3 threads and of 2 to
/// 4 processes, the device's with either kind of scores, each against the reference.</summary>
public sealed unsafe class ThreeTermStepTests
{
    private static readonly ThreeTermCall Call = new(new TermWeights(1, 0.6, 0.8), Seed: 77, Step: 5);

    public static TheoryData<string> Implementations => ["cpu 2", "parts 2", "parts 3", "cuda Float32", "cuda BFloat16"];

    public static TheoryData<string, int, int, int, ThreeTermOptions> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, int, int, ThreeTermOptions>();
            foreach ((int rows, int width, int batch, int workers, ThreeTermOptions options) in Shapes)
            {
                foreach (string implementation in (string[])[$"cpu {workers}", "parts 2", "parts 4", "cuda Float32", "cuda BFloat16"])
                    cases.Add(implementation, rows, width, batch, options);
            }

            return cases;
        }
    }

    /// <summary>Rows, width, batch, workers, and what is special.</summary>
    private static (int Rows, int Width, int Batch, int Workers, ThreeTermOptions Options)[] Shapes =>
    [
        (700, 33, 9, 1, new() { NearestKeys = 40, Negatives = 70 }),
        (700, 33, 41, 2, new() { NearestKeys = 40, Negatives = 70, AuxiliaryAnchors = 3 }),
        (700, 16, 7, 3, new() { NearestKeys = 300, Negatives = 140, AuxiliaryAnchors = 0, RadiusPatches = 2 }),
        (700, 33, 9, 2, new() { NearestKeys = 40, Negatives = 70, Sampling = NegativeSampling.Random }),
        (700, 33, 9, 2, new() { NearestKeys = 40, Negatives = 70, Sampling = NegativeSampling.Hardest }),
        (700, 33, 9, 2, new() { NearestKeys = 40, Negatives = 70, DetachNegatives = true, Temperature = 0.5 }),
        (700, 33, 9, 2, new() { NearestKeys = 40, Negatives = 70, SpatialSample = 4, AuxiliaryAnchors = 2 }),
        (700, 33, 9, 2, new() { NearestKeys = 0, Negatives = 70, PoolShare = 1 }),
        // Pool and K beyond the bank; hardly any row left for Q.
        (33, 7, 5, 2, new() { NearestKeys = 4096, Negatives = 4096, PoolShare = 1 }),
        (4, 3, 3, 2, new() { NearestKeys = 2, Negatives = 2 }),
        (1, 1, 2, 2, new() { NearestKeys = 1, Negatives = 1 }),
        // Large enough for thresholds from a sample.
        (6000, 24, 20, 2, new() { NearestKeys = 64, Negatives = 600 }),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Sets_equal_the_reference_where_similarities_are_exact_and_full_of_ties(
        string implementation, int rows, int width, int batch, ThreeTermOptions options)
    {
        using var given = new Scene(rows, width, batch, exact: true);
        using var ours = new Step(implementation, given, options);
        using var reference = new ThreeTermStepReference(given.Bank, given.Spatial, options);
        ThreeTermResult expected = given.Run(reference, Call, out float[] expectedGradient);
        ThreeTermResult actual = given.Run(ours, Call, out float[] gradient);

        AssertSameRows(reference.Sets.Spatial, ours.Sets.Spatial);
        // Where every row is alone in its cluster no F can be, and the device looks for no A.
        if (given.HasClasses || !implementation.StartsWith("cuda", StringComparison.Ordinal))
            AssertSameRows(reference.Sets.Auxiliary, ours.Sets.Auxiliary);
        AssertSameRows(reference.Sets.Feature, ours.Sets.Feature);
        AssertSameRows(reference.Sets.Negatives, ours.Sets.Negatives);
        AssertClose(expected, actual, 1e-5);
        AssertClose(expectedGradient, gradient, 1e-5);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Loss_and_gradient_match_the_reference_on_unit_vectors(string implementation, int rows, int width, int batch,
        ThreeTermOptions options)
    {
        using var given = new Scene(rows, width, batch, exact: false);
        using var ours = new Step(implementation, given, options);
        using var reference = new ThreeTermStepReference(given.Bank, given.Spatial, options);
        ThreeTermResult expected = given.Run(reference, Call, out float[] expectedGradient);
        ThreeTermResult actual = given.Run(ours, Call, out float[] gradient);
        AssertClose(expected, actual, 1e-5);
        if (implementation == "cuda BFloat16")
        {
            // Three products of bf16 rank: rows that differ by less than they are off by may change places.
            AssertNear(given, reference.Sets.Negatives, ours.Sets.Negatives);
            expectedGradient = given.GradientOf(reference, ours.Sets, Call.Weights);
        }

        AssertClose(expectedGradient, gradient, 1e-4);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void The_sets_are_disjoint_where_they_must_be(string implementation)
    {
        using var given = new Scene(900, 24, 30, exact: false);
        using var step = new Step(implementation, given, new() { NearestKeys = 60, Negatives = 90 });
        ThreeTermResult result = given.Run(step, Call, out _);
        Assert.True(result.FeatureSize > 1 && result.SpatialSize > 1);
        Assert.Equal(90, result.NegativeSize);
        for (int b = 0; b < given.Anchors.Length; b++)
        {
            int[] positives = [given.Anchors[b], .. step.Sets.Spatial[b], .. step.Sets.Feature[b]];
            int[] negatives = step.Sets.Negatives[b].ToArray();
            Assert.Empty(positives.Intersect(negatives));
            Assert.Equal(negatives.Distinct().Order(), negatives);
            Assert.DoesNotContain(given.Anchors[b], step.Sets.Feature[b].ToArray());
            Assert.Equal(step.Sets.Feature[b].ToArray().Distinct().Order(), step.Sets.Feature[b].ToArray());
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Duplicates_in_the_bank_and_in_the_batch_are_ordinary(string implementation)
    {
        using var given = new Scene(300, 8, 6, exact: false);
        // The whole bank but twenty rows is one vector: every rank question is a tie.
        for (int j = 0; j < 280; j++)
            given.Bank.LoadRows(j, given.Bank.Row(299));
        given.Anchors[1] = given.Anchors[0];
        using var ours = new Step(implementation, given, new() { NearestKeys = 50, Negatives = 30 });
        using var reference = new ThreeTermStepReference(given.Bank, given.Spatial, new() { NearestKeys = 50, Negatives = 30 });
        given.Run(reference, Call, out float[] expected);
        given.Run(ours, Call, out float[] gradient);
        AssertSameRows(reference.Sets.Feature, ours.Sets.Feature);
        AssertSameRows(reference.Sets.Negatives, ours.Sets.Negatives);
        AssertClose(expected, gradient, 1e-4);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_sample_that_misleads_costs_time_and_changes_nothing(string implementation)
    {
        // 9 of 10 rows are one vector: a list of all ties is far beyond the room that the sample promised.
        using var given = new Scene(6000, 16, 8, exact: true);
        for (int j = 0; j < 6000; j++)
        {
            if (j % 10 != 0)
                given.Bank.LoadRows(j, given.Bank.Row(7));
        }
        var options = new ThreeTermOptions { NearestKeys = 64, Negatives = 300 };
        using var ours = new Step(implementation, given, options);
        using var reference = new ThreeTermStepReference(given.Bank, given.Spatial, options);
        given.Run(reference, Call, out _);
        given.Run(ours, Call, out _);
        AssertSameRows(reference.Sets.Feature, ours.Sets.Feature);
        AssertSameRows(reference.Sets.Negatives, ours.Sets.Negatives);
    }

    [Fact]
    public void The_result_does_not_depend_on_the_number_of_threads()
    {
        using var given = new Scene(6000, 32, 50, exact: false);
        float[]? first = null;
        foreach (int workers in new[] { 1, 2, 5 })
        {
            using var pool = new WorkerPool(workers);
            using var step = new ThreeTermStepCpu(given.Bank, given.Spatial, new() { NearestKeys = 64, Negatives = 600 }, pool);
            given.Run(step, Call, out float[] gradient);
            first ??= gradient;
            Assert.Equal(first, gradient);
        }
    }

    [Fact]
    public void The_result_does_not_depend_on_the_vectors_width()
    {
        using var given = new Scene(3000, 33, 12, exact: false);
        using var pool = new WorkerPool(2);
        float[]? first = null;
        foreach (InstructionSet isa in KernelTestData.Isas)
        {
            using var step = new ThreeTermStepCpu(given.Bank, given.Spatial, new() { NearestKeys = 64, Negatives = 300 }, pool, isa);
            ThreeTermResult result = given.Run(step, Call, out float[] gradient);
            float[] all = [(float)result.Loss, .. gradient];
            first ??= all;
            Assert.Equal(first, all);
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Another_step_draws_other_negatives_and_the_same_step_the_same(string implementation)
    {
        using var given = new Scene(900, 24, 4, exact: false);
        using var step = new Step(implementation, given, new() { NearestKeys = 60, Negatives = 90 });
        int[] Negatives(long at)
        {
            given.Run(step, Call with { Step = at }, out _);
            return step.Sets.Negatives[2].ToArray();
        }
        Assert.Equal(Negatives(1), Negatives(1));
        Assert.NotEqual(Negatives(1), Negatives(2));
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Before_any_clustering_no_anchor_has_feature_neighbours(string implementation)
    {
        using var given = new Scene(400, 16, 5, exact: false);
        using var step = new Step(implementation, given, new() { NearestKeys = 60, Negatives = 40 });
        step.SetClusters(ClusterAgreement.None(400));
        ThreeTermResult result = given.RunWithoutClusters(step, Call, out _);
        Assert.Equal(0, result.Inter);
        Assert.Equal(0, result.FeatureSize);
        Assert.True(result.Intra > 0);
    }

    [Fact]
    public void Steps_allocate_nothing_after_the_first()
    {
        using var given = new Scene(6000, 32, 24, exact: false);
        using var pool = new WorkerPool(2);
        using var step = new ThreeTermStepCpu(given.Bank, given.Spatial, new() { NearestKeys = 64, Negatives = 600 }, pool);
        MatrixView gradient = given.Features.View;
        using var target = new KernelTestData.Matrix(24, 32);
        step.SetClusters(given.Clusters);
        Assert.Equal(0, AllocationMeter.Bytes(() => step.Run(given.Anchors, gradient, Call, target.View)));
    }

    /// <summary>Of a bank in parts: this process's part is all of it, and what it tells others only itself hears.</summary>
    [Theory]
    [InlineData(NegativeSampling.SemiHard)]
    [InlineData(NegativeSampling.Random)]
    public void Steps_on_a_bank_in_parts_allocate_nothing_after_the_first(NegativeSampling sampling)
    {
        using var given = new Scene(6000, 32, 24, exact: false);
        using var pool = new WorkerPool(2);
        using var step = new ThreeTermStepSharded(
            given.Bank, given.Spatial, new() { NearestKeys = 64, Negatives = 600, Sampling = sampling }, pool, OneShard.Instance);
        MatrixView gradient = given.Features.View;
        using var target = new KernelTestData.Matrix(24, 32);
        step.SetClusters(given.Clusters);
        Assert.Equal(0, AllocationMeter.Bytes(() => step.Run(given.Anchors, gradient, Call, target.View)));
        Assert.True(step.Sets.Feature.Total > 0 && step.Sets.Negatives.Total > 0);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Names_what_is_wrong(string implementation)
    {
        using var given = new Scene(40, 8, 3, exact: false);
        using var step = new Step(implementation, given, new() { NearestKeys = 4, Negatives = 4 });
        Assert.Contains("labels of 41 rows", Message(() => step.SetClusters(ClusterAgreement.None(41))));
        Assert.Contains("41 patches",
            Message(() => new Step(implementation, given.Bank, new SpatialNeighbours(new int[41], new int[41], new int[41]), new())));
        Assert.Contains("temperature", Message(() => new Step(implementation, given, new() { Temperature = 0 })));
        given.Features.View.Row(1)[3] = float.NaN;
        Assert.Contains($"Feature 1 (bank row {given.Anchors[1]})", Message(() => given.Run(step, Call, out _)));
        given.Anchors[2] = 40;
        Assert.Contains("Anchor 40", Message(() => given.Run(step, Call, out _)));

        static string Message(Action action) => Assert.Throws<ArgumentException>(action).Message;
    }

    private static void AssertSameRows(RowLists expected, RowLists actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int b = 0; b < expected.Count; b++)
            Assert.Equal(expected[b].ToArray(), actual[b].ToArray());
    }

    /// <summary>The same similarities rank by rank, and all but a few the same rows.</summary>
    private static void AssertNear(Scene given, RowLists expected, RowLists actual)
    {
        int others = 0;
        for (int b = 0; b < expected.Count; b++)
        {
            int anchor = b;
            double[] right = [.. expected[b].ToArray().Select(row => given.Similarity(anchor, row)).Order()];
            double[] found = [.. actual[b].ToArray().Select(row => given.Similarity(anchor, row)).Order()];
            Assert.Equal(right.Length, found.Length);
            for (int i = 0; i < right.Length; i++)
                Assert.Equal(right[i], found[i], 1e-5);
            others += actual[b].ToArray().Except(expected[b].ToArray()).Count();
        }

        Assert.InRange(others, 0, 1 + expected.Total / 200);
    }

    private static void AssertClose(ThreeTermResult expected, ThreeTermResult actual, double tolerance)
    {
        Assert.Equal(expected.Loss, actual.Loss, tolerance * (1 + expected.Loss));
        Assert.Equal(expected.Self, actual.Self, tolerance * (1 + expected.Self));
        Assert.Equal(expected.Intra, actual.Intra, tolerance * (1 + expected.Intra));
        Assert.Equal(expected.Inter, actual.Inter, tolerance * (1 + expected.Inter));
        Assert.Equal(expected.SpatialSize, actual.SpatialSize);
        Assert.Equal(expected.FeatureSize, actual.FeatureSize);
        Assert.Equal(expected.NegativeSize, actual.NegativeSize);
        Assert.Equal(expected.OtherSlideShare, actual.OtherSlideShare);
    }

    /// <summary>To a share of the largest value: parts of a gradient cancel.</summary>
    private static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        double largest = expected.Max(Math.Abs);
        foreach ((float value, float ours) in expected.Zip(actual))
            Assert.Equal(value, ours, tolerance * largest);
    }

    /// <summary>One implementation, named "cpu threads", "parts processes" or "cuda scores".</summary>
    private sealed class Step : IThreeTermStep
    {
        private readonly WorkerPool? _pool;
        private readonly TestDevice? _device;
        private readonly IThreeTermStep _step;

        public Step(string implementation, Scene scene, ThreeTermOptions options) : this(implementation, scene.Bank, scene.Spatial, options)
        {
        }

        public Step(string implementation, MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options)
        {
            string[] words = implementation.Split(' ');
            if (words[0] == "cuda")
            {
                _device = new TestDevice();
                _step = new ThreeTermStepCuda(bank, spatial, options, _device, Enum.Parse<DeviceScores>(words[1]));
                return;
            }

            if (words[0] == "parts")
            {
                _step = new StepInParts(bank, spatial, options, int.Parse(words[1]));
                return;
            }

            _pool = new WorkerPool(int.Parse(words[1]));
            _step = new ThreeTermStepCpu(bank, spatial, options, _pool);
        }

        public TermSets Sets => _step.Sets;

        public void SetClusters(ClusterAgreement clusters) => _step.SetClusters(clusters);

        public ThreeTermResult Run(ReadOnlySpan<int> anchors, MatrixView features, in ThreeTermCall call, MatrixView gradient) =>
            _step.Run(anchors, features, call, gradient);

        public void Dispose()
        {
            _step.Dispose();
            _device?.Dispose();
            _pool?.Dispose();
        }
    }

    /// <summary>A bank over three slides with holes in their grids, anchors, features near their rows, and clusters in two runs.</summary>
    private sealed class Scene : IDisposable
    {
        private readonly int[] _labels;

        public Scene(int rows, int width, int batch, bool exact)
        {
            Bank = exact ? TestBanks.Exact(rows, width, seed: 21) : MemoryBank.CreateRandom(rows, width, seed: 22);
            int perRow = Math.Max(1, (int)Math.Sqrt(rows / 3.0));
            int[] cell = [.. Enumerable.Range(0, rows).Select(j => j / 3 + j / 30)];
            Spatial = new SpatialNeighbours(
                [.. Enumerable.Range(0, rows).Select(j => j % 3)], [.. cell.Select(c => c % perRow)], [.. cell.Select(c => c / perRow)]);
            Anchors = [.. Enumerable.Range(0, batch).Select(b => (int)((b * 37L + 5) % rows))];
            Features = new KernelTestData.Matrix(batch, width);
            for (int b = 0; b < batch; b++)
            {
                float[] vector = TestBanks.ExactVector(width, seed: 23, b);
                if (!exact)
                    vector = [.. vector.Zip(Bank.Row(Anchors[b]).ToArray(), (noise, own) => noise + own)];
                vector.CopyTo(Features.View.Row(b));
            }
            // Few labels: most rows agree with several others.
            _labels = [.. Enumerable.Range(0, 2 * rows).Select(at => (int)CounterRandom.Below(CounterRandom.Block(24, 0, (ulong)at).X, 4))];
        }

        public MemoryBank Bank { get; }

        public SpatialNeighbours Spatial { get; }

        public int[] Anchors { get; }

        public KernelTestData.Matrix Features { get; }

        public ClusterAgreement Clusters => new(_labels, Bank.RowCount);

        /// <summary>Whether some row shares its cluster with another.</summary>
        public bool HasClasses => Clusters.Classes < Bank.RowCount;

        public ThreeTermResult Run(IThreeTermStep step, in ThreeTermCall call, out float[] gradient)
        {
            step.SetClusters(Clusters);
            return RunWithoutClusters(step, call, out gradient);
        }

        public ThreeTermResult RunWithoutClusters(IThreeTermStep step, in ThreeTermCall call, out float[] gradient)
        {
            using var target = new KernelTestData.Matrix(Anchors.Length, Bank.Width);
            ThreeTermResult result = step.Run(Anchors, Features.View, call, target.View);
            gradient = new ReadOnlySpan<float>(target.View.Data, Anchors.Length * Bank.Width).ToArray();
            return result;
        }

        public float[] GradientOf(ThreeTermStepReference reference, TermSets found, TermWeights weights)
        {
            using var target = new KernelTestData.Matrix(Anchors.Length, Bank.Width);
            reference.GradientOf(found, Features.View, weights, target.View);
            return new ReadOnlySpan<float>(target.View.Data, Anchors.Length * Bank.Width).ToArray();
        }

        public double Similarity(int anchor, int row)
        {
            double sum = 0;
            for (int d = 0; d < Bank.Width; d++)
                sum += (double)Features.View.Row(anchor)[d] * Bank.Row(row)[d];
            return sum;
        }

        public void Dispose()
        {
            Bank.Dispose();
            Features.Dispose();
        }
    }
}
