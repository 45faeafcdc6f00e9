using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>What can be wrong with a step, as kernels find it.</summary>
[Flags]
internal enum StepFault
{
    None = 0,

    /// <summary>A feature is NaN or infinite.</summary>
    NotFinite = 1,

    /// <summary>A list had no room for what belongs in it: the step is to be done again with more.</summary>
    ListTooLong = 2,

    /// <summary>A list does not reach the rank that it is asked for: the step is to be done again with a lower threshold.</summary>
    ListTooShort = 4,

    /// <summary>A batch statistic is NaN or infinite after the forward pass.</summary>
    StatisticsNotFinite = 8,

    /// <summary>A gradient is NaN or infinite.</summary>
    GradientNotFinite = 16,
}

/// <summary>One word on a device: kernels set its bits, and those that move something do nothing while one is set.</summary>
/// <param name="device">Borrowed.</param>
/// <param name="words">Words in all; the flags are the first, and a report has its numbers in the others.</param>
internal sealed class StepFlags(IComputeDevice device, int words = 1) : IDisposable
{
    private const int GroupSize = 256, GroupsWanted = 256;

    public DeviceArray<int> Word { get; } = new DeviceArray<int>(device).EnsureLength(words);

    public void EnqueueClear() => Word.EnqueueClear(words);

    /// <summary>Sets a fault where one of the values is NaN or infinite.</summary>
    /// <param name="address">Device address, a multiple of 16.</param>
    /// <param name="count">Values; a multiple of four.</param>
    /// <param name="fault">Which.</param>
    public void EnqueueCheck(ulong address, long count, StepFault fault)
    {
        var arguments = new KernelArguments();
        arguments.View(address, count / 4);
        arguments.View(Word.AddressOf(0), 1);
        arguments.Int64(count / 4);
        arguments.Int32((int)fault);
        device.EnqueueLaunch("CheckFinite", new LaunchGrid(Math.Clamp(GroupSize.GroupsOf(count / 4), 1, GroupsWanted)), ref arguments);
    }

    public void Dispose() => Word.Dispose();
}
