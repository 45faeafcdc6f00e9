using System.Diagnostics;
using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Bench.Jobs;

/// <summary>
/// A plain PyTorch training loop in the system's Python (Debian: python3-torch, python3-torchvision), as a co-process that works when
/// told, so that its rounds alternate with ours.
/// </summary>
internal sealed class TorchBaseline : IDisposable
{
    private const string Python = "/usr/bin/python3", Script = "train_baseline.py";

    private readonly string _folder;

    private TorchBaseline(Process process, string folder, string version) => (Process, _folder, Version) = (process, folder, version);

    /// <summary>Where it runs.</summary>
    public Process Process { get; }

    /// <summary>PyTorch's.</summary>
    public string Version { get; }

    /// <summary>Starts it, or says in <paramref name="absence"/> why it is left out.</summary>
    /// <param name="sizes">Batch, side, width, threads, steps of a round.</param>
    /// <param name="absence">Empty where it runs.</param>
    public static TorchBaseline? Start(int[] sizes, out string absence)
    {
        absence = $"PyTorch left out: {Python} is not there";
        if (!File.Exists(Python))
            return null;
        string folder = Directory.CreateTempSubdirectory("sslp-bench").FullName, script = Path.Combine(folder, Script);
        using (Stream resource = typeof(TorchBaseline).Assembly.GetManifestResourceStream(Script)!)
        using (FileStream file = File.Create(script))
            resource.CopyTo(file);
        // What it complains of goes to the terminal: a pipe that nobody reads would stop it once full.
        var process = Process.Start(new ProcessStartInfo(Python, [script, .. sizes.Select(s => s.ToString(CultureInfo.InvariantCulture))])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        if (process.StandardOutput.ReadLine()?.Split('\t') is ["ready", var version])
        {
            absence = string.Empty;
            return new TorchBaseline(process, folder, version);
        }
        process.WaitForExit();
        absence = $"PyTorch left out (Debian: python3-torch, python3-torchvision): it ended with exit code {process.ExitCode}";
        process.Dispose();
        Directory.Delete(folder, recursive: true);
        return null;
    }

    /// <summary>Does its steps once; its own milliseconds.</summary>
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
            // A broken pipe: the process is gone, and the missing answer below says so.
        }
        return Process.StandardOutput.ReadLine() is { } answer
            ? double.Parse(answer, CultureInfo.InvariantCulture)
            : throw new Fault(FaultKind.Input, "The PyTorch process ended in the middle of the bench; what it said is above.");
    }

    public void Dispose()
    {
        Process.StandardInput.Close();
        Process.WaitForExit();
        Process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
