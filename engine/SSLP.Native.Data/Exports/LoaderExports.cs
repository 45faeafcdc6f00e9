using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using SSLP.Data.Loading;

namespace SSLP.Native;

/// <summary>The loader: batches lent in the order of training.</summary>
internal static unsafe class LoaderExports
{
    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_options_init", CallConvs = [typeof(CallConvCdecl)])]
    public static int OptionsInit(SslpLoaderOptions* options, uint size) => Abi.Call(() =>
    {
        LibraryExports.Initial(options, size) = new()
        {
            Size = size,
            BatchSize = 64,
            Slots = 4,
            WindowRuns = new OrderOptions()
            .WindowRuns
        };
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_open", CallConvs = [typeof(CallConvCdecl)])]
    public static int Open(nint patches, SslpLoaderOptions* options, nint* loader) => Abi.Call(() =>
    {
        using Lease<NativePatches> lease = Handles.Enter<NativePatches>(patches, "patches");
        Abi.NotNull(loader, nameof(loader));
        *loader = Handles.Open(new NativeLoader(lease.Object, *Abi.Sized(options)));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_info_of", CallConvs = [typeof(CallConvCdecl)])]
    public static int Info(nint loader, SslpLoaderInfo* info) => Abi.Call(() =>
    {
        using Lease<NativeLoader> lease = Handles.Enter<NativeLoader>(loader, "loader", besideOthers: true);
        Abi.Sized(info);
        NativeLoader own = lease.Object;
        (info->BatchSize, info->BatchesPerEpoch, info->PatchSize) = (own.BatchSize, own.BatchesPerEpoch, own.PatchSize);
        (info->Slots, info->Lent, info->Replaced) = (own.Slots, own.Lent, own.Replaced);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_start", CallConvs = [typeof(CallConvCdecl)])]
    public static int Start(nint loader, int epoch, int firstBatch) => Abi.Call(() =>
    {
        using Lease<NativeLoader> lease = Handles.Enter<NativeLoader>(loader, "loader");
        lease.Object.Start(epoch, firstBatch);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_next", CallConvs = [typeof(CallConvCdecl)])]
    public static int Next(nint loader, SslpBatch* batch) => Abi.Call(() =>
    {
        using Lease<NativeLoader> lease = Handles.Enter<NativeLoader>(loader, "loader");
        return lease.Object.Next(Abi.Sized(batch)) ? Status.Ok : Status.End;
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_release", CallConvs = [typeof(CallConvCdecl)])]
    public static int Release(nint loader, SslpBatch* batch) => Abi.Call(() =>
    {
        using Lease<NativeLoader> lease = Handles.Enter<NativeLoader>(loader, "loader", besideOthers: true);
        lease.Object.GiveBack(Abi.Sized(batch)->Token);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_upload", CallConvs = [typeof(CallConvCdecl)])]
    public static int Upload(nint loader, SslpBatch* batch, nint stream) => Abi.Call(() =>
    {
        using Lease<NativeLoader> lease = Handles.Enter<NativeLoader>(loader, "loader", besideOthers: true);
        lease.Object.Upload(Abi.Sized(batch), stream);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_dlpack", CallConvs = [typeof(CallConvCdecl)])]
    public static int ToDlPack(nint loader, SslpBatch* batch, DlManagedTensor** tensor) => Abi.Call(() =>
    {
        using Lease<NativeLoader> lease = Handles.Enter<NativeLoader>(loader, "loader", besideOthers: true);
        Abi.NotNull(tensor, nameof(tensor));
        *tensor = lease.Object.ToDlPack(Abi.Sized(batch));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_loader_faults", CallConvs = [typeof(CallConvCdecl)])]
    public static int Faults(nint loader, byte** jsonLines) => Abi.Call(() =>
    {
        using Lease<NativeLoader> lease = Handles.Enter<NativeLoader>(loader, "loader", besideOthers: true);
        Abi.NotNull(jsonLines, nameof(jsonLines));
        *jsonLines = lease.Object.Context.Memory.Text(string.Concat(lease.Object.Faults.Select(fault =>
            JsonSerializer.Serialize(fault, LoaderJson.Default.SlideFaults) + "\n")));
    });
}
