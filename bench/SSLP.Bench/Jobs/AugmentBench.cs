using SkiaSharp;
using SSLP.Engine.Torch;
using SSLP.Kernels;

namespace SSLP.Bench.Jobs;

/// <summary>
/// How much faster than SkiaSharp are the same crops of 256-px patches resized to the input's side on one core? Ours also mirrors,
/// normalises and writes float planes; SkiaSharp's time is the crop and resize to bytes alone.
/// </summary>
public static class AugmentBench
{
    private const int PatchSize = 256;
    private const ulong Seed = 1;

    /// <summary>Floor: the patches' bytes read and the output's floats written, by the fastest copy and fill of this machine.</summary>
    public static unsafe BenchReport Run(BenchOptions options)
    {
        options.RequireCpu("augment");
        options = options.OrElse(queries: 64, side: 224);
        (int patches, int side) = (options.Queries, options.Side);
        using var source = new AlignedBuffer<byte>(checked(patches * PatchSize * PatchSize * 3));
        using var copy = new AlignedBuffer<byte>(source.Length);
        using var output = new AlignedBuffer<float>(checked(patches * 3 * side * side));
        FillLikeTissue(source.Span(0, (int)source.Length));
        using var pool = new WorkerPool(1);
        int[] ids = [.. Enumerable.Range(0, patches)];
        AugmentOptions cropAndFlip = AugmentOptions.CropAndFlip with { InputSize = side };
        AugmentPlan[] plans = [.. ids.Select(i => AugmentPlan.Draw(cropAndFlip, PatchSize, Seed, 0, i, 0))];
        using var crops = new AugmenterCpu(cropAndFlip, PatchSize, pool);
        using var paper = new AugmenterCpu(AugmentOptions.Sslp with { InputSize = side }, PatchSize, pool);
        using var skia = new SkiaCrops(source.Pointer, plans, side);

        var rounds = new BenchRounds(options);
        rounds.Add("ours", () => crops.Apply(plans, source.Pointer, output.Pointer));
        rounds.Add("skiasharp linear, no antialiasing", () => skia.Draw(new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.None)));
        rounds.Add("skiasharp linear with mipmaps", () => skia.Draw(new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear)));
        rounds.Add("ours, the paper's whole list", () => paper.Apply(Seed, 0, 0, ids, source.Pointer, output.Pointer));
        rounds.Add("floor", () =>
        {
            source.Span(0, (int)source.Length).CopyTo(copy.Span(0, (int)copy.Length));
            output.Span(0, (int)output.Length).Fill(1f);
        });
        double[] medians = rounds.Medians();
        BenchBaseline[] others = [.. rounds.Baselines(medians)];
        return new BenchReport(
            "augment", ThisProcess.Machine(1), ThisProcess.Commit(),
            new Dictionary<string, long> { ["patches"] = patches, ["patch"] = PatchSize, ["side"] = side },
            medians[0], medians[^1], medians[^1] / medians[0], PeakBytes: 0, [.. others.Take(2)],
            [
                $"one core; ours: {1e3 * medians[0] / patches:F0} µs a patch, with the paper's jitter and grayscale " +
                $"{1e3 * others[2].Ms / patches:F0} µs",
                "peak_bytes is 0: a call allocates nothing (a test counts)",
            ]);
    }

    private static void FillLikeTissue(Span<byte> patches)
    {
        var random = new Random(1);
        for (int i = 0; i < patches.Length; i += 3)
        {
            double stain = random.NextDouble();
            (patches[i], patches[i + 1], patches[i + 2]) = ((byte)(230 - 120 * stain), (byte)(200 - 160 * stain), (byte)(225 - 70 * stain));
        }
    }

    /// <summary>The patches as SkiaSharp's images and a canvas of the output's size.</summary>
    private sealed unsafe class SkiaCrops : IDisposable
    {
        private readonly AugmentPlan[] _plans;
        private readonly SKImage[] _images;
        private readonly SKSurface _surface;
        private readonly int _side;

        public SkiaCrops(byte* patches, AugmentPlan[] plans, int side)
        {
            _side = side;
            _surface = SKSurface.Create(new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque));
            _plans = plans;
            _images = [.. plans.Select((_, i) => ToImage(patches + (nint)i * PatchSize * PatchSize * 3))];
        }

        public void Draw(SKSamplingOptions sampling)
        {
            for (int i = 0; i < _plans.Length; i++)
            {
                AugmentPlan plan = _plans[i];
                var crop = new SKRect(plan.Left, plan.Top, plan.Left + plan.Width, plan.Top + plan.Height);
                _surface.Canvas.DrawImage(_images[i], crop, new SKRect(0, 0, _side, _side), sampling);
            }
        }

        public void Dispose()
        {
            foreach (SKImage image in _images)
                image.Dispose();
            _surface.Dispose();
        }

        private static SKImage ToImage(byte* patch)
        {
            using var bitmap = new SKBitmap(new SKImageInfo(PatchSize, PatchSize, SKColorType.Rgba8888, SKAlphaType.Opaque));
            byte* pixels = (byte*)bitmap.GetPixels();
            for (int i = 0; i < PatchSize * PatchSize; i++)
                (pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2], pixels[4 * i + 3]) =
                    (patch[3 * i], patch[3 * i + 1], patch[3 * i + 2], 255);
            return SKImage.FromBitmap(bitmap);
        }
    }
}
