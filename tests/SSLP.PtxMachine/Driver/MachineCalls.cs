using System.Runtime.InteropServices;
using System.Text;
using SSLP.Interop.Cuda;

namespace SSLP.PtxMachine.Driver;

/// <summary>The driver's functions on a machine: devices, contexts and what they answer. CUDA Driver API reference manual for each
/// function's errors.</summary>
internal sealed unsafe partial class MachineCalls(
    Machine machine, CopyTiming timing, int multiprocessors, Func<string, string> edit, bool isOnHost) : CudaCalls, IDisposable
{
    private const int InvalidValue = 1, NotReady = NativeCuda.CUDA_ERROR_NOT_READY, InvalidContext = 201, InvalidPtx = 218,
        InvalidHandle = 400,
        NotFound = 500, IllegalAddress = 700, LaunchFailed = 719, NotSupported = 801;

    private const nint Context = 0xC0;
    private const int Device = 70;  // not the ordinal: one is not the other

    private readonly Lock _lock = new();
    private readonly ThreadLocal<Stack<nint>> _current = new(() => new Stack<nint>([0]));
    private readonly List<DriverCall> _record = [];
    private readonly Dictionary<nint, object> _objects = [];
    private readonly Dictionary<int, nint> _errorTexts = [];
    private string? _refusal;
    private nint _nextHandle = 0x1000;

    public PtxFaultException? Fault { get; private set; }

    public DriverCall[] Record()
    {
        lock (_lock)
            return [.. _record];
    }

    public void ForgetRecord()
    {
        lock (_lock)
            _record.Clear();
    }

    public void ForgetFault()
    {
        lock (_lock)
            Fault = null;
    }

    public void Dispose()
    {
        foreach (nint text in _errorTexts.Values)
            NativeMemory.Free((void*)text);
        // Handles that nobody disposed come back by the finalizer, later than this: what a thread has current stays.
        FreePinned();
    }

    public override int cuInit(uint flags) => flags == 0 ? 0 : InvalidValue;

    public override int cuDriverGetVersion(int* version)
    {
        *version = 12000;  // the first that takes PTX 8.0
        return 0;
    }

    public override int cuDeviceGetCount(int* count)
    {
        *count = 1;
        return 0;
    }

    public override int cuDeviceGet(int* device, int ordinal)
    {
        *device = Device;
        return ordinal == 0 ? 0 : InvalidValue;
    }

    public override int cuDeviceGetName(byte* name, int length, int device)
    {
        Write("PTX machine on the host", name, length);
        return 0;
    }

    public override int cuDeviceTotalMem_v2(nuint* bytes, int device)
    {
        *bytes = (nuint)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return 0;
    }

    public override int cuDeviceGetAttribute(int* value, int attribute, int device)
    {
        int? answer = attribute switch
        {
            NativeCuda.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT => multiprocessors,
            NativeCuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR => 8,  // what the texts are for: sm_80
            NativeCuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR => 0,
            NativeCuda.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN => 48 * 1024,
            _ => null,
        };
        *value = answer ?? 0;
        return answer is null ? InvalidValue : 0;
    }

    public override int cuDevicePrimaryCtxRetain(nint* context, int device)
    {
        *context = Context;
        return 0;
    }

    public override int cuDevicePrimaryCtxRelease_v2(int device) => 0;

    public override int cuCtxPushCurrent_v2(nint context)
    {
        _current.Value!.Push(context);
        return 0;
    }

    public override int cuCtxPopCurrent_v2(nint* context)
    {
        *context = _current.Value!.Pop();
        return 0;
    }

    public override int cuCtxSetCurrent(nint context)
    {
        _current.Value!.Pop();
        _current.Value.Push(context);
        return 0;
    }

    public override int cuCtxGetCurrent(nint* context)
    {
        *context = _current.Value!.Peek();
        return 0;
    }

    public override int cuGetErrorName(int error, byte** name)
    {
        *name = (byte*)Text(error, error switch
        {
            InvalidValue => "CUDA_ERROR_INVALID_VALUE",
            NotReady => "CUDA_ERROR_NOT_READY",
            InvalidContext => "CUDA_ERROR_INVALID_CONTEXT",
            InvalidPtx => "CUDA_ERROR_INVALID_PTX",
            InvalidHandle => "CUDA_ERROR_INVALID_HANDLE",
            NotFound => "CUDA_ERROR_NOT_FOUND",
            IllegalAddress => "CUDA_ERROR_ILLEGAL_ADDRESS",
            LaunchFailed => "CUDA_ERROR_LAUNCH_FAILED",
            NotSupported => "CUDA_ERROR_NOT_SUPPORTED",
            _ => "CUDA_ERROR_UNKNOWN",
        });
        return 0;
    }

    public override int cuGetErrorString(int error, byte** text)
    {
        *text = (byte*)Text(-error, error is IllegalAddress or LaunchFailed && Fault is { } fault ? fault.Message
            : error == InvalidContext ? "the thread has no current context"
            : _refusal ?? "the machine gives no more words");
        return 0;
    }

    /// <summary>Does something under the lock where the thread has the context and no kernel has failed.</summary>
    private int Do(Func<int> call)
    {
        lock (_lock)
        {
            if (_current.Value!.Peek() != Context)
                return InvalidContext;
            _refusal = null;
            return Fault is null ? call() : CodeOf(Fault);
        }
    }

    private static int CodeOf(PtxFaultException fault) => fault.Kind == PtxFaultKind.Address ? IllegalAddress : LaunchFailed;

    private int Refuse(int code, string sentence)
    {
        _refusal = sentence;
        return code;
    }

    private nint Add(object item)
    {
        _objects.Add(_nextHandle, item);
        return _nextHandle++;
    }

    private T? Get<T>(nint handle) where T : class => _objects.GetValueOrDefault(handle) as T;

    private void Note(string function, string subject = "", long bytes = 0, nint stream = 0) =>
        _record.Add(new DriverCall(function, subject, bytes, stream));

    // Texts live until the next one for the same error, as a caller copies them at once.
    private nint Text(int key, string words)
    {
        lock (_lock)
        {
            if (_errorTexts.Remove(key, out nint old))
                NativeMemory.Free((void*)old);
            byte[] bytes = Encoding.UTF8.GetBytes(words + '\0');
            byte* text = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(text, bytes.Length));
            _errorTexts.Add(key, (nint)text);
            return (nint)text;
        }
    }

    private static void Write(string words, byte* to, int room)
    {
        Span<byte> text = new(to, room);
        int length = Encoding.UTF8.GetBytes(words.AsSpan(0, Math.Min(words.Length, room / 4)), text);
        text[length] = 0;
    }
}
