namespace SSLP.Kernels.Tests.Device;

/// <summary>Why a kernel asks for more sectors than there are, or passes over banks more often than it would without conflicts.</summary>
internal static class KernelNotes
{
    private const string Tile =
        "a tile of the product reads its queries and its rows from the cache, each as often as there are tiles of the other; memory " +
        "moves the floor";

    public static readonly (string Kernel, string Note)[] All =
    [
        ("ScoreSamples", Tile + "."),
        ("SelectThresholds",
            "walks its query's sampled scores and their row numbers once a byte of the key until one is left, then for the borders, 4 " +
            "to 10 walks of some kilobytes that stay in the cache. Passes: counters of a digit are hit by several lanes at once, as " +
            "scores lie close."),
        ("CollectCandidates",
            Tile + ". Passes: keys are laid out in runs that begin at any bank, half a per cent."),
        ("DealBuckets",
            "a key's place is its bucket's cursor, and neighbours of a list go to different buckets: stores of 8 bytes a sector, put " +
            "together in the L2, where a bucket of some kilobytes is filled by one group."),
        ("SortBuckets",
            "for nearest keys, whose lists are short. Some kilobytes, and a sector for each of two numbers a bucket. Passes: the last " +
            "layers of a bitonic network exchange keys of 8 bytes that lie less than 16 apart, two lanes a bank; a padded layout costs " +
            "an addition an access and was not tried on a card."),
        ("SortCutBuckets",
            "searches the bucket by halves, numbers of 4 bytes; sorts one bucket a list. Passes: as SortBuckets."),
        ("RoundRows",
            "every lane sums the row's squares itself, as the loads are shared: a row is read twice, from the cache the second time. " +
            "In a step it takes the batch's rows alone."),
        ("CollectRoundedCandidates", Tile + ", and noted rows are appended by an atomic each."),
        ("RescoreCandidates",
            "gathers a row of the bank for every noted row of every query: nothing to share but what the cache holds. For nearest keys, " +
            "whose lists are short; in the step, where ranks reach 0.15 N, three products of bf16 rank instead."),
        ("ScoreSplitSamples", Tile + "."),
        ("CollectSplitCandidates", Tile + ", and four lanes append a query's keys of 64 rows side by side."),
        ("CountRanks",
            Tile + "; an atomic a score goes to the query's histogram. Not in a training step."),
        ("CountSplitRanks",
            Tile + "; an atomic a score goes to the query's histogram. Not in a training step."),
        ("SimilarityAtRanks",
            "a thread sums a run of neighbouring bins, so that a sector is asked for once a bin: eight times, seven from the L1. 16 " +
            "KB a query, once. Passes: the scan of the runs' sums, 0.3 per cent. Not in a training step."),
        ("FindSpatialNeighbours",
            "a warp searches the sorted columns of 2T + 1 lines by halves, counts, and walks the places again when it knows where " +
            "they go; the rows of neighbouring anchors are the same ones."),
        ("FindFeatureNeighbours",
            "walks the first K keys of each of the anchor's lists and looks up the class of each key's row, 4 bytes of a sector of 32, " +
            "from the cache; and reads a row of the bank for each member, in halves of a sector. It grows with K, not with the classes."),
        ("ExcludeRows",
            "sorts |S| + |F| row numbers of an anchor where they lie, some kilobytes in the L1. Passes: words of the filter are met in " +
            "any order."),
        ("DropExcluded",
            "reads the lists once; a row that the filter lets pass is looked up by halves. Passes: words of the filter are met in any " +
            "order."),
        ("CutRanks",
            "searches the drawn ranks once a bucket, by halves: 16 KB that the L1 holds."),
        ("TakeNegatives",
            "walks a bucket three times, once for the bins' sizes, once to place the keys of the bins that a rank falls into, once to " +
            "take them, some kilobytes, twice from the L1; the first and the last bucket of a list once more. Passes: bins are met in " +
            "any order."),
        ("TakeRandomNegatives",
            "every anchor reads the M ranks, the same ones, as one draw serves the batch: B times from the cache."),
        ("SumNegatives",
            "reads M rows of the bank for every anchor, each once; anchors share rows through the cache. The floor of a step is B · M " +
            "rows: at N far above M that is what it asks for."),
        ("TakeThreeTermLoss",
            "five walks over an anchor's similarities (the largest, the sum, the scale, the factors), of some 16 KB, which stay in " +
            "the L1."),
        ("ReportStep",
            "one group; counts are read twice, three terms of an anchor by three loads of the same sectors. Some kilobytes."),
        ("ReportMean",
            "one group; a loss is read once for the sum and once for whether it is finite. Some hundred bytes."),
        ("SumWeightedRows",
            "reads |S| + |F| rows of the bank for every anchor; anchors share rows through the cache."),
        ("SumSlices",
            "at D = 64 sixteen lanes of a warp write four columns one after the other, each a part of the same sectors: 1.33 of 72 " +
            "KB."),
        ("UpdateBank",
            "looks for its row among all anchors of the batch, B numbers for each of B groups, from the cache; row and feature are " +
            "read twice, for the length and for the blend, the second time from the L1."),
        ("AccumulateWholeBank",
            Tile + "; every 32 queries read the bank again, which tensor cores (scores=bf16) do not."),
        ("SplitQueries",
            "a lane takes pairs of neighbouring values, a quarter of a sector each, and the sectors of eight rows are asked for by " +
            "two loads: once a step."),
        ("AccumulateSplitWholeBank",
            Tile + "; queries are read by each split of the bank, and partial sums of each split written once."),
        ("MergeWholeBank",
            "a split's maximum and total of one query are 4 bytes out of a sector; the partial sums, nearly all of the bytes, are " +
            "read once."),
        ("AssignClusters",
            Tile + ". Behind it, where another iteration follows, each row is read again with its centroid, and its values are added " +
            "to 64-bit sums in fixed point by atomics, exact in any order, a sum of 8 bytes for every value of 4, in the L2: the price " +
            "of bits that do not depend on an order. The last assignment of a run adds nothing."),
        ("FillEmptyClusters",
            "walks a run's distances once for each empty cluster, from the cache; the bank here is three quarters one point, so that " +
            "clusters come out empty. Where none is, it reads a number a cluster."),
        ("AugmentPatches",
            "taps of neighbouring pixels are the same bytes, three colours of a byte each one load a tap, from the L1; views whose " +
            "contrast is jittered are walked twice. Memory moves the patches once and writes the views."),
        ("BlurAcross",
            "taps of neighbouring pixels are the same words, from the L1."),
        ("BlurDown",
            "taps of neighbouring pixels are the same words, from the L1."),
    ];
}
