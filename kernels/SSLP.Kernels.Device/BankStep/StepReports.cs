using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>What the host wants to know of a step, in one place that one copy takes back, and what keeps a step from moving
/// anything.</summary>
public static class StepReports
{
    /// <summary>
    /// values ← the losses' means and the sets' sizes, in the host's order; flags[0] gets <paramref name="tooLong"/> where a list had no
    /// room and <paramref name="tooShort"/> where one does not reach the rank it is asked for. Sums in float64, in a fixed tree. Grid: 1.
    /// </summary>
    /// <param name="ranks">[Q] as the thresholds were taken; int.MaxValue: not asked for.</param>
    /// <param name="noted">[Q] rows noted by the tensor cores; the candidates' counts where there are none.</param>
    /// <param name="otherSlides">[B] rows of F on another slide than the anchor.</param>
    /// <param name="terms">[B, 3].</param>
    /// <param name="values">Loss, self, intra, inter, |S|, |F|, |Q|, share of F on other slides, longest S, longest list.</param>
    public static void ReportStep(
        ArrayView<int> spatialCounts, ArrayView<int> featureCounts, ArrayView<int> negativeCounts, ArrayView<int> ranks,
        ArrayView<int> candidateCounts, ArrayView<int> noted, ArrayView<int> otherSlides, ArrayView<float> terms,
        ArrayView<int> flags, ArrayView<double> values,
        int batch, int queries, int optionalFrom, int spatialCapacity, int candidateCapacity, int needed, int optionalNeeded,
        int tooLong, int tooShort, float selfWeight, float intraWeight, float interWeight)
    {
        // The group owns all; a thread owns every DimX-th anchor, then query.
        ArrayView<double> partial = SharedMemory.Allocate<double>(DeviceMath.GroupSize);
        double self = 0, intra = 0, inter = 0, spatial = 0, feature = 0, negative = 0, other = 0;
        // Counted as whole numbers: ILGPU turns a choice between two of them into float64 by their bits.
        int withSpatial = 0, withFeature = 0, longestSpatial = 0, longest = 0, shortLists = 0;
        for (int b = Group.IdxX; b < batch; b += Group.DimX)
        {
            self += terms[3 * b];
            intra += terms[3 * b + 1];
            inter += terms[3 * b + 2];
            spatial += spatialCounts[b];
            feature += featureCounts[b];
            negative += negativeCounts[b];
            other += otherSlides[b];
            withSpatial += spatialCounts[b] > 0 ? 1 : 0;
            withFeature += featureCounts[b] > 0 ? 1 : 0;
            longestSpatial = IntrinsicMath.Max(longestSpatial, spatialCounts[b]);
        }

        for (int q = Group.IdxX; q < queries; q += Group.DimX)
        {
            int rank = ranks[q], count = candidateCounts[q], wanted = q < optionalFrom ? needed : optionalNeeded;
            longest = IntrinsicMath.Max(longest, IntrinsicMath.Max(count, noted[q]));
            // A list that was to keep every row and has fewer is of scores that are no numbers; an empty optional one is of no query.
            bool isAsked = rank >= 0 && rank != int.MaxValue && (q < optionalFrom || count > 0);
            shortLists += isAsked && count < wanted ? 1 : 0;
        }

        self = GroupReduce.Sum(self, partial) / batch;
        double spatialAnchors = GroupReduce.Sum(withSpatial, partial), featureAnchors = GroupReduce.Sum(withFeature, partial);
        intra = GroupReduce.Sum(intra, partial) / (spatialAnchors > 0 ? spatialAnchors : 1.0);
        inter = GroupReduce.Sum(inter, partial) / (featureAnchors > 0 ? featureAnchors : 1.0);
        spatial = GroupReduce.Sum(spatial, partial);
        feature = GroupReduce.Sum(feature, partial);
        negative = GroupReduce.Sum(negative, partial);
        other = GroupReduce.Sum(other, partial);
        double mostSpatial = GroupReduce.Max(longestSpatial, partial), most = GroupReduce.Max(longest, partial);
        double tooFew = GroupReduce.Sum(shortLists, partial);
        if (Group.IdxX != 0)
            return;
        values[0] = selfWeight * self + intraWeight * intra + interWeight * inter;
        values[1] = self;
        values[2] = intra;
        values[3] = inter;
        values[4] = spatial / batch;
        values[5] = feature / batch;
        values[6] = negative / batch;
        values[7] = feature > 0 ? other / feature : 0.0;
        values[8] = mostSpatial;
        values[9] = most;
        int fault = (mostSpatial > spatialCapacity || most > candidateCapacity ? tooLong : 0) | (tooFew > 0 ? tooShort : 0);
        if (fault != 0)
            Atomic.Or(ref flags[0], fault);
    }

    /// <summary>values[0] and values[1] ← the mean of the losses; for the methods whose loss is one number a query. Grid: 1.</summary>
    public static void ReportMean(ArrayView<float> losses, ArrayView<int> flags, ArrayView<double> values, int count, int bit)
    {
        ArrayView<double> partial = SharedMemory.Allocate<double>(DeviceMath.GroupSize);
        double sum = 0;
        bool isFinite = true;
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            sum += losses[i];
            isFinite &= DeviceMath.IsFinite(losses[i]);
        }

        double mean = GroupReduce.Sum(sum, partial) / count;
        if (!isFinite)
            Atomic.Or(ref flags[0], bit);
        if (Group.IdxX != 0)
            return;
        values[0] = mean;
        values[1] = mean;
    }
}
