using SSLP.Kernels.Tests.Device;
using Xunit;

namespace SSLP.Kernels.Tests;

/// <summary>The same cases over the reference and the CPU path on each instruction set, with 1 to 3 threads.</summary>
public sealed unsafe class WholeBankLossTests
{
    public static TheoryData<string> Implementations =>
        [
            "reference", "cpu Scalar 1", "cpu Vector128 3", "cpu Vector256 1", "cpu Vector256 3", "cpu Vector512 2",
            "cuda Float32", "cuda BFloat16",
        ];

    public static TheoryData<string, int, int, int, float> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, int, int, float>();
            foreach (string implementation in Implementations.Select(row => row.Data))
            {
                // N, D, B, τ: one row; a panel and a bit; a chunk and a bit; several splits.
                foreach ((int n, int d, int b, float t) in new[] { (1, 8, 1, 0.07f), (33, 33, 7, 0.2f), (129, 128, 3, 0.07f),
                    (8193, 16, 26, 1f) })
                    cases.Add(implementation, n, d, b, t);
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Matches_the_reference_for_positive_rows(string implementation, int rows, int width, int batch, float temperature)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(rows, width, seed: 1));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(batch, width, seed: 2);
        int[] positives = [.. Enumerable.Range(0, batch).Select(i => i * 31 % rows)];
        AssertMatches(world, q.View, temperature, (loss, losses, gradient) =>
            loss.Evaluate(q.View, positives, temperature, losses, gradient));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Matches_the_reference_for_positive_vectors(string implementation, int rows, int width, int batch, float temperature)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(rows, width, seed: 1));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(batch, width, seed: 2);
        using KernelTestData.Matrix positives = KernelTestData.UnitRows(batch, width, seed: 3);
        AssertMatches(
            world, q.View, temperature, (loss, losses, gradient) => loss.Evaluate(q.View, positives.View, temperature, losses, gradient));
    }

    [Theory, MemberData(nameof(Implementations))]
    public void The_gradient_is_the_slope_of_the_loss(string implementation)
    {
        const float Temperature = 0.5f, Step = 1e-2f;
        using var world = new World(implementation, MemoryBank.CreateRandom(70, 9, seed: 1));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(2, 9, seed: 2);
        using var gradient = new KernelTestData.Matrix(2, 9);
        using var ignored = new KernelTestData.Matrix(2, 9);
        float[] losses = new float[2];
        world.Loss.Evaluate(q.View, [3, 69], Temperature, losses, gradient.View);
        for (int d = 0; d < 9; d++)
        {
            float centre = q.View.Row(1)[d];
            q.View.Row(1)[d] = centre + Step;
            double above = world.Loss.Evaluate(q.View, [3, 69], Temperature, losses, ignored.View);
            q.View.Row(1)[d] = centre - Step;
            double below = world.Loss.Evaluate(q.View, [3, 69], Temperature, losses, ignored.View);
            q.View.Row(1)[d] = centre;
            // Central difference: h²/6 of a third derivative below 1/τ³, and float32 losses of about 5 over 2h.
            Assert.Equal((above - below) / (2 * Step), gradient.View.Row(1)[d], (Step * Step / 6 * 8) + (5 * 6e-8 / Step));
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Large_similarities_and_a_small_temperature_neither_overflow_nor_vanish(string implementation)
    {
        // Logits of ±4·10⁴: exp overflows even double unless it is taken relative to the largest.
        using var bank = MemoryBank.CreateRandom(300, 8, seed: 1);
        using var world = new World(implementation, bank);
        using var q = new KernelTestData.Matrix(2, 8);
        for (int d = 0; d < 8; d++)
        {
            q.View.Row(0)[d] = 400 * bank.Row(7)[d];
            q.View.Row(1)[d] = -400 * bank.Row(7)[d];
        }
        float[] losses = new float[2];
        using var gradient = new KernelTestData.Matrix(2, 8);
        world.Loss.Evaluate(q.View, [7, 7], 0.01f, losses, gradient.View);
        // Tensor cores' scores of unit vectors are off by up to 2⁻¹⁵ + D·2⁻²¹ (WholeBankLossCuda), a loss by twice that over τ.
        double scores = implementation == "cuda BFloat16" ? 2 * 400 * (Math.ScaleB(1, -15) + 8 * Math.ScaleB(1, -21)) / 0.01 : 0;
        Assert.Equal(0f, losses[0], 1e-4f + scores);
        using var reference = new WholeBankLossReference(bank);
        float[] expected = new float[2];
        using var expectedGradient = new KernelTestData.Matrix(2, 8);
        reference.Evaluate(q.View, [7, 7], 0.01f, expected, expectedGradient.View);
        Assert.Equal(expected[1], losses[1], expected[1] * 1e-6f + scores);
        for (int d = 0; d < 8; d++)
        {
            Assert.Equal(0f, gradient.View.Row(0)[d], 1e-3f);
            // Scores of 400 carry float32 errors of 400·8·6e-8; over τ = 0.01 that moves weights by up to 2 %.
            Assert.Equal(expectedGradient.View.Row(1)[d], gradient.View.Row(1)[d], 50 * 0.02f);
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Identical_rows_share_the_probability_evenly(string implementation)
    {
        using var bank = new MemoryBank(77, 4);
        for (int r = 0; r < 77; r++)
            bank.LoadRows(r, [0, 1, 0, 0]);
        using var world = new World(implementation, bank);
        using KernelTestData.Matrix q = KernelTestData.UnitRows(1, 4, seed: 2);
        using var gradient = new KernelTestData.Matrix(1, 4);
        float[] losses = new float[1];
        double loss = world.Loss.Evaluate(q.View, [76], 0.07f, losses, gradient.View);
        Assert.Equal(Math.Log(77), loss, 1e-5);
        foreach (float value in gradient.View.Row(0))
            Assert.Equal(0f, value, 1e-5f / 0.07f);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_bank_of_zero_rows_is_uniform(string implementation)
    {
        using var world = new World(implementation, new MemoryBank(50, 5));
        using var q = new KernelTestData.Matrix(3, 5);
        using var gradient = new KernelTestData.Matrix(3, 5);
        float[] losses = new float[3];
        Assert.Equal(Math.Log(50), world.Loss.Evaluate(q.View, [0, 1, 2], 0.07f, losses, gradient.View), 1e-5);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Impossible_questions_are_refused_by_name(string implementation)
    {
        using var world = new World(implementation, MemoryBank.CreateRandom(10, 8, seed: 1));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(2, 8, seed: 2);
        using var g = new KernelTestData.Matrix(2, 8);
        using KernelTestData.Matrix wide = KernelTestData.UnitRows(2, 9, seed: 2);
        float[] losses = new float[2];
        AssertRefused("Positive row 10", () => world.Loss.Evaluate(q.View, [0, 10], 0.07f, losses, g.View));
        AssertRefused("1 positives", () => world.Loss.Evaluate(q.View, [0], 0.07f, losses, g.View));
        AssertRefused("temperature", () => world.Loss.Evaluate(q.View, [0, 1], 0f, losses, g.View));
        AssertRefused("temperature", () => world.Loss.Evaluate(q.View, [0, 1], float.NaN, losses, g.View));
        AssertRefused("'losses'", () => world.Loss.Evaluate(q.View, [0, 1], 0.07f, new float[1], g.View));
        AssertRefused("gradient is 2 × 9", () => world.Loss.Evaluate(q.View, [0, 1], 0.07f, losses, wide.View));
        AssertRefused("width 9", () => world.Loss.Evaluate(q.View, wide.View, 0.07f, losses, g.View));
        g.View.Row(1)[0] = float.NaN;
        AssertRefused("Positive 1", () => world.Loss.Evaluate(q.View, g.View, 0.07f, losses, g.View));
        q.View.Row(1)[3] = float.NaN;
        AssertRefused("Query 1", () => world.Loss.Evaluate(q.View, [0, 1], 0.07f, losses, g.View));
        Assert.Equal(0, world.Loss.Evaluate(new MatrixView(null, 0, 8), [], 0.07f, [], new MatrixView(null, 0, 8)));
    }

    [Fact]
    public void The_thread_count_changes_no_bit_and_a_batch_of_several_passes_is_whole()
    {
        using var bank = MemoryBank.CreateRandom(13_000, 16, seed: 1);
        using KernelTestData.Matrix q = KernelTestData.UnitRows(400, 16, seed: 2);
        int[] positives = [.. Enumerable.Range(0, 400)];
        float[]? first = null;
        foreach (int threads in new[] { 1, 2, 5 })
        {
            using var pool = new WorkerPool(threads);
            using var loss = new WholeBankLossCpu(bank, pool);
            using var gradient = new KernelTestData.Matrix(400, 16);
            float[] losses = new float[400];
            loss.Evaluate(q.View, positives, 0.07f, losses, gradient.View);
            float[] all = [.. losses, .. gradient.View.Row(399), .. gradient.View.Row(0)];
            first ??= all;
            Assert.Equal(first, all);
            // The last query alone: the same loss, and a gradient 400 times as large.
            loss.Evaluate(q.View.Slice(399, 1), [399], 0.07f, losses.AsSpan(0, 1), gradient.View.Slice(0, 1));
            Assert.Equal(losses[399], losses[0]);
            Assert.Equal(gradient.View.Row(399)[0] * 400, gradient.View.Row(0)[0], 1e-5f);
        }
    }

    [Fact]
    public void The_vectors_width_changes_no_bit()
    {
        using var bank = MemoryBank.CreateRandom(9000, 33, seed: 1);
        using KernelTestData.Matrix q = KernelTestData.UnitRows(13, 33, seed: 2);
        using var pool = new WorkerPool(2);
        int[] positives = [.. Enumerable.Range(0, 13).Select(i => i * 601)];
        float[]? first = null;
        foreach (InstructionSet isa in KernelTestData.Isas)
        {
            using var loss = new WholeBankLossCpu(bank, pool, isa);
            using var gradient = new KernelTestData.Matrix(13, 33);
            float[] losses = new float[13];
            loss.Evaluate(q.View, positives, 0.07f, losses, gradient.View);
            float[] all = [.. losses, .. gradient.View.Row(12), .. gradient.View.Row(0)];
            first ??= all;
            Assert.Equal(first, all);
        }
    }

    [Fact]
    public void A_call_allocates_nothing_after_the_first()
    {
        using var world = new World("cpu Vector256 2", MemoryBank.CreateRandom(9000, 8, seed: 3));
        using KernelTestData.Matrix q = KernelTestData.UnitRows(7, 8, seed: 4);
        using var gradient = new KernelTestData.Matrix(7, 8);
        float[] losses = new float[7];
        int[] positives = [0, 1, 2, 3, 4, 5, 6];
        Assert.Equal(0, AllocationMeter.Bytes(() =>
        {
            world.Loss.Evaluate(q.View, positives, 0.07f, losses, gradient.View);
            world.Loss.Evaluate(q.View, q.View, 0.07f, losses, gradient.View);
        }));
    }

    private delegate double Evaluation(IWholeBankLoss loss, Span<float> losses, MatrixView gradient);

    private static void AssertMatches(World world, MatrixView q, float temperature, Evaluation evaluate)
    {
        using var reference = new WholeBankLossReference(world.Bank);
        using var expectedGradient = new KernelTestData.Matrix(q.Rows, q.Width);
        using var gradient = new KernelTestData.Matrix(q.Rows, q.Width);
        float[] expected = new float[q.Rows];
        float[] losses = new float[q.Rows];
        double expectedMean = evaluate(reference, expected, expectedGradient.View);
        double mean = evaluate(world.Loss, losses, gradient.View);
        // A logit carries D roundings over τ; the sum of N weights, each 2 ulp and its logit's error.
        double relative = (q.Width + 8) * 6e-8 / temperature + 1e-6;
        Assert.Equal(expectedMean, mean, relative * 4);
        for (int i = 0; i < q.Rows; i++)
        {
            Assert.Equal(expected[i], losses[i], relative * 4);
            for (int d = 0; d < q.Width; d++)
                Assert.Equal(expectedGradient.View.Row(i)[d], gradient.View.Row(i)[d], relative * 2 / temperature / q.Rows);
        }
    }

    private static void AssertRefused(string part, Action question) =>
        Assert.Contains(part, Assert.Throws<ArgumentException>(question).Message);

    /// <summary>A bank and one implementation over it, named "reference", "cpu ISA threads" or "cuda scores".</summary>
    private sealed class World : IDisposable
    {
        private readonly WorkerPool? _pool;
        private readonly TestDevice? _device;

        public World(string implementation, MemoryBank bank)
        {
            Bank = bank;
            string[] words = implementation.Split(' ');
            if (words[0] == "reference")
            {
                Loss = new WholeBankLossReference(bank);
                return;
            }

            if (words[0] == "cuda")
            {
                _device = new TestDevice();
                Loss = new WholeBankLossCuda(bank, _device, Enum.Parse<DeviceScores>(words[1]));
                return;
            }

            _pool = new WorkerPool(int.Parse(words[2]));
            Loss = new WholeBankLossCpu(bank, _pool, Enum.Parse<InstructionSet>(words[1]));
        }

        public MemoryBank Bank { get; }

        public IWholeBankLoss Loss { get; }

        public void Dispose()
        {
            Loss.Dispose();
            _device?.Dispose();
            _pool?.Dispose();
            Bank.Dispose();
        }
    }
}
