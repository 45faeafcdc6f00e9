using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace SSLP.Interop.Cuda;

/// <summary>What one device is.</summary>
/// <param name="Ordinal">Its number among the visible devices, from 0.</param>
/// <param name="ComputeMajor">Compute capability before the point: 9 of 9.0.</param>
/// <param name="ComputeMinor">Compute capability after the point.</param>
/// <param name="SharedBytesPerBlock">Most shared memory that a block can have when it asks for it.</param>
public sealed record CudaDeviceInfo(
    int Ordinal, string Name, int ComputeMajor, int ComputeMinor, long MemoryBytes, int Multiprocessors, int SharedBytesPerBlock);

/// <summary>
/// The NVIDIA driver: <c>libcuda.so.1</c> or <c>nvcuda.dll</c>, which comes with the card's driver and is never shipped here.
/// That there is none is an answer, not an error.
/// </summary>
public sealed unsafe class CudaDriver
{
    private static nint _library;

    private readonly Lock _loading = new();
    private readonly Func<string?> _load;
    private bool _initialised;

    static CudaDriver() => NativeLibrary.SetDllImportResolver(typeof(CudaDriver).Assembly, Resolve);

    private CudaDriver()
    {
        Calls = new CudaCalls();
        _load = LoadLibrary;
    }

    /// <summary>A driver that is not a library of the system: it is there from the start.</summary>
    internal CudaDriver(CudaCalls calls)
    {
        Calls = calls;
        _load = () => null;
    }

    /// <summary>The driver of this machine.</summary>
    public static CudaDriver System { get; } = new();

    internal CudaCalls Calls { get; }

    /// <summary>Loads and initialises the driver, once; later calls answer from memory where the first succeeded.</summary>
    /// <param name="reason">Where it fails, why: no library, no device, or the driver's own words.</param>
    public bool TryLoad([NotNullWhen(false)] out string? reason)
    {
        lock (_loading)
        {
            reason = _initialised ? null : _load() ?? Start();
            _initialised = reason is null;
            return _initialised;
        }
    }

    /// <summary>The newest CUDA version that the driver supports, as major and minor.</summary>
    /// <exception cref="InvalidOperationException">There is no driver; the message says why.</exception>
    public (int Major, int Minor) Version
    {
        get
        {
            Require();
            int version;
            Calls.Check(Calls.cuDriverGetVersion(&version), nameof(Calls.cuDriverGetVersion));
            return (version / 1000, version % 1000 / 10);
        }
    }

    /// <summary>How many devices this process sees.</summary>
    /// <exception cref="InvalidOperationException">There is no driver; the message says why.</exception>
    public int DeviceCount
    {
        get
        {
            Require();
            return CountDevices();
        }
    }

    /// <summary>Describes a device.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such device.</exception>
    public CudaDeviceInfo Describe(int ordinal)
    {
        int device = Device(ordinal);
        const int nameLength = 256;
        byte* name = stackalloc byte[nameLength];
        Calls.Check(Calls.cuDeviceGetName(name, nameLength, device), nameof(Calls.cuDeviceGetName));
        nuint bytes;
        Calls.Check(Calls.cuDeviceTotalMem_v2(&bytes, device), nameof(Calls.cuDeviceTotalMem_v2));
        return new CudaDeviceInfo(
            ordinal,
            Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)),
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
            (long)bytes,
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
    }

    /// <summary>Remembers which context the calling thread has; what is done until it is disposed may make another one current.</summary>
    /// <exception cref="CudaException">The driver refuses. That there is none, or no more at the process's end, is no error: nothing is
    /// kept then.</exception>
    public CurrentContext KeepCurrent()
    {
        if (!TryLoad(out _))
            return default;
        nint context;
        int result = Calls.cuCtxGetCurrent(&context);
        if (result == NativeCuda.CUDA_ERROR_DEINITIALIZED)
            return default;
        Calls.Check(result, nameof(Calls.cuCtxGetCurrent));
        return new(Calls, context);
    }

    internal int Device(int ordinal)
    {
        if (ordinal < 0 || ordinal >= DeviceCount)
            throw new ArgumentOutOfRangeException(
                null, $"CUDA device {ordinal} was asked for; the driver has {DeviceCount}, counted from 0.");
        int device;
        Calls.Check(Calls.cuDeviceGet(&device, ordinal), nameof(Calls.cuDeviceGet));
        return device;
    }

    /// <summary>The library's candidates on this system, in the order they are tried.</summary>
    internal static string[] Candidates() =>
        OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so"];

    /// <summary>Loads the driver of this machine from a path, for machines that keep it where the loader does not look. Before anything
    /// else uses it.</summary>
    /// <param name="path">The library.</param>
    /// <exception cref="InvalidOperationException">It does not load, or a process that has a driver already asks for another.</exception>
    public static void LoadFrom(string path)
    {
        if (_library != 0)
            throw new InvalidOperationException($"'{path}' cannot be loaded: this process has an NVIDIA driver already.");
        if (!NativeLibrary.TryLoad(path, out _library))
            throw new InvalidOperationException($"'{path}' cannot be loaded as the NVIDIA driver.");
    }

    private static string? LoadLibrary()
    {
        string[] candidates = Candidates();
        for (int i = 0; i < candidates.Length && _library == 0; i++)
            NativeLibrary.TryLoad(candidates[i], out _library);
        return _library == 0 ? $"no NVIDIA driver: {string.Join(" and ", candidates)} cannot be loaded" : null;
    }

    private string? Start()
    {
        int result = Calls.cuInit(0);
        if (result != NativeCuda.CUDA_SUCCESS)
            return $"the NVIDIA driver does not start: {Calls.Describe(result)}";
        return CountDevices() == 0 ? "the NVIDIA driver sees no device" : null;
    }

    private void Require()
    {
        if (!TryLoad(out string? reason))
            throw new InvalidOperationException($"CUDA cannot be used here: {reason}.");
    }

    private int CountDevices()
    {
        int count;
        Calls.Check(Calls.cuDeviceGetCount(&count), nameof(Calls.cuDeviceGetCount));
        return count;
    }

    /// <summary>Where a card sits in its machine, the same by whatever number a process sees it.</summary>
    /// <param name="ordinal">Of the device, by the driver's count.</param>
    public (int Domain, int Bus, int Slot) PciPlace(int ordinal)
    {
        int device = Device(ordinal);
        return (Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID),
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_PCI_BUS_ID), Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID));
    }

    private int Attribute(int device, int attribute)
    {
        int value;
        Calls.Check(Calls.cuDeviceGetAttribute(&value, attribute, device), nameof(Calls.cuDeviceGetAttribute));
        return value;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        NativeCuda.Library => _library,
        _ => 0,
    };
}

/// <summary>
/// The context that a thread of a host had, which is put back on disposal: a host with several devices, or contexts of its own, must not
/// find another one current after a call.
/// </summary>
public readonly struct CurrentContext : IDisposable
{
    private readonly CudaCalls? _calls;
    private readonly nint _context;

    internal CurrentContext(CudaCalls calls, nint context) => (_calls, _context) = (calls, context);

    /// <summary>Throws nothing: what went wrong in between is what is to be told, and a context that is gone is told by the next
    /// call.</summary>
    public void Dispose() => _calls?.cuCtxSetCurrent(_context);
}
