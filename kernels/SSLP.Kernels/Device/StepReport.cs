using System.Runtime.InteropServices;
using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>Places of a report's numbers, in the order in which ReportStep writes the first ten.</summary>
internal enum StepValue
{
    Loss,
    Self,
    Intra,
    Inter,
    SpatialSize,
    FeatureSize,
    NegativeSize,
    OtherSlideShare,
    LongestSpatial,
    LongestList,
    GradientSquares,
}

/// <summary>A report as the host has it.</summary>
/// <param name="Fault">What is wrong with the step, or with one before it that nobody has dealt with.</param>
internal readonly record struct StepReading(StepFault Fault)
{
    private readonly double[] _values = [];

    internal StepReading(ReadOnlySpan<byte> report)
        : this((StepFault)MemoryMarshal.Read<int>(report)) =>
        _values = MemoryMarshal.Cast<byte, double>(report[StepReport.ValuesFrom..]).ToArray();

    public double this[StepValue value] => _values[(int)value];

    /// <summary>The step is to be done again with other lengths of lists; nothing of it is wrong.</summary>
    public bool IsToBeRepeated => (Fault & ~(StepFault.ListTooLong | StepFault.ListTooShort | StepFault.GradientNotFinite)) == 0
        && (Fault & (StepFault.ListTooLong | StepFault.ListTooShort)) != 0;
}

/// <summary>
/// A step's losses, sizes and faults on the device: kernels write it, kernels that move something do nothing while a fault is set, and one
/// copy of <see cref="Bytes"/> takes it back. A fault stays until <see cref="EnqueueClear"/>: the steps behind a bad one move nothing
/// either.
/// </summary>
internal sealed unsafe class StepReport : IDisposable
{
    /// <summary>Bytes of a report: a word of flags, then numbers of 8 bytes.</summary>
    public const int Bytes = 256;

    internal const int ValuesFrom = 16;

    private readonly IComputeDevice _device;
    private readonly StepFlags _flags;

    public StepReport(IComputeDevice device)
    {
        _device = device;
        _flags = new StepFlags(device, Bytes / sizeof(int));
        _flags.EnqueueClear();
    }

    /// <summary>Device address of all <see cref="Bytes"/>; the word of flags comes first.</summary>
    public ulong Address => _flags.Word.AddressOf(0);

    /// <summary>Device address of a number.</summary>
    internal ulong AddressOf(StepValue value) => Address + ValuesFrom + (ulong)value * sizeof(double);

    /// <summary>Forgets faults and numbers.</summary>
    public void EnqueueClear() => _flags.EnqueueClear();

    /// <inheritdoc cref="StepFlags.EnqueueCheck"/>
    public void EnqueueCheck(ulong address, long count, StepFault fault) => _flags.EnqueueCheck(address, count, fault);

    /// <summary>Loss ← the mean of some losses on the device, each to be finite.</summary>
    public void EnqueueMean(ulong losses, int count)
    {
        var arguments = new KernelArguments();
        arguments.View(losses, count);
        AddFlags(ref arguments);
        AddValues(ref arguments);
        arguments.Int32(count);
        arguments.Int32((int)StepFault.NotFinite);
        _device.EnqueueLaunch("ReportMean", new LaunchGrid(1), ref arguments);
    }

    /// <summary>GradientSquares ← a sum of squares on the device, which is to be finite and below the optimizer's limit.</summary>
    /// <param name="squares">Device address of one float64.</param>
    public void EnqueueJudge(ulong squares)
    {
        var arguments = new KernelArguments();
        arguments.View(squares, 1);
        arguments.View(AddressOf(StepValue.GradientSquares), 1);
        AddFlags(ref arguments);
        arguments.Int32(1);
        arguments.Int32((int)StepFault.GradientNotFinite);
        _device.EnqueueLaunch("JudgeSquares", new LaunchGrid(1), ref arguments);
    }

    /// <summary>Faults so far, for work that the host itself does in the device's memory: only where that is the host's and what is
    /// enqueued is done at once.</summary>
    public StepFault FaultOnHost => (StepFault)(*(int*)Address);

    /// <summary>Waits for what was enqueued and reads it.</summary>
    public StepReading Read()
    {
        byte* bytes = stackalloc byte[Bytes];
        _device.ReadBack(bytes, Address, Bytes);
        return new StepReading(new ReadOnlySpan<byte>(bytes, Bytes));
    }

    public void Dispose() => _flags.Dispose();

    internal void AddFlags(ref KernelArguments arguments) => arguments.View(Address, 1);

    internal void AddValues(ref KernelArguments arguments) => arguments.View(Address + ValuesFrom, (Bytes - ValuesFrom) / sizeof(double));
}
