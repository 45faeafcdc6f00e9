using SSLP.Data.Patches;
using SSLP.Evaluation.Features;

namespace SSLP.Evaluation.Tests.Probes;

/// <summary>Features with the troubles of real ones: correlated columns of unlike scale, a shift per slide, classes that overlap, one
/// constant column.</summary>
internal static class TissueLikeFeatures
{
    public static FeatureTable Make(int slides, int perSlide, int width, int classes, int seed, float separation = 1.2f,
        bool withSplit = true)
    {
        Random random = new(seed);
        int n = slides * perSlide;
        int[] slideOf = new int[n], col = new int[n], row = new int[n], label = new int[n], split = new int[n];
        float[] values = new float[n * width];
        float[][] centres = [.. Enumerable.Range(0, classes).Select(_ => Normal(random, width))];
        float[][] mixing = [.. Enumerable.Range(0, width).Select(_ => Normal(random, width))];
        for (int s = 0; s < slides; s++)
        {
            float[] shift = Normal(random, width);
            for (int p = 0; p < perSlide; p++)
            {
                int i = s * perSlide + p;
                (slideOf[i], col[i], row[i], split[i]) = (s, p % 8, p / 8, s % 4 == 0 ? 1 : 0);
                // Unequal classes, so that accuracy and balanced accuracy differ.
                label[i] = (int)(classes * Math.Pow(random.NextDouble(), 1.5));
                float[] noise = Normal(random, width);
                for (int w = 0; w < width; w++)
                {
                    float mixed = 0;
                    for (int v = 0; v < width; v++)
                        mixed += mixing[w][v] * noise[v];
                    values[i * width + w] = (separation * centres[label[i]][w] + 0.5f * shift[w] + mixed / MathF.Sqrt(width)) * MathF.Pow(
                        10, w % 5 - 2) + w;
                }

                values[i * width + width - 1] = 3;
            }
        }

        PatchTable patches = new(
            [.. Enumerable.Range(0, slides).Select(s => $"slide{s}")], slideOf, col, row,
            new CategoryColumn([.. Enumerable.Range(0, classes).Select(c => $"class{c}")], label),
            withSplit ? new CategoryColumn(["train", "val"], split) : null);
        return new FeatureTable(patches, values, width, "tissue-like");
    }

    private static float[] Normal(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
}
