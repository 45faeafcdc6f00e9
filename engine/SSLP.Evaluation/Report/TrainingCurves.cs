using SSLP.Engine.Runs;

namespace SSLP.Evaluation.Report;

/// <summary>What a run measured at its steps, a chart a quantity. A quantity that the method does not have has no chart.</summary>
internal static class TrainingCurves
{
    public static string Draw(IReadOnlyList<StepMetrics> steps)
    {
        double[] x = [.. steps.Select(s => (double)s.Step)];
        ChartSeries Line(string name, Func<StepMetrics, double> value) => new(name, [.. steps.Select(value)]);
        List<string> charts = [];
        void Chart(string title, bool fromZero, params ChartSeries[] series)
        {
            ChartSeries[] present = [.. series.Where((line, i) => i == 0 || line.Values.Any(IsThere))];
            if (present[0].Values.Any(IsThere))
                charts.Add(LineChart.Draw(title, x, present, fromZero));
        }

        Chart("Loss", false, Line("total", s => s.Loss), Line("self", s => s.Self), Line("intra", s => s.Intra),
            Line("inter", s => s.Inter));
        Chart("Norm of the gradient", true, Line("norm", s => s.GradientNorm));
        Chart("Weight of intra and inter, w(t)", true, Line("w", s => s.Ramp));
        Chart("Spatial neighbours of an anchor, |S|", true, Line("S", s => s.SpatialSize));
        Chart("Feature neighbours of an anchor, |F|", true, Line("F", s => s.FeatureSize));
        Chart("Share of F on other slides", true, Line("share", s => s.FeatureFromOtherSlides));
        Chart("Negatives of an anchor, |Q|", true, Line("Q", s => s.NegativeSize));
        Chart("Effective rank of a batch's features", true, Line("rank", s => s.EffectiveRank ?? double.NaN));
        Chart("Spread of a batch's features (1: isotropic)", true, Line("spread", s => s.Spread ?? double.NaN));
        Chart("Entropy of the nearest keys (low: a few are everyone's)", true, Line("entropy", s => s.NeighbourEntropy ?? double.NaN));
        Chart("Similarity with the own positive minus the negatives", true, Line("gap", s => s.PositiveGap ?? double.NaN));
        Chart("kNN on slides held out of the labels", false, Line("accuracy", s => s.ProbeAccuracy ?? double.NaN),
            Line("balanced", s => s.ProbeBalancedAccuracy ?? double.NaN), Line("AUC", s => s.ProbeAuc ?? double.NaN));
        Chart("Learning rate", true, Line("lr", s => s.Lr));
        Chart("Patches per second", true, Line("patches/s", s => s.PatchesPerSecond));
        Chart("Share of the time spent waiting for patches", true, Line("wait", s => s.DataWait));
        static bool IsThere(double value) => value != 0 && !double.IsNaN(value);
        return $"<div class=\"charts\">{string.Concat(charts)}</div>";
    }
}
