using System.Globalization;
using SSLP.Data.Patches;
using SSLP.Kernels;

namespace SSLP.Data.Loading;

/// <summary>How an epoch's order is drawn.</summary>
/// <param name="RunLength">
/// Patches that follow each other in the table and stay together when runs are shuffled: neighbours on a slide share file tiles, so a
/// run is decoded once. 1 gives a full permutation.
/// </param>
/// <param name="WindowRuns">Runs whose patches are shuffled among each other. The window, run length × this, is what a decode cache must
/// hold.</param>
/// <param name="BalanceSlides">Every slide gives the same number of patches an epoch, the small ones by repeating, the large ones by
/// sampling.</param>
public sealed record OrderOptions(int RunLength = 1, int WindowRuns = 256, bool BalanceSlides = false);

/// <summary>
/// The order of the patches in each epoch: a pure function of (seed, epoch), so a checkpoint needs only the epoch and the batch.
/// Runs of neighbours are permuted over the whole table, then patches are permuted within windows of many runs.
/// <para>The randomness this costs: in a full permutation two given patches meet in a batch with probability (B − 1)/(N − 1); here two
/// patches of one run meet with (B − 1)/(W − 1), W = window size (<see cref="SameRunMeetingRate"/>). All other pairs are as before.</para>
/// </summary>
public sealed class PatchOrder
{
    private readonly PatchTable _table;
    private readonly OrderOptions _options;
    private readonly ulong _seed;

    /// <param name="table">The patches.</param>
    /// <param name="options">Run length, window, balancing.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="batchSize">B; an incomplete last batch is left out, as the field does, unless it is the only one.</param>
    public PatchOrder(PatchTable table, OrderOptions options, ulong seed, int batchSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.RunLength, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.WindowRuns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (table.Count == 0)
            throw new ArgumentException("There is no patch to order.", nameof(table));
        (_table, _options, _seed) = (table, options, seed);
        BatchSize = Math.Min(batchSize, table.Count);
        BatchesPerEpoch = table.Count / BatchSize;
    }

    /// <summary>B, at most N.</summary>
    public int BatchSize { get; }

    /// <summary>⌊N / B⌋, at least 1.</summary>
    public int BatchesPerEpoch { get; }

    /// <summary>Probability that two patches of one run share a batch: (B − 1)/(W − 1), against (B − 1)/(N − 1) for a full
    /// permutation.</summary>
    public double SameRunMeetingRate =>
        (BatchSize - 1) / Math.Max(1.0, Math.Min((long)_options.RunLength * _options.WindowRuns, _table.Count) - 1);

    /// <summary>One line for run.json: how patches are mixed, and the randomness lost as a number.</summary>
    public string Describe
    {
        get
        {
            string balance = _options.BalanceSlides ? ", every slide gives equally many" : string.Empty;
            double full = (BatchSize - 1) / Math.Max(1.0, _table.Count - 1);
            return _options.RunLength == 1
                ? string.Create(CultureInfo.InvariantCulture,
                $"full permutation{balance}: two patches share a batch with probability {full:G2}")
                : string.Create(CultureInfo.InvariantCulture,
                    $"runs of {_options.RunLength} patches mixed in windows of {_options.WindowRuns} runs{balance}: two patches of one " +
                    $"run share a batch with probability {SameRunMeetingRate:G2}, in a full permutation {full:G2}");
        }
    }

    /// <summary>The patches of one epoch, N of them; the first <see cref="BatchesPerEpoch"/> × B are used.</summary>
    public int[] Epoch(int epoch)
    {
        int[]? balanced = _options.BalanceSlides ? BalancedPatches(epoch) : null;
        int[] order = _options.RunLength > 1 ? ShuffleRuns(balanced, epoch) : balanced ?? [.. Enumerable.Range(0, _table.Count)];
        int window = _options.RunLength == 1 ? order.Length : _options.RunLength * _options.WindowRuns;
        for (int start = 0; start < order.Length; start += window)
            Shuffle(order.AsSpan(start, Math.Min(window, order.Length - start)), RandomPurpose.PatchOrder, epoch, start);
        return order;
    }

    /// <param name="order">Null: the patches as the table has them, which takes no memory.</param>
    private int[] ShuffleRuns(int[]? order, int epoch)
    {
        int length = _options.RunLength;
        int[] runs = [.. Enumerable.Range(0, (_table.Count + length - 1) / length)];
        Shuffle(runs, RandomPurpose.RunOrder, epoch, 0);
        int[] shuffled = new int[_table.Count];
        int next = 0;
        foreach (int run in runs)
        {
            int first = run * length, count = Math.Min(length, shuffled.Length - first);
            for (int at = first; at < first + count; at++)
                shuffled[next++] = order is null ? at : order[at];
        }
        return shuffled;
    }

    /// <summary>N patches of which every slide gives N/S (the first N mod S slides one more), slide by slide in table order.</summary>
    private int[] BalancedPatches(int epoch)
    {
        int[][] bySlide = [.. Enumerable.Range(0, _table.Count).GroupBy(p => _table.SlideOf[p]).OrderBy(g => g.Key)
            .Select(g => g.ToArray())];
        int[] chosen = new int[_table.Count];
        int next = 0;
        for (int slide = 0; slide < bySlide.Length; slide++)
        {
            int quota = _table.Count / bySlide.Length + (slide < _table.Count % bySlide.Length ? 1 : 0);
            int[] patches = bySlide[slide];
            for (int taken = 0; taken < quota; taken += patches.Length)
            {
                int count = Math.Min(patches.Length, quota - taken);
                if (count < patches.Length)
                    Shuffle(patches, RandomPurpose.SlideBalance, epoch, slide);
                Span<int> part = chosen.AsSpan(next, count);
                patches.AsSpan(0, count).CopyTo(part);
                part.Sort(); // table order again, so that runs are neighbours
                next += count;
            }
        }
        return chosen;
    }

    private void Shuffle(Span<int> items, RandomPurpose purpose, int epoch, int part) =>
        CounterRandom.Shuffle(items, CounterRandom.Key(_seed, purpose), ((ulong)(uint)epoch << 32) | (uint)part);
}
