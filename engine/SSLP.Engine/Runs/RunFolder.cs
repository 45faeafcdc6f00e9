namespace SSLP.Engine.Runs;

/// <summary>Where the parts of a run lie below its folder.</summary>
/// <param name="Root">The folder that --out named.</param>
public sealed record RunFolder(string Root)
{
    public string RunJson => Path.Combine(Root, "run.json");

    public string Metrics => Path.Combine(Root, "metrics.jsonl");

    public string TensorBoard => Path.Combine(Root, "tensorboard");

    public string Checkpoints => Path.Combine(Root, "checkpoints");

    public string Encoder => Path.Combine(Root, "encoder.safetensors");

    /// <summary>The step that a run ended at for want of finite numbers.</summary>
    public string Diverged => Path.Combine(Root, "diverged");

    public string SlideFaults => Path.Combine(Root, "slides.jsonl");

    public string Report => Path.Combine(Root, "report.html");

    public string Sheets => Path.Combine(Root, "sheets");

    /// <summary>Held by the process that writes the run.</summary>
    public string Lock => Path.Combine(Root, "run.lock");

    /// <summary>Which process that is.</summary>
    public string LockHolder => Path.Combine(Root, "run.pid");

    /// <summary>Slide and place of each row of the run's bank.</summary>
    public string BankRows => Path.Combine(Root, "bank-rows.safetensors");

    /// <summary>The patch grid of a run from slides.</summary>
    public string Tiles => Path.Combine(Root, "tiles.sslp");
}
