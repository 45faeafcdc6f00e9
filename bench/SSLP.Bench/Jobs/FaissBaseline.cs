using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using SSLP.Data.Files;
using SSLP.Kernels;

namespace SSLP.Bench.Jobs;

/// <summary>
/// FAISS on the CPU through the system's Python (Debian: python3-faiss, libopenblas0-pthread), as a co-process that works when told, so
/// that its rounds alternate with ours. OpenBLAS is told the core it runs on: by itself it may pick a generic one.
/// </summary>
internal sealed class FaissBaseline : IDisposable
{
    private const string Python = "/usr/bin/python3";
    private const string NoOpenBlas = "no OpenBLAS";
    private const string WaitPolicy = "OMP_WAIT_POLICY", Patient = "passive";

    private readonly string _folder;
    private readonly List<string> _errors;
    private readonly string _version, _blas;
    private readonly bool _patient;

    private FaissBaseline(Process process, string folder, List<string> errors, string version, string blas, bool patient) =>
        (Process, _folder, _errors, _version, _blas, _patient) = (process, folder, errors, version, blas, patient);

    /// <summary>Where it runs.</summary>
    public Process Process { get; }

    /// <summary>The baseline's name in a table; one without a fast BLAS says so there.</summary>
    public string Name(string job) =>
        $"faiss {_version} {job}" + (_patient ? $", {WaitPolicy}={Patient}" : "") + (HasOpenBlas ? "" : ", without OpenBLAS");

    /// <summary>What a reader must know about its speed.</summary>
    public string Note => HasOpenBlas
        ? $"faiss multiplies by {_blas}"
        : $"faiss multiplies by a slow BLAS ({_blas}): its time says nothing about FAISS (Debian: libopenblas0-pthread)";

    private bool HasOpenBlas => !_blas.StartsWith(NoOpenBlas, StringComparison.Ordinal);

    /// <summary>
    /// Starts it, or says in <paramref name="absence"/> why it is left out. As it comes its OpenMP threads spin on the cores that
    /// OpenBLAS's own threads wait for; <paramref name="patient"/> ones sleep, and it is the faster for it.
    /// </summary>
    public static FaissBaseline? Start(string job, BankBench bench, int k, bool patient, out string absence)
    {
        absence = $"faiss left out: {Python} is not there";
        if (!File.Exists(Python))
            return null;
        string folder = Directory.CreateTempSubdirectory("sslp-bench").FullName;
        var process = Process.Start(Command(job, bench, k, patient, folder))!;
        List<string> errors = Collect(process);
        string[] ready = process.StandardOutput.ReadLine()?.Split('\t') ?? [];
        if (ready is ["ready", var version, var blas])
            return new FaissBaseline(process, folder, errors, version, blas, patient);
        process.WaitForExit();
        absence = $"faiss left out (Debian: python3-faiss): {End(process, errors)}";
        process.Dispose();
        Directory.Delete(folder, recursive: true);
        return null;
    }

    /// <summary>Does the job once; its own milliseconds.</summary>
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
        string? answer = Process.StandardOutput.ReadLine();
        if (answer is not null)
            return double.Parse(answer, CultureInfo.InvariantCulture);
        Process.WaitForExit();
        throw new Fault(FaultKind.Input, $"The faiss process ended in the middle of the bench: {End(Process, _errors)}");
    }

    public void Dispose()
    {
        Process.StandardInput.Close();
        Process.WaitForExit();
        Process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Reads what the process complains of as it comes: a pipe that nobody reads would stop it once full.</summary>
    private static List<string> Collect(Process process)
    {
        var errors = new List<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrWhiteSpace(line.Data))
            {
                lock (errors)
                    errors.Add(line.Data);
            }
        };
        process.BeginErrorReadLine();
        return errors;
    }

    /// <summary>How a process that is over ended: its exit code and last complaint.</summary>
    private static string End(Process process, List<string> errors)
    {
        lock (errors)
            return $"exit code {process.ExitCode}, {(errors.Count == 0 ? "with nothing on its error output" : errors[^1])}";
    }

    private static ProcessStartInfo Command(string job, BankBench bench, int k, bool patient, string folder)
    {
        string script = Path.Combine(folder, "faiss_baseline.py"), data = Path.Combine(folder, "vectors.f32");
        using (Stream resource = typeof(FaissBaseline).Assembly.GetManifestResourceStream("faiss_baseline.py")!)
        using (FileStream file = File.Create(script))
            resource.CopyTo(file);
        WriteVectors(data, bench);
        BenchOptions o = bench.Options;
        int[] sizes = [o.Rows, o.Width, o.Queries, k, bench.Pool.Workers, o.Iterations];
        var command = new ProcessStartInfo(Python, [script, job, data, .. sizes.Select(s => s.ToString(CultureInfo.InvariantCulture))])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        command.Environment["OPENBLAS_NUM_THREADS"] = bench.Pool.Workers.ToString(CultureInfo.InvariantCulture);
        // Whatever the environment asks for OpenBLAS is for somebody else's program: here it gets the best for this processor.
        command.Environment.Remove("OPENBLAS_L2_SIZE");
        if (CoreType is { } core)
            command.Environment["OPENBLAS_CORETYPE"] = core;
        command.Environment.Remove(WaitPolicy);
        if (patient)
            command.Environment[WaitPolicy] = Patient;
        return command;
    }

    /// <summary>OpenBLAS's name for the best kernels that this processor can run.</summary>
    private static string? CoreType => Avx512F.IsSupported ? "SkylakeX" : Avx2.IsSupported ? "Zen" : null;

    private static void WriteVectors(string path, BankBench bench)
    {
        using FileStream file = File.Create(path);
        foreach (MemoryBank bank in new[] { bench.Bank, bench.Queries })
        {
            for (int row = 0; row < bank.RowCount; row++)
                file.Write(MemoryMarshal.AsBytes(bank.Row(row)));
        }
    }
}
