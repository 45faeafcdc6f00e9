using SSLP.Kernels.Tests.Device;
using Xunit;

namespace SSLP.Kernels.Tests;

/// <summary>The same cases over the reference, the CPU path on each instruction set and the device code.</summary>
public sealed unsafe class MomentumSgdTests
{
    private static readonly MomentumSgdRates Rates = new(0.015, 0.9, 1e-4);

    public static TheoryData<string> Implementations =>
        ["reference", "cpu Scalar 1", "cpu Vector128 3", "cpu Vector256 1", "cpu Vector256 2", "cpu Vector512 2", "cuda"];

    public static TheoryData<string, int[]> Cases
    {
        get
        {
            var cases = new TheoryData<string, int[]>();
            foreach (string implementation in Implementations.Select(row => row.Data))
            {
                foreach (int[] parts in new int[][] { [1], [3, 0, 2], [17, 16, 15, 33], [16_384], [40_000, 7, 1_000], [] })
                    cases.Add(implementation, parts);
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Matches_the_reference(string implementation, int[] parts)
    {
        using MomentumSgdWorld world = new(implementation, parts), reference = new("reference", parts);
        for (int step = 0; step < 4; step++)
        {
            double expected = reference.Step(seed: step, Rates), found = world.Step(seed: step, Rates);
            Assert.Equal(expected, found, 1e-12 * expected);
        }
        AssertNear(reference.Weights, world.Weights, 1e-6f);
        AssertNear(reference.Momentum, world.Momentum, 2e-6f);
    }

    [Theory, MemberData(nameof(Cases))]
    public void A_follower_is_the_reference_s(string implementation, int[] parts)
    {
        using MomentumSgdWorld world = new(implementation, parts), reference = new("reference", parts);
        foreach (MomentumSgdWorld each in new[] { world, reference })
        {
            each.Step(seed: 1, Rates);
            each.Follow(0.999);
            each.Follow(0.5);
        }
        AssertNear(reference.Key, world.Key, 1e-6f);
        world.Follow(0);
        Assert.Equal(world.Weights, world.Key);
    }

    [Fact]
    public void Neither_threads_nor_vectors_nor_pieces_nor_the_device_change_a_bit()
    {
        float[]? weights = null, momentum = null, key = null;
        foreach (string implementation in Implementations.Select(row => row.Data).Where(name => name != "reference"))
        {
            foreach (int[] parts in new int[][] { [50_003], [3, 50_000], [20_000, 10_001, 20_002] })
            {
                using var world = new MomentumSgdWorld(implementation, parts);
                for (int step = 0; step < 3; step++)
                    world.Step(seed: step, Rates);
                world.Follow(0.999);
                weights ??= world.Weights;
                momentum ??= world.Momentum;
                key ??= world.Key;
                Assert.Equal(weights, world.Weights);
                Assert.Equal(momentum, world.Momentum);
                Assert.Equal(key, world.Key);
            }
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_gradient_that_is_not_finite_or_far_too_long_moves_nothing(string implementation)
    {
        using var world = new MomentumSgdWorld(implementation, [900, 101]);
        world.Step(seed: 1, Rates);
        float[] weights = world.Weights, momentum = world.Momentum, key = world.Key;
        foreach (float planted in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1.9e19f])
        {
            double norm = world.Step(seed: 2, Rates, at: 950, planted);
            world.Follow(0.5);
            Assert.False(double.IsFinite(norm));
            Assert.Equal(weights, world.Weights);
            Assert.Equal(momentum, world.Momentum);
            Assert.Equal(key, world.Key);
        }
        Assert.Equal(1.8e19, world.Step(seed: 3, Rates, at: 950, 1.8e19f), 1e13);
        Assert.NotEqual(weights, world.Weights);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void The_norm_of_numbers_whose_squares_float32_cannot_hold_is_right(string implementation)
    {
        using var world = new MomentumSgdWorld(implementation, [300]);
        Assert.Equal(Math.Sqrt(300) * 1e-25, world.Norm(Enumerable.Repeat(1e-25f, 300)), 1e-31);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_fresh_momentum_becomes_the_first_direction_to_the_bit(string implementation)
    {
        using var world = new MomentumSgdWorld(implementation, [8]);
        float[] gradient = [0f, -0f, 1f, -1f, 1e-40f, 3.4e18f, -1e-45f, 0.1f];
        world.Norm(gradient);
        world.Move(Rates with { WeightDecay = 0, LearningRate = 0 });
        for (int i = 0; i < gradient.Length; i++)
        {
            // A weight times a decay of 0 is +0, which takes a zero's sign; torch leaves the decay out then.
            Assert.Equal(gradient[i], world.Momentum[i]);
        }
        Assert.True(float.IsNegative(IMomentumSgd.FreshMomentum));
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Impossible_calls_are_refused(string implementation)
    {
        using var world = new MomentumSgdWorld(implementation, [12]);
        world.Norm(new float[12]);
        AssertRefused("momentum of 1.5", () => world.Move(Rates with { Momentum = 1.5 }));
        AssertRefused("learning rate of -1", () => world.Move(Rates with { LearningRate = -1 }));
        AssertRefused("weight decay of NaN", () => world.Move(Rates with { WeightDecay = double.NaN }));
        AssertRefused("momentum of 8", () => world.MoveShort(Rates));
        AssertRefused("momentum of NaN", () => world.Follow(double.NaN));
    }

    [Fact]
    public void A_device_takes_one_piece_of_whole_quads_and_says_so()
    {
        using var device = new TestDevice();
        using var sgd = new MomentumSgdCuda(device);
        AssertRefused("in one piece, not in 2", () => sgd.Norm([new((float*)256, 4), new((float*)512, 4)]));
        AssertRefused("not of 6", () => sgd.Norm([new((float*)256, 6)]));
        AssertRefused("multiple of 16", () => sgd.Norm([new((float*)260, 4)]));
    }

    [Fact]
    public void A_step_allocates_nothing_after_the_first()
    {
        using var world = new MomentumSgdWorld("cpu Vector256 2", [5_000, 70_000]);
        world.Step(seed: 1, Rates);
        Assert.Equal(0, AllocationMeter.Bytes(() => world.StepAgain(Rates)));
    }

    private static void AssertRefused(string part, Action call) =>
        Assert.Contains(part, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);

    private static void AssertNear(float[] expected, float[] found, float relative)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], relative * (1 + Math.Abs(expected[i])));
    }
}
