using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>The library itself, contexts, faults and what all handles have: the first part of sslp.h.</summary>
internal static unsafe class LibraryExports
{
    [UnmanagedCallersOnly(EntryPoint = "sslp_abi_version", CallConvs = [typeof(CallConvCdecl)])]
    public static int AbiVersion() => Abi.Version;

    [UnmanagedCallersOnly(EntryPoint = "sslp_last_fault", CallConvs = [typeof(CallConvCdecl)])]
    public static int LastFaultOf(SslpFault* fault) => Abi.Call(() =>
    {
        Abi.Sized(fault);
        LastFault? last = LastFault.OfThread;
        fault->Status = (int)(last?.Status ?? Status.Ok);
        fault->Sentence = last is null ? null : last.Sentence;
        fault->Detail = last is null ? null : last.Detail;
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_context_options_init", CallConvs = [typeof(CallConvCdecl)])]
    public static int ContextOptionsInit(SslpContextOptions* options, uint size) => Abi.Call(() =>
    {
        Initial(options, size) = new() { Size = size, AbiVersion = Abi.Version, TileCacheBytes = -1 };
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_context_open", CallConvs = [typeof(CallConvCdecl)])]
    public static int ContextOpen(SslpContextOptions* options, nint* context) => Abi.Call(() =>
    {
        Abi.NotNull(context, nameof(context));
        Abi.NotNull(options, nameof(options));
        // The version first: a host of another one may have another struct.
        if (options->Size >= 2 * sizeof(int) && options->AbiVersion != Abi.Version)
        {
            throw new MisuseException(Status.Version,
                $"The host was built against version {options->AbiVersion} of sslp.h, and this library is of version {Abi.Version}:"
                + $" use the header that came with it.");
        }
        Abi.Sized(options);
        *context = Handles.Open(new NativeContext(options));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_describe", CallConvs = [typeof(CallConvCdecl)])]
    public static int Describe(nint context, byte** text) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        Abi.NotNull(text, nameof(text));
        NativeContext own = lease.Object;
        *text = own.Memory.Text($"kernels {own.Backend.ToString().ToLowerInvariant()}, {InstructionSets.Best}, {own.Threads} threads; "
            + $"JPEG by {own.Slides.JpegDecoderName}, JPEG 2000 by {own.Slides.Jpeg2000DecoderName}");
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_close", CallConvs = [typeof(CallConvCdecl)])]
    public static int Close(nint handle) => Abi.Call(() => Handles.Close(handle));

    [UnmanagedCallersOnly(EntryPoint = "sslp_cancel", CallConvs = [typeof(CallConvCdecl)])]
    public static int Cancel(nint handle) => Abi.Call(() => Handles.Cancel(handle));

    [UnmanagedCallersOnly(EntryPoint = "sslp_text_free", CallConvs = [typeof(CallConvCdecl)])]
    public static int TextFree(nint context, byte* text) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        if (text != null)
            lease.Object.Memory.FreeText(text);
    });

    /// <summary>A struct of options to be filled; its size is the argument's, as its own is not set yet.</summary>
    internal static ref T Initial<T>(T* options, uint size)
        where T : unmanaged
    {
        Abi.NotNull(options, nameof(options));
        if (size != (uint)sizeof(T))
            throw new MisuseException(Status.Size,
                $"The size is {size}, and this struct of ABI version {Abi.Version} has {sizeof(T)} bytes: pass sizeof.");
        return ref *options;
    }
}
