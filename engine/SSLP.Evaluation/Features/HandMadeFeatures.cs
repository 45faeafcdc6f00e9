using System.Collections.Concurrent;
using SSLP.Data.Patches;

namespace SSLP.Evaluation.Features;

/// <summary>
/// Features that nobody trained, as the bar under every encoder: mean colour (3 numbers), and colour and texture statistics (65).
/// What a probe reaches with these needs no learning, so it is no merit of a network.
/// </summary>
public static class HandMadeFeatures
{
    /// <summary>Mean red, green and blue, 0..1.</summary>
    public static FeatureTable MeanColour(IPatchSource source, CancellationToken cancel = default) =>
        Extract(source, 3, "mean colour", (rgb, _, features) =>
        {
            for (int channel = 0; channel < 3; channel++)
            {
                long sum = 0;
                for (int at = channel; at < rgb.Length; at += 3)
                    sum += rgb[at];
                features[channel] = sum / (255f * (rgb.Length / 3));
            }
        }, cancel);

    /// <summary>The 65 statistics of <see cref="TextureStatistics"/>.</summary>
    public static FeatureTable ColourAndTexture(IPatchSource source, CancellationToken cancel = default) =>
        Extract(source, TextureStatistics.Count, "colour + texture", TextureStatistics.Compute, cancel);

    private delegate void Describe(ReadOnlySpan<byte> rgb, int side, Span<float> features);

    /// <summary>A row for every patch that reads; one that does not is left out, as it is from an encoder's features.</summary>
    private static FeatureTable Extract(IPatchSource source, int width, string name, Describe describe, CancellationToken cancel)
    {
        int side = source.PatchSize;
        float[] values = new float[source.Table.Count * width];
        ConcurrentBag<int> unread = [];
        Parallel.For(
            0, source.Table.Count, new ParallelOptions { CancellationToken = cancel, MaxDegreeOfParallelism = Environment.ProcessorCount },
            () => new byte[side * side * 3],
            (patch, _, rgb) =>
            {
                try
                {
                    source.Read(patch, rgb);
                    describe(rgb, side, values.AsSpan(patch * width, width));
                }
                catch (PatchReadException)
                {
                    unread.Add(patch);
                }

                return rgb;
            },
            _ => { });
        // A copy: the table of a manifest lies in a mapped file, which closes with the source.
        FeatureTable table = new(source.Table.Select([.. Enumerable.Range(0, source.Table.Count)]), values, width, name);
        return unread.IsEmpty ? table : table.Select([.. Enumerable.Range(0, table.Count).Except(unread)]);
    }
}
