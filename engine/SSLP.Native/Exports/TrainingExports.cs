using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SSLP.Native;

/// <summary>Pretraining from a host.</summary>
internal static unsafe class TrainingExports
{
    [UnmanagedCallersOnly(EntryPoint = "sslp_trainer_open", CallConvs = [typeof(CallConvCdecl)])]
    public static int Open(nint patches, byte* folder, byte* options, int resume, nint* trainer) => Abi.Call(() =>
    {
        using Lease<NativePatches> lease = Handles.Enter<NativePatches>(patches, "patches");
        Abi.NotNull(trainer, nameof(trainer));
        string run = SlideExports.NotEmpty(folder, nameof(folder));
        *trainer = Handles.Open(new NativeTrainer(lease.Object, run, Abi.TextOrNull(options) ?? string.Empty, resume != 0));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_trainer_info_of", CallConvs = [typeof(CallConvCdecl)])]
    public static int Info(nint trainer, SslpTrainerInfo* info) => Abi.Call(() =>
    {
        using Lease<NativeTrainer> lease = Handles.Enter<NativeTrainer>(trainer, "trainer", besideOthers: true);
        Abi.Sized(info);
        NativeTrainer own = lease.Object;
        (info->BatchSize, info->StepsDone, info->TotalSteps) = (own.BatchSize, own.StepsDone, own.TotalSteps);
        (info->StepsPerEpoch, info->Resumed) = (own.StepsPerEpoch, own.Resumed ? 1 : 0);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_trainer_step", CallConvs = [typeof(CallConvCdecl)])]
    public static int Step(nint trainer, SslpMetrics* metrics) => Abi.Call(() =>
    {
        using Lease<NativeTrainer> lease = Handles.Enter<NativeTrainer>(trainer, "trainer");
        return Next(lease.Object, Abi.Sized(metrics)) ? Status.Ok : Status.End;
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_trainer_run", CallConvs = [typeof(CallConvCdecl)])]
    public static int Run(nint trainer, delegate* unmanaged[Cdecl]<void*, SslpMetrics*, int> progress, void* user) => Abi.Call(() =>
    {
        using Lease<NativeTrainer> lease = Handles.Enter<NativeTrainer>(trainer, "trainer");
        var metrics = new SslpMetrics { Size = (uint)sizeof(SslpMetrics) };
        while (Next(lease.Object, &metrics))
        {
            int refused = progress == null ? 0 : progress(user, &metrics);
            if (refused == 0)
                continue;
            lease.Object.Checkpoint();
            throw new MisuseException(Status.Callback,
                $"The host's progress function returned {refused} after step {metrics.Step}: its checkpoint is written, and the next"
                + $" call goes on.");
        }
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_trainer_checkpoint", CallConvs = [typeof(CallConvCdecl)])]
    public static int Checkpoint(nint trainer) => Abi.Call(() =>
    {
        using Lease<NativeTrainer> lease = Handles.Enter<NativeTrainer>(trainer, "trainer");
        lease.Object.Checkpoint();
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_trainer_export", CallConvs = [typeof(CallConvCdecl)])]
    public static int Export(nint trainer, byte* path) => Abi.Call(() =>
    {
        using Lease<NativeTrainer> lease = Handles.Enter<NativeTrainer>(trainer, "trainer");
        lease.Object.Export(SlideExports.NotEmpty(path, nameof(path)));
    });

    private static bool Next(NativeTrainer trainer, SslpMetrics* metrics)
    {
        if (trainer.Next() is not { } step)
            return false;
        (metrics->Step, metrics->TotalSteps, metrics->Epoch) = (step.Step, trainer.TotalSteps, step.Epoch);
        (metrics->Loss, metrics->Self, metrics->Intra, metrics->Inter) = (step.Loss, step.Self, step.Intra, step.Inter);
        (metrics->GradientNorm, metrics->Ramp, metrics->LearningRate) = (step.GradientNorm, step.Ramp, step.Lr);
        (metrics->PatchesPerSecond, metrics->DataWait) = (step.PatchesPerSecond, step.DataWait);
        (metrics->SpatialSize, metrics->FeatureSize, metrics->NegativeSize) = (step.SpatialSize, step.FeatureSize, step.NegativeSize);
        metrics->ReplacedPatches = step.ReplacedPatches;
        return true;
    }
}
