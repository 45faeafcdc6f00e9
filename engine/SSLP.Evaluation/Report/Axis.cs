namespace SSLP.Evaluation.Report;

/// <summary>A linear axis with ticks at round numbers.</summary>
/// <param name="Low">Its lower end.</param>
/// <param name="High">Its upper end.</param>
/// <param name="Ticks">Round numbers between them.</param>
/// <param name="Step">From tick to tick.</param>
internal sealed record Axis(double Low, double High, IReadOnlyList<double> Ticks, double Step)
{
    private const int RoughTicks = 5;

    /// <param name="low">The least value to show.</param>
    /// <param name="high">The largest.</param>
    /// <param name="tight">End at the values themselves rather than at the ticks around them.</param>
    public static Axis Over(double low, double high, bool tight = false)
    {
        // A flat line still needs a scale.
        if (high - low <= 1e-12 * Math.Max(Math.Abs(low), Math.Abs(high)))
            (low, high) = (low - 0.5 * Math.Max(1, Math.Abs(low)), high + 0.5 * Math.Max(1, Math.Abs(high)));
        double rough = (high - low) / RoughTicks, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 };
        if (!tight)
            (low, high) = (Math.Floor(low / step + 1e-9) * step, Math.Ceiling(high / step - 1e-9) * step);
        long first = (long)Math.Ceiling(low / step - 1e-9), last = (long)Math.Floor(high / step + 1e-9);
        return new(low, high, [.. Enumerable.Range(0, (int)(last - first + 1)).Select(i => (first + i) * step)], step);
    }

    /// <summary>0 at the lower end, 1 at the upper.</summary>
    public double Share(double value) => (value - Low) / (High - Low);

    /// <summary>A tick's number with as many digits as the step needs; thousands as k, millions as M.</summary>
    public string Label(double tick)
    {
        (double unit, string suffix) = Step switch { >= 1e6 => (1e6, "M"), >= 1e3 => (1e3, "k"), _ => (1, "") };
        if (Step is < 1e-4 and > 0)
            return tick == 0 ? "0" : tick.ToString("0.##e0");
        double step = Step / unit;
        int digits = step >= 1 ? (step == Math.Floor(step) ? 0 : 1) : (int)Math.Ceiling(-Math.Log10(step) - 1e-9);
        return tick == 0 ? "0" : (tick / unit).ToString($"F{digits}") + suffix;
    }
}
