using System.Runtime.InteropServices;
using System.Text;

namespace SSLP.Interop.Cuda;

/// <summary>PTX that has been compiled for a device and loaded.</summary>
public sealed unsafe class CudaModule : IDisposable
{
    private const int LogBytes = 8192;

    private readonly CudaModuleHandle _handle;
    private readonly string _name;

    private CudaModule(CudaContext context, string name, CudaModuleHandle handle)
    {
        Context = context;
        _name = name;
        _handle = handle;
    }

    public CudaContext Context { get; }

    private CudaCalls Calls => Context.Calls;

    /// <summary>Finds an entry of the module.</summary>
    /// <param name="dynamicSharedBytes">Shared memory that launches will ask for beyond what the entry declares. Above 48 KB a device
    /// grants it only on request, made here.</param>
    /// <exception cref="CudaException">There is no such entry, or the device cannot give so much shared memory.</exception>
    public CudaFunction Function(string entry, int dynamicSharedBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dynamicSharedBytes);
        nint function;
        fixed (byte* text = Encoding.ASCII.GetBytes(entry + '\0'))
        {
            int result = Calls.cuModuleGetFunction(&function, _handle, text);
            Calls.Check(result, $"{nameof(Calls.cuModuleGetFunction)} of {entry} in {_name}");
        }

        if (dynamicSharedBytes > CudaFunction.SharedBytesWithoutAsking)
        {
            int result = Calls.cuFuncSetAttribute(function, NativeCuda.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, dynamicSharedBytes);
            Calls.Check(result, $"{nameof(Calls.cuFuncSetAttribute)} ({dynamicSharedBytes} bytes of shared memory for {entry})");
        }

        return new CudaFunction(this, function, entry, dynamicSharedBytes);
    }

    public void Dispose() => _handle.Dispose();

    internal static CudaModule Load(CudaContext context, string name, ReadOnlySpan<byte> ptx)
    {
        byte[] image = new byte[ptx.Length + 1];  // the driver reads to the terminating zero
        ptx.CopyTo(image);
        byte* log = stackalloc byte[LogBytes];
        log[0] = 0;
        int* options = stackalloc int[] { NativeCuda.CU_JIT_ERROR_LOG_BUFFER, NativeCuda.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
        void** values = stackalloc void*[] { log, (void*)LogBytes };
        nint module;
        int result;
        CudaCalls calls = context.Calls;
        fixed (byte* text = image)
            result = calls.cuModuleLoadDataEx(&module, text, 2, options, values);
        if (result != NativeCuda.CUDA_SUCCESS)
        {
            string compiler = Marshal.PtrToStringUTF8((nint)log)!.Trim();
            throw new CudaException($"{nameof(calls.cuModuleLoadDataEx)} of {name}", result,
                $"{calls.Describe(result)} {compiler}".TrimEnd());
        }

        return new CudaModule(context, name, new CudaModuleHandle(context.Handle, module));
    }
}

/// <summary>Blocks of a launch in each direction; X may reach 2³¹ − 1, the others 65,535.</summary>
public readonly record struct LaunchGrid(uint X, uint Y = 1, uint Z = 1)
{
    /// <summary>Most blocks in Y and in Z.</summary>
    public const uint MaxAcross = 65_535;
}

/// <summary>An entry of a module that can be launched. Good as long as its module is not disposed.</summary>
public sealed unsafe class CudaFunction
{
    /// <summary>Shared memory in bytes that any launch may have.</summary>
    public const int SharedBytesWithoutAsking = 48 * 1024;

    private readonly CudaModule _module;
    private readonly nint _function;
    private readonly string _launchCall;
    private readonly int _dynamicSharedBytes;

    internal CudaFunction(CudaModule module, nint function, string entry, int dynamicSharedBytes)
    {
        _module = module;
        _function = function;
        _launchCall = $"{nameof(CudaCalls.cuLaunchKernel)} of {entry}";
        _dynamicSharedBytes = dynamicSharedBytes;
    }

    /// <summary>Launches grid blocks of <paramref name="blockX"/> threads; returns before they have run.</summary>
    /// <exception cref="ArgumentException">The grid has more blocks in a direction than a device takes.</exception>
    public void EnqueueLaunch(CudaStream stream, LaunchGrid grid, uint blockX, ref KernelArguments arguments)
    {
        if (grid.X > int.MaxValue || grid.Y > LaunchGrid.MaxAcross || grid.Z > LaunchGrid.MaxAcross)
            throw new ArgumentException(
                $"{_launchCall}: a grid of {grid.X} × {grid.Y} × {grid.Z} blocks; a device takes {int.MaxValue} × {LaunchGrid.MaxAcross} " +
                $"× {LaunchGrid.MaxAcross}.");
        fixed (ulong* values = arguments.Values)
        {
            void** pointers = stackalloc void*[KernelArguments.Capacity];
            for (int i = 0; i < arguments.Count; i++)
                pointers[i] = values + 2 * i;
            int result = _module.Context.Calls.cuLaunchKernel(
                _function, grid.X, grid.Y, grid.Z, blockX, 1, 1, (uint)_dynamicSharedBytes, stream.Handle, pointers, null);
            _module.Context.Calls.Check(result, _launchCall);
        }

        GC.KeepAlive(_module);
    }
}
