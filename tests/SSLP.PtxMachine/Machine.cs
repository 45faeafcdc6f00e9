using SSLP.PtxMachine.Counting;
using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;
using SSLP.PtxMachine.Text;

namespace SSLP.PtxMachine;

/// <summary>A kernel of a loaded text.</summary>
public sealed class MachineKernel
{
    internal MachineKernel(KernelProgram program) => Program = program;

    /// <summary>The .entry.</summary>
    public string Entry => Program.Text.Entry;

    /// <summary>Threads of a block by .maxntid; 0: not given.</summary>
    public int MaxThreads => Program.Text.MaxThreads;

    /// <summary>Bytes of shared memory that the text declares.</summary>
    public int SharedBytes => Program.Shared.DeclaredBytes;

    /// <summary>Bytes of each parameter, in order.</summary>
    public IReadOnlyList<int> ParameterBytes => [.. Program.Text.Parameters.Select(parameter => parameter.Bytes)];

    internal KernelProgram Program { get; }
}

/// <summary>
/// Executes PTX texts on the host, instruction by instruction, with checks that a device does not make: addresses, alignment, words that
/// nothing wrote, races, barriers and instructions of a warp that a part reaches, bra.uni that parts, asynchronous copies used too early.
/// Not for several threads at once.
/// </summary>
public sealed unsafe class Machine(MachineOptions? options = null) : IDisposable
{
    /// <summary>Most bytes of shared memory that a block may declare. PTX ISA 8.0 leaves it to the device; all have at least
    /// these.</summary>
    private const int MaxSharedBytes = 48 * 1024;

    private readonly List<LaunchCounts> _launches = [];

    public MachineOptions Options { get; set; } = options ?? new MachineOptions();

    public DeviceMemory Memory { get; } = new();

    /// <summary>What launches did since <see cref="ForgetLaunches"/>, in order.</summary>
    public IReadOnlyList<LaunchCounts> Launches => _launches;

    internal uint NextNumber { get; private set; } = 1;

    /// <summary>Reads a text.</summary>
    /// <exception cref="PtxRefusedException">It holds something that the machine does not know.</exception>
    public static IReadOnlyList<MachineKernel> Load(string ptx) =>
        [.. PtxParser.Parse(ptx).Select(text => new MachineKernel(new KernelProgram(text)))];

    public void ForgetLaunches() => _launches.Clear();

    /// <summary>Runs a kernel to its end.</summary>
    /// <param name="parameters">A pointer for each parameter, as cuLaunchKernel takes them.</param>
    /// <exception cref="PtxFaultException">The kernel did what the ISA leaves undefined.</exception>
    public void Launch(MachineKernel kernel, (uint X, uint Y, uint Z) grid, (uint X, uint Y, uint Z) block, void** parameters)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        PtxKernelText text = kernel.Program.Text;
        ulong threads = (ulong)block.X * block.Y * block.Z;
        Require(threads is > 0 and <= 1024 && (text.MaxThreads == 0 || threads <= (ulong)text.MaxThreads),
            $"a block of {threads} threads cannot run");
        Require(grid is { X: > 0 and <= int.MaxValue, Y: > 0 and <= 65535, Z: > 0 and <= 65535 },
            $"a grid of {grid.X} × {grid.Y} × {grid.Z} blocks cannot run");
        Require(kernel.SharedBytes <= MaxSharedBytes, $"{kernel.SharedBytes} bytes of shared memory are more than a block has");
        byte[] packed = new byte[Math.Max(1, text.ParameterBytes)];
        for (int i = 0; i < text.Parameters.Count; i++)
            new Span<byte>(parameters[i], text.Parameters[i].Bytes).CopyTo(packed.AsSpan(text.Parameters[i].Offset));
        if (NextNumber > History.MaxNumber / 2)
        {
            Memory.ForgetAccesses();
            NextNumber = 1;
        }

        fixed (byte* values = packed)
        {
            using var launch = new Launch(this, kernel.Program, grid, block, values);
            try
            {
                launch.Run();
            }
            finally
            {
                NextNumber = launch.NextNumber;
                _launches.Add(launch.Counts());
            }
        }

        void Require(bool condition, string sentence)
        {
            if (!condition)
                throw new PtxFaultException(PtxFaultKind.Launch, text.Entry, 0, "", default, 0, sentence + ".");
        }
    }

    public void Dispose() => Memory.Dispose();
}
