namespace SSLP.Engine.Objective;

/// <summary>What one step's loss was made of.</summary>
/// <param name="Loss">What was minimised.</param>
/// <param name="Self">The self term.</param>
/// <param name="Intra">The intra term, before its ramp.</param>
/// <param name="Inter">The inter term, before its ramp.</param>
/// <param name="SpatialSize">Mean size of S.</param>
/// <param name="FeatureSize">Mean size of F.</param>
/// <param name="NegativeSize">Mean size of Q.</param>
/// <param name="FeatureFromOtherSlides">Share of F on other slides than its anchor.</param>
public readonly record struct StepTerms(
    double Loss, double Self, double Intra = 0, double Inter = 0, double SpatialSize = 0, double FeatureSize = 0, double NegativeSize = 0,
    double FeatureFromOtherSlides = 0)
{
    /// <summary>Of a step whose features are not finite: there is nothing to compare.</summary>
    public static StepTerms NotANumber => new(double.NaN, double.NaN, double.NaN, double.NaN);
}
