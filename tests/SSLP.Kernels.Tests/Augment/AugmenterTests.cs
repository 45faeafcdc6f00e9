using SSLP.Kernels.Tests.Device;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed unsafe class AugmenterTests
{
    private static readonly AugmentOptions Everything = new()
    {
        InputSize = 17,
        VerticalFlip = 0.5f,
        Grayscale = 0.2f,
        Blur = 0.5f,
        StainScale = 0.3f,
        StainShift = 0.1f,
    };

    // Values are in [0, 1] after every step: forty roundings by 2⁻²⁴, divided by the smallest deviation. (Worst seen: 2.8e-6, a quarter of
    // it.)
    private static readonly double Tolerance = 40 * Math.ScaleB(1, -24) / 0.224;

    // The device's logarithms and exponentials are its own, and a stain map stretches them.
    private static readonly double DeviceTolerance = 200 * Math.ScaleB(1, -24) / 0.224;

    public static TheoryData<string, int, int> Sizes
    {
        get
        {
            var cases = new TheoryData<string, int, int>();
            foreach (string implementation in Implementations.Select(row => row.Data))
            {
                foreach ((int patch, int input) in ((int, int)[])[(1, 1), (1, 5), (7, 3), (9, 17), (33, 17), (50, 48), (96, 11)])
                    cases.Add(implementation, patch, input);
            }

            return cases;
        }
    }

    public static TheoryData<string> Implementations => ["cpu", "cuda"];

    [Theory, MemberData(nameof(Sizes))]
    public void Matches_the_reference(string implementation, int patchSize, int inputSize)
    {
        AugmentOptions options = Everything with { InputSize = inputSize };
        byte[] patches = TissueLike(12, patchSize, seed: 3);
        float[] output = Run(options, patchSize, patches, 12, workers: 1, seed: 11, step: 5, implementation: implementation);
        for (int i = 0; i < 12; i++)
        {
            var plan = AugmentPlan.Draw(options, patchSize, 11, 5, i, 0);
            double[] expected = AugmenterReference.Apply(options, plan, Patch(patches, patchSize, i), patchSize);
            AssertClose(expected, View(output, inputSize, i), implementation);
        }
    }

    [Theory]
    [InlineData(0, "cpu")]
    [InlineData(255, "cpu")]
    [InlineData(0, "cuda")]
    [InlineData(255, "cuda")]
    public void Black_and_white_patches_match_the_reference(byte value, string implementation)
    {
        byte[] patch = new byte[20 * 20 * 3];
        Array.Fill(patch, value);
        float[] output = Run(Everything, 20, patch, 1, workers: 1, seed: 1, step: 0, implementation: implementation);
        AssertClose(AugmenterReference.Apply(Everything, AugmentPlan.Draw(Everything, 20, 1, 0, 0, 0), patch, 20), output, implementation);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Saturated_colours_and_single_bright_pixels_match_the_reference(string implementation)
    {
        byte[] patches = new byte[8 * 21 * 21 * 3];
        for (int i = 0; i < patches.Length; i += 7)
            patches[i] = 255;
        float[] output = Run(Everything, 21, patches, 8, workers: 1, seed: 2, step: 0, implementation: implementation);
        for (int i = 0; i < 8; i++)
        {
            AssertClose(
                AugmenterReference.Apply(Everything, AugmentPlan.Draw(Everything, 21, 2, 0, i, 0), Patch(patches, 21, i), 21),
                View(output, 17, i), implementation);
        }
    }

    [Fact]
    public void Every_order_of_the_colour_steps_matches_the_reference()
    {
        byte[] patch = TissueLike(1, 13, seed: 5);
        int[][] orders = [.. from a in Enumerable.Range(0, 4) from b in Enumerable.Range(0, 4) from c in Enumerable.Range(0, 4)
            from d in Enumerable.Range(0, 4)
            where new[] { a, b, c, d }.Distinct().Count() == 4 select new[] { a, b, c, d }];
        Assert.Equal(24, orders.Length);
        foreach (int[] order in orders)
        {
            AugmentPlan plan = AugmentPlan.Evaluation(13, 17, 17) with
            {
                Brightness = 1.3f,
                Contrast = 0.6f,
                Saturation = 1.4f,
                Hue = -0.23f,
                Order = order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6,
            };
            AssertClose(AugmenterReference.Apply(Everything, plan, patch, 13), RunPlan(Everything, plan, patch, 13));
        }
    }

    [Fact]
    public void The_antialiased_weights_are_those_of_a_triangle_two_outputs_wide()
    {
        // 4 → 2 pixels: the first output weighs its sources 3 : 3 : 1, so that 0, 70, 140, 210 become 50 and 160.
        byte[] patch = new byte[4 * 4 * 3];
        for (int pixel = 0; pixel < 16; pixel++)
            patch.AsSpan(3 * pixel, 3).Fill((byte)(70 * (pixel % 4)));
        AugmentOptions options = Unnormalised(2);
        float[] output = RunPlan(options, AugmentPlan.Evaluation(4, 2, 2), patch, 4);
        for (int i = 0; i < output.Length; i++)
            Assert.Equal(i % 2 == 0 ? 50 / 255f : 160 / 255f, output[i], 1e-6f);
    }

    [Fact]
    public void Evaluation_without_a_change_of_size_only_normalises()
    {
        byte[] patch = TissueLike(1, 24, seed: 9);
        AugmentOptions options = new() { InputSize = 24 };
        float[] output = RunPlan(options, AugmentPlan.Evaluation(24, 24, 24), patch, 24);
        for (int i = 0; i < 24 * 24; i++)
            Assert.Equal((patch[3 * i] / 255.0 - 0.485) / 0.229, output[i], 5e-7 / 0.229);
    }

    [Theory]
    [InlineData(32, 28, 32, "cpu")]
    [InlineData(50, 28, 33, "cpu")]
    [InlineData(20, 28, 32, "cpu")]
    [InlineData(50, 28, 33, "cuda")]
    public void Evaluation_is_the_centre_window_of_the_resized_patch(int patchSize, int inputSize, int resizedSide, string implementation)
    {
        byte[] patches = TissueLike(2, patchSize, seed: 1);
        AugmentOptions options = new() { InputSize = inputSize };
        using var pool = new WorkerPool(1);
        using TestDevice? device = implementation == "cuda" ? new TestDevice() : null;
        using IAugmenter augmenter = device is null ? new AugmenterCpu(options, patchSize, pool)
            : new AugmenterCuda(options, patchSize, device);
        float[] output = new float[2 * 3 * inputSize * inputSize];
        fixed (byte* source = patches)
        fixed (float* target = output)
            augmenter.ApplyEvaluation(resizedSide, 2, source, target);
        var whole = AugmentPlan.Evaluation(patchSize, resizedSide, resizedSide);
        for (int i = 0; i < 2; i++)
        {
            double[] resized = AugmenterReference.Apply(options with { InputSize = resizedSide }, whole,
                Patch(patches, patchSize, i), patchSize);
            int offset = (int)Math.Round((resizedSide - inputSize) / 2.0);
            double[] window = [.. from c in Enumerable.Range(0, 3) from y in Enumerable.Range(0, inputSize) from x in Enumerable.Range(
                0, inputSize)
                select resized[(c * resizedSide + offset + y) * resizedSide + offset + x]];
            AssertClose(window, View(output, inputSize, i), implementation);
        }
    }

    [Fact]
    public void Threads_and_the_rest_of_the_batch_change_nothing()
    {
        byte[] patches = TissueLike(9, 30, seed: 4);
        float[] alone = Run(Everything, 30, patches, 9, workers: 1, seed: 7, step: 3);
        float[] together = Run(Everything, 30, patches, 9, workers: 3, seed: 7, step: 3);
        Assert.Equal(alone, together);

        using var pool = new WorkerPool(1);
        using var augmenter = new AugmenterCpu(Everything, 30, pool);
        float[] single = new float[3 * 17 * 17];
        fixed (byte* source = patches)
        fixed (float* target = single)
            augmenter.Apply(7, 3, 0, [6], source + 6 * 30 * 30 * 3, target);
        Assert.Equal(View(alone, 17, 6).ToArray(), single);
    }

    [Fact]
    public void Another_step_view_or_seed_gives_another_picture()
    {
        byte[] patch = TissueLike(1, 30, seed: 4);
        float[] first = Run(Everything, 30, patch, 1, 1, seed: 7, step: 3);
        Assert.NotEqual(first, Run(Everything, 30, patch, 1, 1, seed: 8, step: 3));
        Assert.NotEqual(first, Run(Everything, 30, patch, 1, 1, seed: 7, step: 4));
        Assert.NotEqual(first, Run(Everything, 30, patch, 1, 1, seed: 7, step: 3, view: 1));
        Assert.Equal(first, Run(Everything, 30, patch, 1, 1, seed: 7, step: 3));
    }

    [Fact]
    public void A_flip_is_the_mirror_image()
    {
        byte[] patch = TissueLike(1, 26, seed: 8);
        var plan = AugmentPlan.Evaluation(26, 17, 17);
        float[] plain = RunPlan(Everything, plan, patch, 26), across = RunPlan(Everything, plan with { FlipX = 1 }, patch, 26);
        float[] down = RunPlan(Everything, plan with { FlipY = 1 }, patch, 26);
        for (int i = 0; i < plain.Length; i++)
        {
            int x = i % 17, row = i / 17, plane = row / 17 * 17, y = row % 17;
            Assert.Equal(plain[i], across[row * 17 + 16 - x]);
            Assert.Equal(plain[i], down[(plane + 16 - y) * 17 + x]);
        }
    }

    [Fact]
    public void A_call_after_the_first_allocates_nothing()
    {
        byte[] patches = TissueLike(4, 30, seed: 4);
        float[] output = new float[4 * 3 * 17 * 17];
        using var pool = new WorkerPool(1);
        using var augmenter = new AugmenterCpu(Everything, 30, pool);
        fixed (byte* source = patches)
        fixed (float* target = output)
        {
            augmenter.Apply(1, 0, 0, [0, 1, 2, 3], source, target);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int step = 1; step < 20; step++)
                augmenter.Apply(1, step, 0, [0, 1, 2, 3], source, target);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void Rejects_a_plan_that_leaves_the_patch()
    {
        AugmentPlan plan = AugmentPlan.Evaluation(26, 17, 17) with { Left = 1 };
        Assert.Throws<ArgumentException>(() => RunPlan(Everything, plan, new byte[26 * 26 * 3], 26));
    }

    private static AugmentOptions Unnormalised(int inputSize) => new() { InputSize = inputSize, Mean = (0, 0, 0), Deviation = (1, 1, 1) };

    private static float[] RunPlan(AugmentOptions options, AugmentPlan plan, byte[] patch, int patchSize)
    {
        using var pool = new WorkerPool(1);
        using var augmenter = new AugmenterCpu(options, patchSize, pool);
        float[] output = new float[3 * options.InputSize * options.InputSize];
        fixed (byte* source = patch)
        fixed (float* target = output)
            augmenter.Apply([plan], source, target);
        return output;
    }

    private static float[] Run(
        AugmentOptions options, int patchSize, byte[] patches, int count, int workers, ulong seed, long step, int view = 0,
        string implementation = "cpu")
    {
        using var pool = new WorkerPool(workers);
        using TestDevice? device = implementation == "cuda" ? new TestDevice() : null;
        using IAugmenter augmenter = device is null ? new AugmenterCpu(options, patchSize, pool)
            : new AugmenterCuda(options, patchSize, device);
        float[] output = new float[count * 3 * options.InputSize * options.InputSize];
        fixed (byte* source = patches)
        fixed (float* target = output)
            augmenter.Apply(seed, step, view, [.. Enumerable.Range(0, count)], source, target);
        return output;
    }

    // Pink and purple with texture, so that every hue sector near H&E and its shifts are met.
    private static byte[] TissueLike(int count, int patchSize, int seed)
    {
        var random = new Random(seed);
        byte[] patches = new byte[count * patchSize * patchSize * 3];
        for (int i = 0; i < patches.Length; i += 3)
        {
            double stain = random.NextDouble();
            patches[i] = (byte)(230 - 120 * stain + random.Next(25));
            patches[i + 1] = (byte)(200 - 160 * stain + random.Next(40));
            patches[i + 2] = (byte)(225 - 70 * stain + random.Next(30));
        }

        return patches;
    }

    private static ReadOnlySpan<byte> Patch(byte[] patches, int patchSize, int i) =>
        patches.AsSpan(i * patchSize * patchSize * 3, patchSize * patchSize * 3);

    private static ReadOnlySpan<float> View(float[] output, int inputSize, int i) =>
        output.AsSpan(i * inputSize * inputSize * 3, inputSize * inputSize * 3);

    private static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, string implementation = "cpu")
    {
        double tolerance = implementation == "cuda" ? DeviceTolerance : Tolerance;
        Assert.Equal(expected.Length, actual.Length);
        double worst = 0;
        for (int i = 0; i < expected.Length; i++)
            worst = Math.Max(worst, double.IsNaN(actual[i]) ? double.PositiveInfinity : Math.Abs(expected[i] - actual[i]));
        Assert.True(worst <= tolerance, $"worst difference {worst:g4} of normalised values, tolerance {tolerance:g4}");
    }
}
