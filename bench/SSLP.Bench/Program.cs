using System.Globalization;
using SSLP.Bench;
using SSLP.Bench.Jobs;
using SSLP.Engine.Torch;

// JOB [queries] [rows]: the job of `sslp bench` under BenchmarkDotNet.
if (args.Length is < 1 or > 3 || !BenchJobs.All.TryGetValue(args[0], out Func<BenchOptions, BenchReport>? job)
    || args[1..].Any(size => !int.TryParse(size, CultureInfo.InvariantCulture, out int n) || n < 1))
{
    Console.Error.WriteLine($"error: it takes JOB [QUERIES] [ROWS], JOB one of {string.Join(" | ", BenchJobs.All.Keys)}.");
    return 2;
}
TorchRuntime.Load();
var sizes = new BenchOptions { Timer = WayBenchmark.Medians };
if (args.Length > 1)
    sizes = sizes with { Queries = int.Parse(args[1], CultureInfo.InvariantCulture) };
if (args.Length > 2)
    sizes = sizes with { Rows = int.Parse(args[2], CultureInfo.InvariantCulture) };
Console.WriteLine(BenchTable.Text(job(sizes)));
return 0;
