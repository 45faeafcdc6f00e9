using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using SSLP.Bench.Jobs;
using SSLP.Data.Files;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp bench compare</c>: a gate that is closed where a job has become slower.</summary>
internal static class BenchCompareVerb
{
    private const string Default = "5%";

    public static Command Create()
    {
        var before = new Argument<string>("A") { Description = "before: a file of 'sslp bench --json', or a folder of them" };
        var after = new Argument<string>("B") { Description = "after: the same jobs on the same machine" };
        Option<string> tolerance = new("--tolerance")
        {
            Description = "what a job may take more",
            HelpName = "PERCENT",
            DefaultValueFactory = _ => Default,
        };
        Option<bool> anyMachine = new("--any-machine") { Description = "compare times of different machines all the same" };
        Option<bool> json = Inputs.Json();
        var command = new Command("compare", "Compare two sets of bench reports; exit code 1 where a job is slower, or missing.")
        {
            before, after, tolerance, anyMachine, json,
        };
        command.SetAction(parsed =>
        {
            double percent = Percent(parsed.GetValue(tolerance) ?? Default);
            var comparison = BenchComparison.Of(
                BenchReports.Read(parsed.GetRequiredValue(before)), BenchReports.Read(parsed.GetRequiredValue(after)), percent,
                parsed.GetValue(anyMachine));
            Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(comparison, BenchJson.Default.BenchComparison)
                : comparison.Text());
            return comparison.Passes ? 0 : Shell.Fail(comparison.Verdict(), ExitCodes.Error);
        });
        return command;
    }

    private static double Percent(string text) =>
        text.EndsWith('%') && double.TryParse(text[..^1].Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double percent)
            && percent is >= 0 and <= 1000
            ? percent
            : throw new Fault(FaultKind.Usage, $"--tolerance {text}: it takes a percentage from 0% to 1000%, as in 5%.");
}
