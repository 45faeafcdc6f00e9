using System.Globalization;
using SSLP.Engine.Model;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Statistics;

namespace SSLP.Engine.Watch;

/// <summary>
/// Decides from the signs of collapse, reading after reading, whether to warn. A reading is bad where
/// <list type="bullet">
/// <item>the spread is below √(τ/2): the similarities of all pairs then lie within about τ/2, their exponentials within a factor of 1.7,
/// and every term is nearly the logarithm of its set's size whatever is learned;</item>
/// <item>or the effective rank is below 1.5: all but a little of what tells features apart lies on one line, as where they sit in two
/// places (1 is the least there is);</item>
/// <item>or, once the keys hold no random vectors any more, the neighbours' entropy is below ½: about √R keys are everyone's
/// nearest.</item>
/// </list>
/// One bad reading says little: a fresh backbone's features are nearly one direction. So it warns when readings have been bad without a
/// break for three of them and for 5 % of the run, once for every such stretch.
/// </summary>
/// <param name="options">The run's options.</param>
/// <param name="totalSteps">Steps of the whole run.</param>
internal sealed class CollapseWatch(TrainingOptions options, int totalSteps)
{
    /// <summary>Least effective rank.</summary>
    public const double LeastRank = 1.5;

    /// <summary>Least entropy of the neighbours.</summary>
    public const double LeastEntropy = 0.5;

    private const int LeastReadings = 3;

    private const double LeastShare = 0.05;

    private int _since, _readings;

    /// <summary>√(τ/2).</summary>
    public double LeastSpread { get; } = Math.Sqrt(options.Temperature / 2);

    /// <summary>The bad stretch has lasted long enough.</summary>
    public bool IsCollapsed { get; private set; }

    /// <summary>The last warning; null where there was none.</summary>
    public string? Sentence { get; private set; }

    /// <summary>A watch that has seen the readings of a run so far: a resumed run judges as one that was never stopped.</summary>
    public static CollapseWatch Of(TrainingOptions options, int totalSteps, IEnumerable<StepMetrics> before)
    {
        var watch = new CollapseWatch(options, totalSteps);
        foreach (StepMetrics m in before)
            if (m is
                {
                    EffectiveRank: double rank, Spread: double spread, NeighbourEntropy: double entropy, PositiveGap: double gap,
                    KeysAreLearned: bool learned
                })
                watch.Add(m.Step, new CollapseSigns(options.Width, rank, spread, entropy, gap), learned);
        return watch;
    }

    /// <summary>Takes a reading.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="signs">What was seen.</param>
    /// <param name="keysAreLearned">Judge the neighbours too.</param>
    /// <returns>The warning where this reading raises it, else null.</returns>
    public string? Add(int step, CollapseSigns signs, bool keysAreLearned)
    {
        string[] bad = [.. Bad(signs, keysAreLearned)];
        if (bad.Length == 0)
        {
            (_readings, IsCollapsed) = (0, false);
            return null;
        }
        if (_readings++ == 0)
            _since = step;
        if (IsCollapsed || _readings < LeastReadings || step - _since < LeastShare * totalSteps)
            return null;
        IsCollapsed = true;
        return Sentence =
            $"The features have been collapsed since step {_since}: {string.Join("; ", bad)}; try {string.Join(", ", Remedies())}.";
    }

    private IEnumerable<string> Bad(CollapseSigns signs, bool keysAreLearned)
    {
        if (!(signs.Spread >= LeastSpread))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"their spread is {signs.Spread:0.000} (isotropic is 1, below {LeastSpread:0.00} the temperature sees one direction)");
        if (!(signs.EffectiveRank >= LeastRank))
            yield return string.Create(CultureInfo.InvariantCulture, $"their effective rank is {signs.EffectiveRank:0.0} of {signs.Width}");
        if (keysAreLearned && !(signs.NeighbourEntropy >= LeastEntropy))
            yield return string.Create(
                CultureInfo.InvariantCulture, $"a few keys are everyone's nearest (entropy {signs.NeighbourEntropy:0.00} of 1)");
    }

    private IEnumerable<string> Remedies()
    {
        if (options.HeadOrDefault == HeadKind.Linear)
            yield return "--set head=linearnorm";
        yield return string.Create(CultureInfo.InvariantCulture, $"a learning_rate below {options.LearningRateOrDefault}");
        if (options.Augment.ColourJitter > 0 && options.Augment.Hue > 0.1f)
            yield return string.Create(CultureInfo.InvariantCulture, $"a gentler jitter (hue below {options.Augment.Hue})");
        if (options.Method == MethodKind.Sslp)
            yield return "a longer ramp_epochs";
        yield return string.Create(CultureInfo.InvariantCulture, $"a temperature other than {options.Temperature}");
    }

}
