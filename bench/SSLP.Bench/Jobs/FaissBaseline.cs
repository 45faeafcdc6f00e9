using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using SSLP.Engine.Torch;
using SSLP.Kernels;

namespace SSLP.Bench.Jobs;

/// <summary>
/// FAISS on the CPU through the system's Python (Debian: python3-faiss, libopenblas0-pthread). OpenBLAS is told the core it runs on: by
/// itself it may pick a generic one.
/// </summary>
internal sealed class FaissBaseline : IDisposable
{
    private const string NoOpenBlas = "no OpenBLAS";
    private const string WaitPolicy = "OMP_WAIT_POLICY", Patient = "passive";

    private readonly PythonBaseline _python;
    private readonly string _version, _blas;
    private readonly bool _patient;

    private FaissBaseline(PythonBaseline python, bool patient) =>
        (_python, _version, _blas, _patient) = (python, python.Said[0], python.Said[1], patient);

    /// <summary>Where it runs.</summary>
    public Process Process => _python.Process;

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
        absence = "faiss left out: it is timed on the CPU";
        if (bench.Options.Device == DeviceKind.Cuda)
            return null;
        var python = PythonBaseline.Start("faiss", "python3-faiss", "faiss_baseline.py", Command, facts: 2, out absence);
        return python is null ? null : new FaissBaseline(python, patient);

        IEnumerable<string> Command(string folder, ProcessStartInfo command)
        {
            string data = Path.Combine(folder, "vectors.f32");
            WriteVectors(data, bench);
            command.Environment["OPENBLAS_NUM_THREADS"] = bench.Pool.Workers.ToString(CultureInfo.InvariantCulture);
            // Whatever the environment asks for OpenBLAS is for somebody else's program: here it gets the best for this processor.
            command.Environment.Remove("OPENBLAS_L2_SIZE");
            if (CoreType is { } core)
                command.Environment["OPENBLAS_CORETYPE"] = core;
            command.Environment.Remove(WaitPolicy);
            if (patient)
                command.Environment[WaitPolicy] = Patient;
            BenchOptions o = bench.Options;
            int[] sizes = [o.Rows, o.Width, o.Queries, k, bench.Pool.Workers, o.Iterations];
            return [job, data, .. sizes.Select(s => s.ToString(CultureInfo.InvariantCulture))];
        }
    }

    /// <inheritdoc cref="PythonBaseline.Run"/>
    public double Run() => _python.Run();

    public void Dispose() => _python.Dispose();

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
