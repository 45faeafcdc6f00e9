using System.Diagnostics;
using Xunit;

namespace SSLP.Native.Tests.Hosts;

/// <summary>What a program printed and how it ended.</summary>
internal sealed record Ended(int Code, string Output, string Error)
{
    /// <summary>Its output; its failure is the test's.</summary>
    public string Succeeded()
    {
        Assert.True(Code == 0, $"exit code {Code}\n{Output}\n{Error}");
        return Output;
    }
}

/// <summary>Compilers and hosts of this machine; a test skips, visibly, where one is not there.</summary>
internal static class Tool
{
    public static void SkipUnless(string program, string package)
    {
        bool found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder =>
            File.Exists(Path.Combine(folder, program)));
        Assert.SkipUnless(found || File.Exists(program), $"There is no {program}; on Debian: apt install {package}.");
    }

    /// <summary>Compiles a C or C++ file as its users are told to: no warning passes.</summary>
    /// <param name="compiler">gcc or g++.</param>
    /// <param name="source">The file.</param>
    /// <param name="program">What comes of it.</param>
    /// <param name="arguments">Standard, libraries, sanitizers.</param>
    public static void Compile(string compiler, string source, string program, params string[] arguments) =>
        Run(compiler, ["-g", "-Wall", "-Wextra", "-Werror", $"-I{Repository.Include}", .. arguments[..1], source, .. arguments[1..], "-o",
            program]).Succeeded();

    public static Ended Run(string program, params string[] arguments) => Run(new Dictionary<string, string>(), program, arguments);

    public static Ended Run(IReadOnlyDictionary<string, string> environment, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // The host is another process than this one: nothing of the test runner's own .NET or libtorch reaches it.
        foreach (string name in (string[])["LD_LIBRARY_PATH", "LD_PRELOAD", "DOTNET_gcServer"])
            start.Environment.Remove(name);
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, error.Result);
    }
}
