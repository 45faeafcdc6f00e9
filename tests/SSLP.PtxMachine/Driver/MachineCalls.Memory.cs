using System.Runtime.InteropServices;
using SSLP.Interop.Cuda;

namespace SSLP.PtxMachine.Driver;

/// <summary>Memory, copies, streams and events.</summary>
internal sealed unsafe partial class MachineCalls
{
    private readonly MachineStream _default = new();
    private readonly Dictionary<nint, long> _pinned = [];

    public override bool IsOnHost => isOnHost;

    public override void Borrowed(ulong address, long bytes)
    {
        lock (_lock)
            machine.Memory.Borrow(address, bytes);
    }

    public override int cuMemGetInfo_v2(nuint* free, nuint* total) => Do(() =>
    {
        nuint all = (nuint)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        (*free, *total) = (all - Math.Min(all, (nuint)machine.Memory.Bytes), all);
        return 0;
    });

    public override int cuMemAlloc_v2(ulong* pointer, nuint bytes) => Do(() =>
    {
        if (bytes == 0)
            return InvalidValue;
        *pointer = machine.Memory.Allocate((long)bytes);
        return 0;
    });

    // Freeing waits for the device.
    public override int cuMemFree_v2(ulong pointer) => Do(() =>
    {
        DoAll();
        return machine.Memory.Free(pointer) ? 0
            : Refuse(InvalidValue, $"cuMemFree of {machine.Memory.Describe(pointer)}: no allocation begins there");
    });

    public override int cuMemHostAlloc(nint* pointer, nuint bytes, uint flags) => Do(() =>
    {
        *pointer = (nint)NativeMemory.AlignedAlloc(bytes, 4096);
        _pinned.Add(*pointer, (long)bytes);
        return 0;
    });

    public override int cuMemFreeHost(nint pointer) => Do(() =>
    {
        DoAll();
        if (!_pinned.Remove(pointer))
            return InvalidValue;
        NativeMemory.AlignedFree((void*)pointer);
        return 0;
    });

    public override int cuMemcpyHtoDAsync_v2(ulong destination, void* source, nuint bytes, CudaStreamHandle stream) => Do(() =>
    {
        Note(nameof(cuMemcpyHtoDAsync_v2), bytes: (long)bytes, stream: stream.DangerousGetHandle());
        if (Outside(destination, bytes) is { } refusal)
            return Refuse(InvalidValue, refusal);
        byte[]? staged = IsPinned(source, bytes) ? null : new ReadOnlySpan<byte>(source, checked((int)bytes)).ToArray();
        nint from = (nint)source;
        return Enqueue(stream, () =>
        {
            if (staged is null)
                Buffer.MemoryCopy((void*)from, (void*)destination, bytes, bytes);
            else
                staged.CopyTo(new Span<byte>((void*)destination, staged.Length));
            if (bytes > 0)
                machine.Memory.MarkWritten(destination, (long)bytes);
        });
    });

    public override int cuMemcpyDtoHAsync_v2(void* destination, ulong source, nuint bytes, CudaStreamHandle stream) => Do(() =>
    {
        Note(nameof(cuMemcpyDtoHAsync_v2), bytes: (long)bytes, stream: stream.DangerousGetHandle());
        if (Outside(source, bytes) is { } refusal)
            return Refuse(InvalidValue, refusal);
        nint to = (nint)destination;
        bool pinned = IsPinned(destination, bytes);
        int result = Enqueue(stream, () => Buffer.MemoryCopy((void*)source, (void*)to, bytes, bytes));
        if (!pinned && result == 0)
            Find(stream)!.DoAll();  // into pageable memory the driver returns when the copy is done
        return result;
    });

    public override int cuMemsetD8Async(ulong destination, byte value, nuint count, CudaStreamHandle stream) => Do(() =>
    {
        Note(nameof(cuMemsetD8Async), bytes: (long)count, stream: stream.DangerousGetHandle());
        if (Outside(destination, count) is { } refusal)
            return Refuse(InvalidValue, refusal);
        return Enqueue(stream, () =>
        {
            NativeMemory.Fill((void*)destination, count, value);
            if (count > 0)
                machine.Memory.MarkWritten(destination, (long)count);
        });
    });

    public override int cuPointerGetAttribute(void* data, int attribute, ulong pointer) => Do(() =>
    {
        bool onDevice = machine.Memory.Find(pointer, 1) >= 0;
        if (!onDevice && !IsPinned((void*)pointer, 1))
            return Refuse(InvalidValue, "the address is none that was allocated here");
        int? value = attribute switch
        {
            NativeCuda.CU_POINTER_ATTRIBUTE_MEMORY_TYPE => onDevice ? NativeCuda.CU_MEMORYTYPE_DEVICE : 1,
            NativeCuda.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL => 0,
            _ => null,
        };
        *(int*)data = value ?? 0;
        return value is null ? InvalidValue : 0;
    });

