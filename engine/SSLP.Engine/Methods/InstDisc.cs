using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Kernels;

namespace SSLP.Engine.Methods;

/// <summary>
/// Instance discrimination (Wu, Xiong, Yu, Lin, CVPR 2018): SSLP's self term alone, its negatives drawn at random from the whole bank.
/// No spatial and no feature sets, so nothing is kept from being a negative but the patch itself.
/// </summary>
internal static class InstDisc
{
    /// <summary>SSLP's plan for the same options with S, F and the semi-hard ranks taken out.</summary>
    public static ObjectivePlan PlanFor(TrainingOptions options, int rows)
    {
        ObjectivePlan sslp = new RunSizes(options, rows).Objective;
        return sslp with
        {
            Terms = sslp.Terms with { RadiusPatches = 0.5, AuxiliaryAnchors = 0, NearestKeys = 0, Sampling = NegativeSampling.Random },
            IntraWeight = 0,
            InterWeight = 0,
        };
    }
}
