using System.Numerics.Tensors;
using SSLP.Kernels;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// The sets of some rows of a bank, each asking with its own vector, by the kernel that a step of training takes: nothing of size B × N,
/// and no second definition of S, F and Q.
/// </summary>
internal static class BankSets
{
    private const int Block = 64;

    /// <param name="step">The kernel, with its clusters; its <see cref="IThreeTermStep.Sets"/> are others afterwards, and nothing else of
    /// it.</param>
    /// <param name="bank">Its bank.</param>
    /// <param name="sampling">Its negatives': those that are ranked begin with the most similar, random ones are in the order of the
    /// bank.</param>
    /// <param name="anchors">Rows that ask.</param>
    /// <param name="seed">Of the ranks.</param>
    /// <param name="at">Step of the ranks.</param>
    public static unsafe IReadOnlyList<AnchorSets> Of(
        IThreeTermStep step, MemoryBank bank, NegativeSampling sampling, ReadOnlySpan<int> anchors, ulong seed, long at)
    {
        List<AnchorSets> sets = new(anchors.Length);
        float[] queries = new float[Block * bank.Width], gradient = new float[queries.Length];
        for (int start = 0; start < anchors.Length; start += Block)
        {
            ReadOnlySpan<int> asked = anchors.Slice(start, Math.Min(Block, anchors.Length - start));
            for (int i = 0; i < asked.Length; i++)
                bank.Row(asked[i]).CopyTo(queries.AsSpan(i * bank.Width));
            fixed (float* query = queries, unused = gradient)
            {
                var call = new ThreeTermCall(TermWeights.Ramped(1), seed, at);
                step.Run(asked, new MatrixView(query, asked.Length, bank.Width), call, new MatrixView(unused, asked.Length, bank.Width));
            }

            for (int i = 0; i < asked.Length; i++)
            {
                ReadOnlySpan<int> negatives = step.Sets.Negatives[i];
                sets.Add(new AnchorSets(
                    asked[i], Nearest(bank, asked[i], step.Sets.Spatial[i]), Nearest(bank, asked[i], step.Sets.Feature[i]),
                    sampling == NegativeSampling.Random ? negatives.ToArray() : Nearest(bank, asked[i], negatives)));
            }
        }

        return sets;
    }

    /// <summary>The most similar first, ties to the lower row.</summary>
    private static int[] Nearest(MemoryBank bank, int anchor, ReadOnlySpan<int> rows)
    {
        int[] members = rows.ToArray();
        float[] similarities = [.. members.Select(row => TensorPrimitives.Dot(bank.Row(anchor), bank.Row(row)))];
        return [.. Enumerable.Range(0, members.Length).OrderByDescending(i => similarities[i]).ThenBy(i => members[i])
            .Select(i => members[i])];
    }
}
