using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Interop.Cuda;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>The memory bank on the host's buffers.</summary>
internal static unsafe class BankExports
{
    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_create", CallConvs = [typeof(CallConvCdecl)])]
    public static int Create(nint context, int rows, int width, ulong seed, nint* bank) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        Abi.NotNull(bank, nameof(bank));
        var made = MemoryBank.CreateRandom(rows, width, seed, lease.Object.Kernels.Pool);
        try
        {
            *bank = Handles.Open(new NativeBank(lease.Object, made));
        }
        catch
        {
            made.Dispose();
            throw;
        }
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_info_of", CallConvs = [typeof(CallConvCdecl)])]
    public static int Info(nint bank, SslpBankInfo* info) => Abi.Call(() =>
    {
        using Lease<NativeBank> lease = Handles.Enter<NativeBank>(bank, "bank", besideOthers: true);
        Abi.Sized(info);
        MemoryBank own = lease.Object.Bank;
        (info->Rows, info->Width, info->Bytes) = (own.RowCount, own.Width, own.Bytes);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_load", CallConvs = [typeof(CallConvCdecl)])]
    public static int Load(nint bank, int firstRow, float* values, int rows) => Abi.Call(() =>
    {
        using Lease<NativeBank> lease = Handles.Enter<NativeBank>(bank, "bank");
        lease.Object.RefuseUnderSteps();
        lease.Object.Settle();
        lease.Object.Bank.LoadRows(firstRow, Abi.Span(values, Abi.Count(rows, lease.Object.Bank.Width, nameof(values))));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_save", CallConvs = [typeof(CallConvCdecl)])]
    public static int Save(nint bank, int firstRow, float* values, int rows) => Abi.Call(() =>
    {
        using Lease<NativeBank> lease = Handles.Enter<NativeBank>(bank, "bank");
        lease.Object.Settle();
        lease.Object.Bank.SaveRows(firstRow, Abi.Span(values, Abi.Count(rows, lease.Object.Bank.Width, nameof(values))));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_update", CallConvs = [typeof(CallConvCdecl)])]
    public static int Update(nint bank, int* rows, float* features, int count, float momentum) => Abi.Call(() =>
    {
        using Lease<NativeBank> lease = Handles.Enter<NativeBank>(bank, "bank");
        lease.Object.RefuseUnderSteps();
        lease.Object.Settle();
        lease.Object.Update.Update(Abi.Span(rows, count), new MatrixView(features, count, lease.Object.Bank.Width), momentum);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_update_on_device", CallConvs = [typeof(CallConvCdecl)])]
    public static int UpdateOnDevice(nint bank, int* rows, float* features, int count, float momentum, nint stream) => Abi.Call(() =>
    {
        using Lease<NativeBank> lease = Handles.Enter<NativeBank>(bank, "bank");
        CudaContext context = lease.Object.Context.OnDevice.Context;
        lease.Object.RefuseUnderSteps();
        lease.Object.OnDevice.Update(Abi.Span(rows, count),
            DeviceMemory.Matrix(context, features, count, lease.Object.Bank.Width), momentum, context.StreamOf(stream));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_search", CallConvs = [typeof(CallConvCdecl)])]
    public static int Search(nint bank, float* queries, int count, int* ownRows, int k, int* rows, float* similarities) => Abi.Call(() =>
    {
        using Lease<NativeBank> lease = Handles.Enter<NativeBank>(bank, "bank");
        ReadOnlySpan<int> own = ownRows == null ? default : Abi.Span(ownRows, count);
        int answers = Abi.Count(count, k, nameof(rows));
        lease.Object.Nearest.Find(
            new MatrixView(queries, count, lease.Object.Bank.Width), own, k, Abi.Span(rows, answers), Abi.Span(similarities, answers));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_search_on_device", CallConvs = [typeof(CallConvCdecl)])]
    public static int SearchOnDevice(nint bank, float* queries, int count, int* ownRows, int k, int* rows, float* similarities,
        nint stream) => Abi.Call(() =>
    {
        using Lease<NativeBank> lease = Handles.Enter<NativeBank>(bank, "bank");
        CudaContext context = lease.Object.Context.OnDevice.Context;
        ReadOnlySpan<int> own = ownRows == null ? default : Abi.Span(ownRows, count);
        long bytes = Abi.Count(count, k, nameof(rows)) * (long)sizeof(int);
        lease.Object.OnDevice.Search(DeviceMemory.Matrix(context, queries, count, lease.Object.Bank.Width), own, k,
            DeviceMemory.Address(context, rows, bytes), DeviceMemory.Address(context, similarities, bytes), context.StreamOf(stream));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_bank_cluster", CallConvs = [typeof(CallConvCdecl)])]
    public static int Cluster(nint bank, int clusters, int iterations, ulong* seeds, int runs, int* labels) => Abi.Call(() =>
    {
        using Lease<NativeBank> lease = Handles.Enter<NativeBank>(bank, "bank");
        lease.Object.KMeans.Cluster(
            clusters, iterations, Abi.Span(seeds, runs), Abi.Span(labels, Abi.Count(runs, lease.Object.Bank.RowCount, nameof(labels))));
    });
}
