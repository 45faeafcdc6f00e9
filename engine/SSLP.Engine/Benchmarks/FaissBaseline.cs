using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using SSLP.Kernels;

namespace SSLP.Engine.Benchmarks;

/// <summary>
/// FAISS on the CPU through the system's Python (Debian: python3-faiss), as a co-process that works when told, so that its rounds
/// alternate with ours. OpenBLAS is told the core it runs on: by itself it may pick a generic one.
/// </summary>
internal sealed class FaissBaseline : IDisposable
{
    private const string Python = "/usr/bin/python3";

    private readonly Process _process;
    private readonly string _folder;

    private FaissBaseline(Process process, string folder, string version)
    {
        _process = process;
        _folder = folder;
        Version = version;
    }

    public string Version { get; }

    /// <summary>Starts it, or says in <paramref name="absence"/> why it is left out.</summary>
    public static FaissBaseline? Start(string job, BankBench bench, int k, out string absence)
    {
        absence = $"faiss left out: {Python} is not there";
        if (!File.Exists(Python))
            return null;
        string folder = Directory.CreateTempSubdirectory("sslp-bench").FullName;
        var process = Process.Start(Command(job, bench, k, folder))!;
        string? ready = process.StandardOutput.ReadLine();
        if (ready?.StartsWith("ready ", StringComparison.Ordinal) == true)
            return new FaissBaseline(process, folder, ready["ready ".Length..]);
        absence = $"faiss left out: {Python} has no faiss (Debian: python3-faiss)";
        process.WaitForExit();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
        return null;
    }

    /// <summary>Does the job once; its own milliseconds.</summary>
    public double Run()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
        string? answer = _process.StandardOutput.ReadLine();
        return answer is null
            ? throw new UserException("The faiss process ended in the middle of the bench.")
            : double.Parse(answer, CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static ProcessStartInfo Command(string job, BankBench bench, int k, string folder)
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
        if (CoreType is { } core)
            command.Environment.TryAdd("OPENBLAS_CORETYPE", core);
        return command;
    }

    /// <summary>OpenBLAS's name for the best kernels that this processor can run.</summary>
    public static string? CoreType => Avx512F.IsSupported ? "SkylakeX" : Avx2.IsSupported ? "Zen" : null;

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
