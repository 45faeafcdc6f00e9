using System.Diagnostics;
using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Bench.Jobs;

/// <summary>A script of ours in the system's Python, as a co-process that does its job once when told, so that its rounds alternate with
/// ours.</summary>
internal sealed class PythonBaseline : IDisposable
{
    private const string Python = "/usr/bin/python3";

    private readonly string _name, _folder;
    private readonly List<string> _errors = [];

    private PythonBaseline(string name, string folder, ProcessStartInfo command)
    {
        (_name, _folder) = (name, folder);
        Process = Process.Start(command)!;
        // What it complains of is read as it comes: a pipe that nobody reads would stop it once full.
        Process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrWhiteSpace(line.Data))
            {
                lock (_errors)
                    _errors.Add(line.Data);
            }
        };
        Process.BeginErrorReadLine();
    }

    /// <summary>Where it runs.</summary>
    public Process Process { get; }

    /// <summary>What it said of itself before it was ready.</summary>
    public IReadOnlyList<string> Said { get; private set; } = [];

    /// <summary>Starts it, or says in <paramref name="absence"/> why it is left out.</summary>
    /// <param name="name">Of what is measured, for sentences.</param>
    /// <param name="packages">Debian's packages that it needs.</param>
    /// <param name="script">The embedded script: it writes "ready" and facts, then milliseconds for every line that it reads.</param>
    /// <param name="command">Makes its arguments and environment; is given a folder of its own.</param>
    /// <param name="facts">How many it says.</param>
    /// <param name="absence">Empty where it runs.</param>
    public static PythonBaseline? Start(
        string name, string packages, string script, Func<string, ProcessStartInfo, IEnumerable<string>> command, int facts,
        out string absence)
    {
        absence = $"{name} left out: {Python} is not there";
        if (!File.Exists(Python))
            return null;
        string folder = Directory.CreateTempSubdirectory("sslp-bench").FullName, path = Path.Combine(folder, script);
        using (Stream resource = typeof(PythonBaseline).Assembly.GetManifestResourceStream(script)!)
        using (FileStream file = File.Create(path))
            resource.CopyTo(file);
        var start = new ProcessStartInfo(Python, [path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in command(folder, start))
            start.ArgumentList.Add(argument);
        var baseline = new PythonBaseline(name, folder, start);
        string[] ready = baseline.Process.StandardOutput.ReadLine()?.Split('\t') ?? [];
        if (ready.Length == facts + 1 && ready[0] == "ready")
        {
            (baseline.Said, absence) = (ready[1..], string.Empty);
            return baseline;
        }
        baseline.Process.WaitForExit();
        absence = $"{name} left out (Debian: {packages}): {baseline.End()}";
        baseline.Dispose();
        return null;
    }

    /// <summary>Does the job once; its own milliseconds.</summary>
    /// <exception cref="Fault">The process is gone.</exception>
    public double Run()
    {
        try
        {
            Process.StandardInput.WriteLine();
            Process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // A broken pipe: the process is gone, and the answer below says how.
        }
        if (Process.StandardOutput.ReadLine() is { } answer)
            return double.Parse(answer, CultureInfo.InvariantCulture);
        Process.WaitForExit();
        throw new Fault(FaultKind.Input, $"The {_name} process ended in the middle of the bench: {End()}");
    }

    public void Dispose()
    {
        Process.StandardInput.Close();
        Process.WaitForExit();
        Process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>How a process that is over ended: its exit code and last complaint.</summary>
    private string End()
    {
        lock (_errors)
            return $"exit code {Process.ExitCode}, {(_errors.Count == 0 ? "with nothing on its error output" : _errors[^1])}";
    }
}
