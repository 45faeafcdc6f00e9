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
/// That there is none is an answer, not an error. The environment variable SSLP_CUDA_DRIVER names a library to load instead.
/// </summary>
public static unsafe class CudaDriver
{
    /// <summary>Names a driver library by path, for machines that keep it where the loader does not look.</summary>
    public const string PathVariable = "SSLP_CUDA_DRIVER";

    private static readonly Lock Loading = new();
    private static nint s_library;
    private static bool s_initialised;

    static CudaDriver() => NativeLibrary.SetDllImportResolver(typeof(CudaDriver).Assembly, Resolve);

    /// <summary>Loads and initialises the driver, once; later calls answer from memory where the first succeeded.</summary>
    /// <param name="reason">Where it fails, why: no library, no device, or the driver's own words.</param>
    public static bool TryLoad([NotNullWhen(false)] out string? reason)
    {
        lock (Loading)
        {
            reason = s_initialised ? null : Load();
            s_initialised = reason is null;
            return s_initialised;
        }
    }

    /// <summary>The newest CUDA version that the driver supports, as major and minor.</summary>
    /// <exception cref="InvalidOperationException">There is no driver; the message says why.</exception>
    public static (int Major, int Minor) Version
    {
        get
        {
            Require();
            int version;
            CudaException.ThrowIfFailed(NativeCuda.cuDriverGetVersion(&version), nameof(NativeCuda.cuDriverGetVersion));
            return (version / 1000, version % 1000 / 10);
        }
    }

    /// <summary>How many devices this process sees.</summary>
    /// <exception cref="InvalidOperationException">There is no driver; the message says why.</exception>
    public static int DeviceCount
    {
        get
        {
            Require();
            return CountDevices();
        }
    }

    /// <summary>Describes a device.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such device.</exception>
    public static CudaDeviceInfo Describe(int ordinal)
    {
        int device = Device(ordinal);
        const int nameLength = 256;
        byte* name = stackalloc byte[nameLength];
        CudaException.ThrowIfFailed(NativeCuda.cuDeviceGetName(name, nameLength, device), nameof(NativeCuda.cuDeviceGetName));
        nuint bytes;
        CudaException.ThrowIfFailed(NativeCuda.cuDeviceTotalMem_v2(&bytes, device), nameof(NativeCuda.cuDeviceTotalMem_v2));
        return new CudaDeviceInfo(
            ordinal,
            Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)),
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
            (long)bytes,
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
            Attribute(device, NativeCuda.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
    }

    internal static int Device(int ordinal)
    {
        if (ordinal < 0 || ordinal >= DeviceCount)
            throw new ArgumentOutOfRangeException(nameof(ordinal), $"CUDA device {ordinal} was asked for; the driver has {DeviceCount}, counted from 0.");
        int device;
        CudaException.ThrowIfFailed(NativeCuda.cuDeviceGet(&device, ordinal), nameof(NativeCuda.cuDeviceGet));
        return device;
    }

    /// <summary>The library's candidates on this system, in the order they are tried.</summary>
    internal static string[] Candidates(string? path) =>
        !string.IsNullOrEmpty(path) ? [path] : OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so"];

    private static string? Load()
    {
        string[] candidates = Candidates(Environment.GetEnvironmentVariable(PathVariable));
        for (int i = 0; i < candidates.Length && s_library == 0; i++)
            NativeLibrary.TryLoad(candidates[i], out s_library);
        if (s_library == 0)
            return $"no NVIDIA driver: {string.Join(" and ", candidates)} cannot be loaded";
        int result = NativeCuda.cuInit(0);
        if (result != NativeCuda.CUDA_SUCCESS)
            return $"the NVIDIA driver does not start: {CudaException.Describe(result)}";
        return CountDevices() == 0 ? "the NVIDIA driver sees no device" : null;
    }

    private static void Require()
    {
        if (!TryLoad(out string? reason))
            throw new InvalidOperationException($"CUDA cannot be used here: {reason}.");
    }

    private static int CountDevices()
    {
        int count;
        CudaException.ThrowIfFailed(NativeCuda.cuDeviceGetCount(&count), nameof(NativeCuda.cuDeviceGetCount));
        return count;
    }

    private static int Attribute(int device, int attribute)
    {
        int value;
        CudaException.ThrowIfFailed(NativeCuda.cuDeviceGetAttribute(&value, attribute, device), nameof(NativeCuda.cuDeviceGetAttribute));
        return value;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        NativeCuda.Library => s_library,
        NativeNvtx.Library => Nvtx.LibraryHandle,
        _ => 0,
    };
}
