using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using SSLP.Interop.Cuda;
using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

[CollectionDefinition("device")]
public sealed class DeviceCollection : ICollectionFixture<TestDevice>;

/// <summary>The device that the launchers are tested on: with SSLP_KERNELS=cuda the machine's GPU, else ILGPU's CPU accelerator.</summary>
public sealed unsafe class TestDevice : IComputeDevice
{
    private readonly IComputeDevice _device =
        Environment.GetEnvironmentVariable(KernelSet.Variable) == "cuda" ? new CudaComputeDevice() : new AcceleratorDevice();

    public IDeviceBlock Allocate(long bytes) => _device.Allocate(bytes);

    public void Upload(ulong destination, void* source, long bytes) => _device.Upload(destination, source, bytes);

    public void ReadBack(void* destination, ulong source, long bytes) => _device.ReadBack(destination, source, bytes);

    public void EnqueueFill(ulong destination, byte value, long bytes) => _device.EnqueueFill(destination, value, bytes);

    public void EnqueueLaunch(string kernel, LaunchGrid grid, ref KernelArguments arguments) => _device.EnqueueLaunch(kernel, grid, ref arguments);

    public void Dispose() => _device.Dispose();
}

/// <summary>
/// ILGPU's CPU accelerator behind the launchers' own contract: each launch's packed arguments are unpacked by the kernel's parameter types and
/// the C# device code runs, one thread of the system for each device thread. It shows meaning, not speed; sizes stay small.
/// Kernels that allow it run in groups of 32, since a barrier costs as much as its threads.
/// </summary>
public sealed unsafe class AcceleratorDevice : IComputeDevice
{
    private const int SmallGroup = 32;

    // Their tiles are laid out for 256 threads.
    private static readonly HashSet<string> FixedGroups =
        ["ScoreSamples", "CollectCandidates", "CountRanks", "AssignClusters", "AccumulateWholeBank", "CollectRoundedCandidates",
         "CountSplitRanks", "AccumulateSplitWholeBank"];

    private readonly Context _context = Context.Create(builder => builder.CPU(CPUDeviceKind.Nvidia));
    private readonly CPUAccelerator _accelerator;
    private readonly List<Block> _blocks = [];
    private readonly Dictionary<string, (Kernel Kernel, DeviceKernel Source)> _kernels = [];

    public AcceleratorDevice() => _accelerator = _context.CreateCPUAccelerator(0);

    public IDeviceBlock Allocate(long bytes)
    {
        var block = new Block(_accelerator.Allocate1D<byte>(bytes), _blocks);
        _blocks.Add(block);
        return block;
    }

    public void Upload(ulong destination, void* source, long bytes) => Buffer.MemoryCopy(source, (void*)destination, bytes, bytes);

    public void ReadBack(void* destination, ulong source, long bytes) => Buffer.MemoryCopy((void*)source, destination, bytes, bytes);

    public void EnqueueFill(ulong destination, byte value, long bytes) => new Span<byte>((void*)destination, (int)bytes).Fill(value);

    public void EnqueueLaunch(string kernel, LaunchGrid grid, ref KernelArguments arguments)
    {
        if (!_kernels.TryGetValue(kernel, out (Kernel Kernel, DeviceKernel Source) loaded))
        {
            DeviceKernel source = DeviceKernels.All.Single(k => k.Name == kernel);
            _kernels.Add(kernel, loaded = (_accelerator.LoadKernel(source.Method), source));
        }

        ParameterInfo[] parameters = loaded.Source.Method.GetParameters();
        Assert.Equal(parameters.Length, arguments.Count);
        var values = new object[parameters.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = Unpack(parameters[i].ParameterType, arguments.Values[2 * i], arguments.Values[2 * i + 1]);
        int group = FixedGroups.Contains(kernel) ? loaded.Source.GroupSize : Math.Min(SmallGroup, loaded.Source.GroupSize);
        var config = new KernelConfig(new Index3D((int)grid.X, (int)grid.Y, (int)grid.Z), new Index3D(group, 1, 1));
        loaded.Kernel.Launch(_accelerator.DefaultStream, config, values);
        _accelerator.Synchronize();
    }

    public void Dispose()
    {
        _accelerator.Dispose();
        _context.Dispose();
    }

    private object Unpack(Type type, ulong low, ulong high) =>
        type == typeof(int) ? (int)low
        : type == typeof(long) ? (long)low
        : type == typeof(float) ? BitConverter.UInt32BitsToSingle((uint)low)
        : type == typeof(double) ? BitConverter.UInt64BitsToDouble(low)
        : type == typeof(ArrayView<float>) ? View<float>(low, high)
        : type == typeof(ArrayView<Float4>) ? View<Float4>(low, high)
        : type == typeof(ArrayView<UInt4>) ? View<UInt4>(low, high)
        : type == typeof(ArrayView<uint>) ? View<uint>(low, high)
        : type == typeof(ArrayView<int>) ? View<int>(low, high)
        : type == typeof(ArrayView<long>) ? View<long>(low, high)
        : type == typeof(ArrayView<ulong>) ? View<ulong>(low, high)
        : type == typeof(ArrayView<byte>) ? View<byte>(low, high)
        : type == typeof(ArrayView<SSLP.Kernels.Device.AugmentPlan>) ? View<SSLP.Kernels.Device.AugmentPlan>(low, high)
        : throw new NotSupportedException($"A kernel parameter of type {type}.");

    // A view must lie within a block that is still allocated: a launcher that points elsewhere fails here.
    private ArrayView<T> View<T>(ulong address, ulong length) where T : unmanaged
    {
        ulong bytes = length * (ulong)sizeof(T);
        if (bytes == 0)
            return ArrayView<T>.Empty;
        Block block = _blocks.Single(b => address >= b.Address && address + bytes <= b.Address + (ulong)b.View.Length);
        return block.View.SubView((long)(address - block.Address), (long)bytes).Cast<T>();
    }

    private sealed class Block(MemoryBuffer1D<byte, Stride1D.Dense> buffer, List<Block> blocks) : IDeviceBlock
    {
        public ulong Address => (ulong)buffer.NativePtr;

        public ArrayView<byte> View => buffer.View.BaseView;

        public void Dispose()
        {
            blocks.Remove(this);
            buffer.Dispose();
        }
    }
}
