using System.Reflection;

namespace SSLP.Kernels.Device;

/// <summary>A kernel as the compiler and the launcher know it.</summary>
/// <param name="Method">The explicitly grouped device method; its name is the kernel's.</param>
/// <param name="GroupSize">Threads of a group.</param>
public sealed record DeviceKernel(MethodInfo Method, int GroupSize)
{
    public string Name => Method.Name;
}

/// <summary>Every kernel there is.</summary>
public static class DeviceKernels
{
    public static IReadOnlyList<DeviceKernel> All { get; } =
    [
        Of(BankRows.GatherRows, 32),
        Of(BankRows.ScatterRows, 32),
        Of(Candidates.ScoreSamples),
        Of(Thresholds.SelectThresholds),
        Of(Candidates.CollectCandidates),
        Of(CandidateBuckets.CountBuckets),
        Of(CandidateBuckets.DealBuckets),
        Of(CandidateBuckets.SortBuckets),
        Of(CandidateBuckets.SortCutBuckets),
        Of(Candidates.TakeNearest),
        Of(TensorCandidates.RoundRows, 32),
        Of(TensorCandidates.CollectRoundedCandidates),
        Of(TensorCandidates.RescoreCandidates),
        Of(TensorCandidates.ScoreSplitSamples),
        Of(TensorCandidates.CollectSplitCandidates),
        Of(RankHistogram.QueryScales, 32),
        Of(RankHistogram.CountRanks),
        Of(TensorRanks.CountSplitRanks),
        Of(RankHistogram.SimilarityAtRanks),
        Of(SpatialNeighbours.FindSpatialNeighbours, 32),
        Of(FeatureNeighbours.FindFeatureNeighbours),
        Of(SemiHardNegatives.ExcludeRows, SemiHardNegatives.ExcludeGroupSize),
        Of(SemiHardNegatives.DropExcluded),
        Of(SemiHardNegatives.CutRanks),
        Of(SemiHardNegatives.TakeNegatives),
        Of(RandomNegatives.TakeRandomNegatives),
        Of(StepBegin.TakeFeatures, 32),
        Of(NegativeSums.SumNegatives),
        Of(ThreeTermLoss.TakeThreeTermLoss),
        Of(StepReports.ReportStep),
        Of(StepReports.ReportMean),
        Of(WeightedRows.SumWeightedRows),
        Of(WeightedRows.SumSlices, 32),
        Of(FiniteCheck.CheckFinite),
        Of(MemoryBankUpdate.UpdateBank, 32),
        Of(WholeBankLoss.AccumulateWholeBank),
        Of(TensorWholeBankLoss.SplitQueries, 32),
        Of(TensorWholeBankLoss.AccumulateSplitWholeBank),
        Of(WholeBankLoss.MergeWholeBank, 32),
        Of(KMeans.AssignClusters),
        Of(KMeans.FillEmptyClusters, KMeans.FillGroupSize),
        Of(KMeans.MeanClusters, 32),
        Of(MomentumSgd.SumSquares),
        Of(MomentumSgd.JudgeSquares),
        Of(MomentumSgd.StepMomentumSgd),
        Of(MomentumSgd.FollowWeights),
        Of(Augment.AugmentPatches),
        Of(Augment.BlurAcross),
        Of(Augment.BlurDown),
    ];

    private static DeviceKernel Of(Delegate kernel, int groupSize = DeviceMath.GroupSize) => new(kernel.Method, groupSize);
}
