using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Interop.Cuda;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>Spatial neighbours, and the three-term step with its gradient on the host's buffers.</summary>
internal static unsafe class StepExports
{
    [UnmanagedCallersOnly(EntryPoint = "sslp_spatial_open", CallConvs = [typeof(CallConvCdecl)])]
    public static int SpatialOpen(nint context, int* slide, int* col, int* row, int count, nint* spatial) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        Abi.NotNull(spatial, nameof(spatial));
        var index = new SpatialNeighbours(Abi.Span(slide, count).ToArray(), Abi.Span(col, count).ToArray(), Abi.Span(row, count).ToArray());
        *spatial = Handles.Open(new NativeSpatial(lease.Object, index));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_spatial_query", CallConvs = [typeof(CallConvCdecl)])]
    public static int SpatialQuery(
        nint spatial, int* anchors, int count, double radiusPatches, long* starts, int* rows, long capacity, long* needed) => Abi.Call(() =>
    {
        using Lease<NativeSpatial> lease = Handles.Enter<NativeSpatial>(spatial, "spatial index");
        Abi.NotNull(needed, nameof(needed));
        Span<long> begin = Abi.Span(starts, (long)count + 1);
        Span<int> found = Abi.Span(rows, capacity);
        var lists = new RowLists();
        lease.Object.Index.Query(Abi.Span(anchors, count), radiusPatches, lists);
        *needed = lists.Total;
        if (lists.Total > capacity)
            throw new MisuseException(Status.Size, $"rows holds {capacity} values, and the neighbours of these anchors are {lists.Total}.");
        long next = 0;
        for (int list = 0; list < count; list++)
        {
            begin[list] = next;
            lists[list].CopyTo(found[(int)next..]);
            next += lists.Length(list);
        }
        begin[count] = next;
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_step_options_init", CallConvs = [typeof(CallConvCdecl)])]
    public static int OptionsInit(SslpStepOptions* options, uint size) => Abi.Call(() =>
    {
        var defaults = new ThreeTermOptions();
        LibraryExports.Initial(options, size) = new()
        {
            Size = size,
            SpatialSample = defaults.SpatialSample,
            Temperature = defaults.Temperature,
            RadiusPatches = defaults.RadiusPatches,
            PoolShare = defaults.PoolShare,
            AuxiliaryAnchors = defaults.AuxiliaryAnchors,
            NearestKeys = defaults.NearestKeys,
            Negatives = defaults.Negatives,
            Sampling = (int)defaults.Sampling,
        };
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_step_open", CallConvs = [typeof(CallConvCdecl)])]
    public static int Open(nint bank, nint spatial, SslpStepOptions* options, nint* step) => Abi.Call(() =>
    {
        using Lease<NativeBank> leasedBank = Handles.Enter<NativeBank>(bank, "bank");
        using Lease<NativeSpatial> leasedSpatial = Handles.Enter<NativeSpatial>(spatial, "spatial index");
        Abi.NotNull(step, nameof(step));
        Abi.Sized(options);
        var read = new ThreeTermOptions
        {
            SpatialSample = options->SpatialSample,
            Temperature = options->Temperature,
            RadiusPatches = options->RadiusPatches,
            PoolShare = options->PoolShare,
            AuxiliaryAnchors = options->AuxiliaryAnchors,
            NearestKeys = options->NearestKeys,
            Negatives = options->Negatives,
            Sampling = Abi.Choice<NegativeSampling>(options->Sampling, "sampling"),
            DetachNegatives = options->DetachNegatives != 0,
        };
        *step = Handles.Open(new NativeStep(leasedBank.Object, leasedSpatial.Object, read));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_step_set_clusters", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetClusters(nint step, int* labels, int runs) => Abi.Call(() =>
    {
        using Lease<NativeStep> lease = Handles.Enter<NativeStep>(step, "step");
        int rows = lease.Object.Bank.Bank.RowCount;
        lease.Object.RefuseUnderWay();
        lease.Object.Step.SetClusters(new ClusterAgreement(Abi.Span(labels, Abi.Count(runs, rows, nameof(labels))), rows));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_step_run", CallConvs = [typeof(CallConvCdecl)])]
    public static int Run(nint step, int* anchors, float* features, int count, SslpStepCall* call, float* gradient,
        SslpStepResult* result) => Abi.Call(() =>
    {
        using Lease<NativeStep> lease = Handles.Enter<NativeStep>(step, "step");
        // The bank is read: who writes or searches it in another thread now is told so.
        using Lease<NativeBank> bank = Handles.Enter(lease.Object.Bank);
        ThreeTermCall asked = CallOf(call);
        Abi.Sized(result);
        lease.Object.RefuseUnderWay();
        int width = bank.Object.Bank.Width;
        Fill(result, lease.Object.Step.Run(
            Abi.Span(anchors, count), new MatrixView(features, count, width), asked, new MatrixView(gradient, count, width)), again: false);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_step_enqueue", CallConvs = [typeof(CallConvCdecl)])]
    public static int Enqueue(nint step, int* anchors, float* features, int count, SslpStepCall* call, float* gradient,
        nint stream) => Abi.Call(() =>
    {
        using Lease<NativeStep> lease = Handles.Enter<NativeStep>(step, "step");
        using Lease<NativeBank> bank = Handles.Enter(lease.Object.Bank);
        CudaContext context = bank.Object.Context.OnDevice.Context;
        int width = bank.Object.Bank.Width;
        lease.Object.Enqueue(Abi.Span(anchors, count), DeviceMemory.Matrix(context, features, count, width), CallOf(call),
            DeviceMemory.Matrix(context, gradient, count, width), context.StreamOf(stream));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_step_finish", CallConvs = [typeof(CallConvCdecl)])]
    public static int Finish(nint step, SslpStepResult* result) => Abi.Call(() =>
    {
        using Lease<NativeStep> lease = Handles.Enter<NativeStep>(step, "step");
        using Lease<NativeBank> bank = Handles.Enter(lease.Object.Bank);
        Abi.Sized(result);
        ThreeTermResult done = lease.Object.Finish(out bool again);
        Fill(result, done, again);
    });

    private static ThreeTermCall CallOf(SslpStepCall* call)
    {
        Abi.Sized(call);
        return new(new TermWeights(call->SelfWeight, call->IntraWeight, call->InterWeight), call->Seed, call->Step);
    }

    private static void Fill(SslpStepResult* result, ThreeTermResult done, bool again)
    {
        result->Again = again ? 1 : 0;
        (result->Loss, result->Self, result->Intra, result->Inter) = (done.Loss, done.Self, done.Intra, done.Inter);
        (result->SpatialSize, result->FeatureSize, result->NegativeSize) = (done.SpatialSize, done.FeatureSize, done.NegativeSize);
        result->OtherSlideShare = done.OtherSlideShare;
    }
}
