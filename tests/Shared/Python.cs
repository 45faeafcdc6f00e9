using System.Diagnostics;
using Xunit;

namespace SSLP.Tests.Shared;

/// <summary>The other side of a comparison: a Python script over files, run where that Python and its packages are installed.</summary>
internal static class Python
{
    private static string Executable => Environment.GetEnvironmentVariable("SSLP_TEST_PYTHON")
        ?? (File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3");

    /// <summary>Skips the test, visibly, unless every module can be imported.</summary>
    public static void SkipUnless(params string[] modules)
    {
        (int code, _, _) = Start($"import {string.Join(", ", modules)}", []);
        Assert.SkipWhen(code != 0,
            $"{Executable} cannot import {string.Join(", ", modules)}; on Debian: apt install " +
            $"{string.Join(' ', modules.Select(m => "python3-" + m))}.");
    }

    /// <summary>Runs a script and returns what it printed; its failure is the test's, with its message.</summary>
    public static string Run(string script, params string[] arguments)
    {
        (int code, string output, string error) = Start(script, arguments);
        Assert.True(code == 0, $"the script failed:\n{error}");
        return output;
    }

    private static (int Code, string Output, string Error) Start(string script, string[] arguments)
    {
        ProcessStartInfo start = new(Executable, ["-c", script, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        // The test process may carry paths of its own libtorch; the other side has its own.
        start.Environment.Remove("LD_LIBRARY_PATH");
        start.Environment.Remove("LD_PRELOAD");
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error.Result);
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            return (127, "", fault.Message);
        }
    }
}
