using System.Runtime.InteropServices;
using System.Text;
using SSLP.Data.Files;

namespace SSLP.Engine.Processes;

/// <summary>
/// The functions of an MPI library that a run needs, bound when it is asked for. Handles are pointers in Open MPI, whose constants are
/// addresses of its own objects, and 32-bit numbers in MPICH and its kin; either goes through a pointer's register.
/// </summary>
/// <remarks>Source: the MPI 3.1 standard; mpi.h of Open MPI 4.1 and of MPICH 4.0 for the constants.</remarks>
internal sealed unsafe class MpiLibrary
{
    /// <summary>One thread at a time calls, whichever it is.</summary>
    private const int ThreadSerialized = 2;

    private static readonly string[] OpenMpiNames = ["libmpi.so.40", "libmpi.so"];

    private static readonly string[] MpichNames = ["libmpich.so.12", "libmpi.so.12", "libmpich.so"];

    private readonly nint _library;
    private readonly delegate* unmanaged[Cdecl]<int*, byte***, int, int*, int> _initThread;
    private readonly delegate* unmanaged[Cdecl]<byte*, int*, int> _version;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _rank, _size;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, int, nint, nint, int, nint, int> _reduce;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, int> _gatherToAll;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int*, int*, nint, nint, int> _gatherVarying;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _barrier;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int> _abort;
    private readonly delegate* unmanaged[Cdecl]<int> _finalize;
    private readonly nint _world, _byte, _int, _float, _sum, _inPlace;

    private MpiLibrary(nint library, string path)
    {
        _library = library;
        _version = (delegate* unmanaged[Cdecl]<byte*, int*, int>)Find("MPI_Get_library_version", path);
        byte* text = stackalloc byte[8192];
        int length = 0;
        _version(text, &length);
        Version = Encoding.UTF8.GetString(text, Math.Clamp(length, 0, 8192)).Split('\n', '\0')[0].Trim();
        bool openMpi = Version.StartsWith("Open MPI", StringComparison.Ordinal);
        _initThread = (delegate* unmanaged[Cdecl]<int*, byte***, int, int*, int>)Find("MPI_Init_thread", path);
        _rank = (delegate* unmanaged[Cdecl]<nint, int*, int>)Find("MPI_Comm_rank", path);
        _size = (delegate* unmanaged[Cdecl]<nint, int*, int>)Find("MPI_Comm_size", path);
        _reduce = (delegate* unmanaged[Cdecl]<void*, void*, int, nint, nint, int, nint, int>)Find("MPI_Reduce", path);
        _broadcast = (delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, int>)Find("MPI_Bcast", path);
        _gatherToAll = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, int>)Find("MPI_Allgather", path);
        _gatherVarying = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int*, int*, nint, nint, int>)Find("MPI_Allgatherv", path);
        _barrier = (delegate* unmanaged[Cdecl]<nint, int>)Find("MPI_Barrier", path);
        _abort = (delegate* unmanaged[Cdecl]<nint, int, int>)Find("MPI_Abort", path);
        _finalize = (delegate* unmanaged[Cdecl]<int>)Find("MPI_Finalize", path);
        _world = openMpi ? Find("ompi_mpi_comm_world", path) : 0x44000000;
        _byte = openMpi ? Find("ompi_mpi_byte", path) : 0x4c00010d;
        _int = openMpi ? Find("ompi_mpi_int", path) : 0x4c000405;
        _float = openMpi ? Find("ompi_mpi_float", path) : 0x4c00040a;
        _sum = openMpi ? Find("ompi_mpi_op_sum", path) : 0x58000003;
        _inPlace = openMpi ? 1 : -1;
    }

    /// <summary>"Open MPI v4.1.4, …", "MPICH Version: 4.0.2".</summary>
    public string Version { get; }

    /// <summary>Loads a library.</summary>
    /// <param name="name">Its path, or null for those that Open MPI or MPICH have.</param>
    /// <param name="openMpiFirst">Which of the two to look for first: that which started the process.</param>
    /// <exception cref="Fault">None of them loads, or it lacks a function.</exception>
    public static MpiLibrary Load(string? name, bool openMpiFirst)
    {
        string[] names = name is not null ? [name] : openMpiFirst ? [.. OpenMpiNames, .. MpichNames] : [.. MpichNames, .. OpenMpiNames];
        foreach (string candidate in names)
            if (NativeLibrary.TryLoad(candidate, typeof(MpiLibrary).Assembly, DllImportSearchPath.SafeDirectories, out nint library)
                || NativeLibrary.TryLoad(candidate, out library))
                return new MpiLibrary(library, candidate);
        throw name is not null
            ? new Fault(FaultKind.Usage, $"'{name}' does not load as an MPI library: name that of Open MPI or MPICH.")
            : new Fault(FaultKind.Device,
                $"This process was started by MPI, and none of {string.Join(", ", names)} loads: install Open MPI or MPICH, or name its " +
                $"library in SSLP_MPI.");
    }

    /// <summary>Begins; once a process.</summary>
    public void Begin()
    {
        int given = 0;
        Check(_initThread(null, null, ThreadSerialized, &given), "MPI_Init_thread");
        if (given < ThreadSerialized)
            throw new Fault(FaultKind.Device, $"{Version} gives no threads (level {given}); use a build that does.");
    }

    public int Rank()
    {
        int rank = 0;
        Check(_rank(_world, &rank), "MPI_Comm_rank");
        return rank;
    }

    public int Size()
    {
        int size = 0;
        Check(_size(_world, &size), "MPI_Comm_size");
        return size;
    }

    /// <summary>Sums into the first process's buffer, then from there into all: the same bits everywhere, which a library need not give
    /// otherwise.</summary>
    public void Sum(float* values, int count, bool isFirst) => Sum(values, count, _float, isFirst);

    /// <inheritdoc cref="Sum(float*, int, bool)"/>
    public void Sum(int* values, int count, bool isFirst) => Sum(values, count, _int, isFirst);

    /// <summary>One process's bytes for all.</summary>
    public void Broadcast(void* values, int bytes, int from) => Check(_broadcast(values, bytes, _byte, from, _world), "MPI_Bcast");

    /// <summary>Every process's bytes, one after another, of each another number.</summary>
    public void Gather(void* own, int bytes, void* all, int* counts, int* starts) =>
        Check(_gatherVarying(own, bytes, _byte, all, counts, starts, _byte, _world), "MPI_Allgatherv");

    /// <summary>Every process's bytes, one after another.</summary>
    public void Gather(void* own, int bytes, void* all) =>
        Check(_gatherToAll(own, bytes, _byte, all, bytes, _byte, _world), "MPI_Allgather");

    public void Barrier() => Check(_barrier(_world), "MPI_Barrier");

    /// <summary>Ends every process of the job.</summary>
    public void Abort(int code) => _abort(_world, code);

    public void End() => _finalize();

    private void Sum(void* values, int count, nint type, bool isFirst)
    {
        Check(_reduce(isFirst ? (void*)_inPlace : values, isFirst ? values : null, count, type, _sum, 0, _world), "MPI_Reduce");
        Check(_broadcast(values, count, type, 0, _world), "MPI_Bcast");
    }

    private nint Find(string symbol, string path) => NativeLibrary.TryGetExport(_library, symbol, out nint address)
        ? address
        : throw new Fault(FaultKind.Device, $"'{path}' has no {symbol}: it is no MPI library that this program can use.");

    private static void Check(int code, string function)
    {
        if (code != 0)
            throw new Fault(FaultKind.Device, $"{function} failed with code {code}; another process of the job may have ended.");
    }
}
