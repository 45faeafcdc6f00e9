using System.Diagnostics;

namespace SSLP.Cli.Tests;

/// <summary>Runs the command line as a user does: a process, its exit code, what it printed.</summary>
internal static class Sslp
{
    public sealed record Result(int ExitCode, string Output, string Error)
    {
        /// <summary>The one sentence of a fault.</summary>
        public string Fault => Error.Split('\n').Single(line => line.StartsWith("error: ", StringComparison.Ordinal));
    }

    public static Result Run(params string[] arguments) => Run([], arguments);

    /// <summary>From another working folder.</summary>
    public static Result RunIn(string folder, params string[] arguments) => Run([], folder, arguments);

    public static Result Run(IReadOnlyList<(string Name, string Value)> environment, params string[] arguments) =>
        Run(environment, "", arguments);

    /// <summary>With the PTX machine for a driver.</summary>
    public static Result RunOnMachine(params string[] arguments) => Run([], "", arguments, "sslp-machine.dll");

    private static Result Run(
        IReadOnlyList<(string Name, string Value)> environment, string folder, string[] arguments, string program = "sslp.dll")
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, program), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        // As the tests' own hosts: no command here lasts until what its profile says could pay.
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return Finish(start);
    }

    /// <summary>Another program, to its end.</summary>
    /// <exception cref="TimeoutException">After three minutes.</exception>
    public static Result Finish(string folder, string program, params string[] arguments) => Finish(
        new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder });

    private static Result Finish(ProcessStartInfo start)
    {
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(3)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{start.FileName} {string.Join(' ', start.ArgumentList)} did not end");
        }
        return new Result(process.ExitCode, output.Result, error.Result);
    }
}