    public override int cuStreamGetCtx(CudaStreamHandle stream, nint* context) => Do(() =>
    {
        *context = Context;
        return Find(stream) is null ? Refuse(InvalidHandle, "the stream is none that was made here") : 0;
    });

    public override int cuStreamCreate(nint* stream, uint flags) => Do(() =>
    {
        *stream = Add(new MachineStream());
        return flags == NativeCuda.CU_STREAM_NON_BLOCKING ? 0 : Refuse(NotSupported, "the machine's streams do not wait for stream 0");
    });

    public override int cuStreamDestroy_v2(nint stream) => Do(() =>
    {
        if (Get<MachineStream>(stream) is not { } found)
            return InvalidHandle;
        found.DoAll();  // a device does it later; its order is the same
        _objects.Remove(stream);
        return 0;
    });

    public override int cuStreamWaitEvent(CudaStreamHandle stream, CudaEventHandle @event, uint flags) => Do(() =>
    {
        Note(nameof(cuStreamWaitEvent), stream: stream.DangerousGetHandle());
        return Get<MachineEvent>(@event.DangerousGetHandle()) is { } mark ? Enqueue(stream, mark.Waiter()) : InvalidHandle;
    });

    public override int cuStreamSynchronize(CudaStreamHandle stream) => Do(() =>
    {
        Note(nameof(cuStreamSynchronize), stream: stream.DangerousGetHandle());
        Find(stream)?.DoAll();
        return Find(stream) is null ? InvalidHandle : 0;
    });

    public override int cuProfilerStart() => Do(() =>
    {
        Note(nameof(cuProfilerStart));
        return 0;
    });

    public override int cuProfilerStop() => Do(() =>
    {
        Note(nameof(cuProfilerStop));
        return 0;
    });

    public override int cuCtxSynchronize() => Do(() =>
    {
        Note(nameof(cuCtxSynchronize));
        DoAll();
        return 0;
    });

    public override int cuEventCreate(nint* @event, uint flags) => Do(() =>
    {
        *@event = Add(new MachineEvent());
        return 0;
    });

    public override int cuEventDestroy_v2(nint @event) => Do(() => _objects.Remove(@event) ? 0 : InvalidHandle);

    public override int cuEventRecord(CudaEventHandle @event, CudaStreamHandle stream) => Do(() =>
    {
        if (Get<MachineEvent>(@event.DangerousGetHandle()) is not { } mark || Find(stream) is not { } found)
            return InvalidHandle;
        Note(nameof(cuEventRecord), stream: stream.DangerousGetHandle());
        mark.Record(found);
        if (timing == CopyTiming.InOrder)
            found.DoAll();
        return 0;
    });

    // A device gets on while the host looks: the first look of several finds the work undone, the next one done.
    public override int cuEventQuery(CudaEventHandle @event) => Do(() =>
    {
        if (Get<MachineEvent>(@event.DangerousGetHandle()) is not { } mark)
            return InvalidHandle;
        bool passed = mark.HasPassed;
        mark.Waiter()();
        return passed ? 0 : NotReady;
    });

    public override int cuEventSynchronize(CudaEventHandle @event) => Do(() =>
    {
        Note(nameof(cuEventSynchronize));
        if (Get<MachineEvent>(@event.DangerousGetHandle()) is not { } mark)
            return InvalidHandle;
        mark.Waiter()();
        return 0;
    });

    private int Enqueue(CudaStreamHandle stream, Action work)
    {
        if (Find(stream) is not { } found)
            return InvalidHandle;
        found.Enqueue(work);
        if (timing == CopyTiming.InOrder)
            found.DoAll();
        return 0;
    }

    private MachineStream? Find(CudaStreamHandle stream) =>
        stream.DangerousGetHandle() == 0 ? _default : Get<MachineStream>(stream.DangerousGetHandle());

    private void DoAll()
    {
        _default.DoAll();
        foreach (MachineStream stream in _objects.Values.OfType<MachineStream>())
            stream.DoAll();
    }

    private string? Outside(ulong address, nuint bytes) =>
        bytes == 0 || machine.Memory.Find(address, bytes) >= 0 ? null
            : $"{bytes} bytes at {machine.Memory.Describe(address)} are outside of every allocation";

    private bool IsPinned(void* pointer, nuint bytes)
    {
        foreach ((nint start, long size) in _pinned)
        {
            if ((nint)pointer >= start && (nint)pointer + (nint)bytes <= start + (nint)size)
                return true;
        }

        return false;
    }

    private void FreePinned()
    {
        foreach (nint pointer in _pinned.Keys)
            NativeMemory.AlignedFree((void*)pointer);
        _pinned.Clear();
    }
}
