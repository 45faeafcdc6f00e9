namespace SSLP.Bench.Jobs;

/// <summary>One way to do a job.</summary>
/// <param name="Name">As it stands in reports.</param>
/// <param name="Run">Does the job once and gives the milliseconds that it took.</param>
/// <param name="TimesItself">The milliseconds are another process's own, not those from call to return.</param>
internal sealed record BenchWay(string Name, Func<double> Run, bool TimesItself = false);
