using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>What can be wrong with a step, as a kernel finds it.</summary>
[Flags]
internal enum StepFault
{
    None = 0,

    /// <summary>A feature is NaN or infinite.</summary>
    NotFinite = 1,
}

/// <summary>One word on a device: kernels set its bits, and those that move something do nothing while one is set.</summary>
internal sealed class StepFlags(IComputeDevice device) : IDisposable
{
    private const int GroupSize = 256, GroupsWanted = 256;

    public DeviceArray<int> Word { get; } = new DeviceArray<int>(device).EnsureLength(1);

    public void EnqueueClear() => Word.EnqueueClear(1);

    /// <summary>Sets <see cref="StepFault.NotFinite"/> where one of the first values is not.</summary>
    /// <param name="count">Values; a multiple of four.</param>
    public void EnqueueCheck(DeviceArray<float> values, long count)
    {
        var arguments = new KernelArguments();
        arguments.Quads(values);
        arguments.View(Word);
        arguments.Int64(count / 4);
        arguments.Int32((int)StepFault.NotFinite);
        device.EnqueueLaunch("CheckFinite", new LaunchGrid(Math.Min(GroupSize.GroupsOf(count / 4), GroupsWanted)), ref arguments);
    }

    /// <summary>Waits for what was enqueued and reads the word.</summary>
    public StepFault Read()
    {
        Span<int> word = [0];
        Word.ReadBack(word);
        return (StepFault)word[0];
    }

    public void Dispose() => Word.Dispose();
}
