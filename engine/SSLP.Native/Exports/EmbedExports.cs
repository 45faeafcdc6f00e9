using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Data.Patches;
using SSLP.Evaluation.Onnx;

namespace SSLP.Native;

/// <summary>Features by a trained encoder.</summary>
internal static unsafe class EmbedExports
{
    [UnmanagedCallersOnly(EntryPoint = "sslp_encoder_open", CallConvs = [typeof(CallConvCdecl)])]
    public static int Open(nint context, byte* path, nint* encoder) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        Abi.NotNull(encoder, nameof(encoder));
        *encoder = Handles.Open(new NativeEncoder(lease.Object, SlideExports.NotEmpty(path, nameof(path))));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_encoder_info_of", CallConvs = [typeof(CallConvCdecl)])]
    public static int Info(nint encoder, SslpEncoderInfo* info) => Abi.Call(() =>
    {
        using Lease<NativeEncoder> lease = Handles.Enter<NativeEncoder>(encoder, "encoder", besideOthers: true);
        Abi.Sized(info);
        NativeEncoder own = lease.Object;
        (info->Width, info->InputSize, info->PatchSize, info->Mpp) = (own.Width, own.InputSize, own.PatchSize, own.Mpp);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_embed", CallConvs = [typeof(CallConvCdecl)])]
    public static int Embed(nint encoder, nint patches, int* which, int count, float* features, int* unread) => Abi.Call(() =>
    {
        using Lease<NativeEncoder> lease = Handles.Enter<NativeEncoder>(encoder, "encoder");
        using Lease<NativePatches> leasedPatches = Handles.Enter<NativePatches>(patches, "patches");
        Abi.NotNull(unread, nameof(unread));
        Abi.Span(features, Abi.Count(count, lease.Object.Width, nameof(features)));
        IPatchSource source = leasedPatches.Object.Source;
        int[] asked = Abi.Span(which, count).ToArray();
        foreach (int patch in asked)
        {
            if (patch < 0 || patch >= source.Table.Count)
                throw new MisuseException(Status.Usage, $"Patch {patch} is none of the {source.Table.Count}.");
        }
        *unread = lease.Object.Embed(source, asked, features);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_embed_pixels", CallConvs = [typeof(CallConvCdecl)])]
    public static int EmbedPixels(nint encoder, byte* rgb, int count, int patchSize, float* features) => Abi.Call(() =>
    {
        using Lease<NativeEncoder> lease = Handles.Enter<NativeEncoder>(encoder, "encoder");
        if (patchSize is < 1 or > 8192)
            throw new MisuseException(Status.Usage, $"A patch of {patchSize} px cannot be read; 1 to 8192 are taken.");
        Abi.Span(rgb, Abi.Count(count, 3L * patchSize * patchSize, nameof(rgb)));
        Abi.Span(features, Abi.Count(count, lease.Object.Width, nameof(features)));
        if (count > 0)
            lease.Object.Embed(new HostPixels(rgb, count, patchSize, lease.Object.Mpp), [.. Enumerable.Range(0, count)], features);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_export_onnx", CallConvs = [typeof(CallConvCdecl)])]
    public static int ExportOnnx(nint context, byte* encoder, byte* path) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        OnnxExport.Write(SlideExports.NotEmpty(encoder, nameof(encoder)), SlideExports.NotEmpty(path, nameof(path)));
    });
}
