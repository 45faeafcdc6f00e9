using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Data.Files;

namespace SSLP.Engine.Processes;

/// <summary>
/// The functions of NCCL that a run needs, bound when several processes train on CUDA devices. A Python torch brings it, beside the lib
/// folder or in it; nothing of it is shipped here.
/// </summary>
/// <remarks>Source: NCCL's user guide, "NCCL API", for the functions; nccl.h of NCCL 2 for the constants.</remarks>
internal sealed unsafe class NcclLibrary
{
    /// <summary>In place of a library's path: gradients go through the host.</summary>
    public const string None = "none";

    private const string SoName = "libnccl.so.2";
    private const int Success = 0, InProgress = 7, Float32 = 7, Sum = 0;

    private readonly nint _library;
    private readonly string _path;
    private readonly delegate* unmanaged[Cdecl]<UniqueId*, int> _uniqueId;
    private readonly delegate* unmanaged[Cdecl]<nint*, int, UniqueId, int, int> _begin;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, int, int, int, nint, nint, int> _reduce;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, int, int, nint, nint, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _asyncError;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _abort, _destroy;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _errorText;

    private NcclLibrary(nint library, string path)
    {
        (_library, _path) = (library, path);
        _errorText = (delegate* unmanaged[Cdecl]<int, byte*>)Find("ncclGetErrorString");
        _uniqueId = (delegate* unmanaged[Cdecl]<UniqueId*, int>)Find("ncclGetUniqueId");
        _begin = (delegate* unmanaged[Cdecl]<nint*, int, UniqueId, int, int>)Find("ncclCommInitRank");
        _reduce = (delegate* unmanaged[Cdecl]<void*, void*, nuint, int, int, int, nint, nint, int>)Find("ncclReduce");
        _broadcast = (delegate* unmanaged[Cdecl]<void*, void*, nuint, int, int, nint, nint, int>)Find("ncclBroadcast");
        _asyncError = (delegate* unmanaged[Cdecl]<nint, int*, int>)Find("ncclCommGetAsyncError");
        _abort = (delegate* unmanaged[Cdecl]<nint, int>)Find("ncclCommAbort");
        _destroy = (delegate* unmanaged[Cdecl]<nint, int>)Find("ncclCommDestroy");
        int code = 0;
        Check(((delegate* unmanaged[Cdecl]<int*, int>)Find("ncclGetVersion"))(&code), "ncclGetVersion");
        // 2.8 and before wrote 2.8.4 as 2804, those after it 2.9.6 as 20906.
        int major = code < 10_000 ? code / 1000 : code / 10_000, rest = code < 10_000 ? code % 1000 : code % 10_000;
        Version = string.Create(CultureInfo.InvariantCulture, $"NCCL {major}.{rest / 100}.{rest % 100}");
    }

    /// <summary>What a communicator is begun by: made by one process, given to all.</summary>
    [InlineArray(Bytes)]
    public struct UniqueId
    {
        public const int Bytes = 128;

        private byte _first;
    }

    /// <summary>"NCCL 2.21.5".</summary>
    public string Version { get; }

    /// <summary>Loads what a path names.</summary>
    /// <exception cref="Fault">It does not load, or it is another library.</exception>
    public static NcclLibrary Load(string path) => NativeLibrary.TryLoad(path, out nint library)
        ? new NcclLibrary(library, path)
        : throw new Fault(FaultKind.Usage, $"'{path}' does not load as NCCL: name its {SoName}, or {None} to average through the host.");

    /// <summary>Loads torch's own, in its folder or where a Python torch keeps it beside, else the system's.</summary>
    /// <param name="torch">The folder of libtorch's libraries.</param>
    /// <param name="library">It, where there is one.</param>
    /// <param name="why">Where there is none, as the end of a sentence.</param>
    /// <exception cref="Fault">One loads that lacks a function.</exception>
    public static bool TryFind(string torch, [NotNullWhen(true)] out NcclLibrary? library, [NotNullWhen(false)] out string? why)
    {
        string[] places = [Path.Combine(torch, SoName), Path.GetFullPath(Path.Combine(torch, "../../nvidia/nccl/lib", SoName)), SoName];
        foreach (string place in places)
            if (NativeLibrary.TryLoad(place, out nint loaded))
            {
                (library, why) = (new NcclLibrary(loaded, place), null);
                return true;
            }
        (library, why) = (null, $"{SoName} is neither in '{torch}' nor where a Python torch keeps it beside, nor the system's");
        return false;
    }

    public UniqueId NewId()
    {
        UniqueId id;
        Check(_uniqueId(&id), "ncclGetUniqueId");
        return id;
    }

    /// <summary>Joins the processes that have the same id, on the device whose context is current. Waits for all of them.</summary>
    public nint Begin(in UniqueId id, int rank, int size)
    {
        nint communicator;
        Check(_begin(&communicator, size, id, rank), "ncclCommInitRank");
        return communicator;
    }

    /// <summary>Enqueues the sum into the first process's memory, then from there into all: the same bits everywhere, which an all-reduce
    /// need not give.</summary>
    /// <param name="communicator">Of <see cref="Begin"/>.</param>
    /// <param name="values">float32, in the memory of the device.</param>
    /// <param name="count">How many.</param>
    /// <param name="stream">Of the device; 0 for the one that libtorch works on.</param>
    public void EnqueueSum(nint communicator, void* values, long count, nint stream)
    {
        Check(_reduce(values, values, (nuint)count, Float32, Sum, 0, communicator, stream), "ncclReduce");
        Check(_broadcast(values, values, (nuint)count, Float32, 0, communicator, stream), "ncclBroadcast");
    }

    /// <summary>What went wrong since the last call: another process that is gone, a network; throws where something did.</summary>
    public void CheckEnqueued(nint communicator)
    {
        int error = Success;
        Check(_asyncError(communicator, &error), "ncclCommGetAsyncError");
        if (error != InProgress)
            Check(error, "ncclReduce or ncclBroadcast");
    }

    /// <summary>Leaves, whatever is enqueued.</summary>
    public void Abort(nint communicator) => _abort(communicator);

    /// <summary>Leaves, when all that is enqueued is done.</summary>
    public void End(nint communicator) => _destroy(communicator);

    private nint Find(string symbol) => NativeLibrary.TryGetExport(_library, symbol, out nint address)
        ? address
        : throw new Fault(FaultKind.Usage,
            $"'{_path}' has no {symbol}: it is no NCCL that this program can use; name one of version 2.4 or later.");

    private void Check(int code, string function)
    {
        if (code != Success)
            throw new Fault(FaultKind.Device,
                $"{Version ?? _path}: {function} failed, {Marshal.PtrToStringUTF8((nint)_errorText(code))}: give each process a CUDA " +
                $"device of its own, look with NCCL_DEBUG=WARN, or average through the host with SSLP_NCCL={None}.");
    }
}
