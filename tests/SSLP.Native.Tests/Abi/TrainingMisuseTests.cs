using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Native.Tests.Hosts;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Native.Tests.Abi;

/// <summary>What a host does wrong with a trainer, or does beside it, costs no step: the losses are those of a run left alone.</summary>
public sealed unsafe class TrainingMisuseTests : IDisposable
{
    private const string Options = "patch=64\ninput_size=32\nbatch_size=8\nmax_steps=5\nepochs=4\nthreads=2\nnearest_keys=8\nnegatives=16";

    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, int, nint*, int> Open = &TrainingExports.Open;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpMetrics*, int> Step = &TrainingExports.Step;
    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, int> Export = &TrainingExports.Export;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpTrainerInfo*, int> Info = &TrainingExports.Info;
    private static readonly delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<void*, SslpMetrics*, int>, void*, int> Run =
        &TrainingExports.Run;

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-training-misuse").FullName;
    private readonly nint _context = Host.Context(), _patches;

    public TrainingMisuseTests()
    {
        TestSlides.Stained(Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "slides")).FullName, "a.tif"), 800, 100, 100, 500,
            400);
        _patches = Patches(_context);
    }

    public void Dispose()
    {
        Host.Succeeded(Host.Close(_patches));
        Host.Succeeded(Host.Close(_context));
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Null_handles_wrong_sizes_wrong_options_and_a_closed_trainer_are_named()
    {
        nint trainer = 0;
        Host.Refused(Status.Handle, "The patches is null", Open(0, Host.Text(At("run")), null, 0, &trainer));
        Host.Refused(Status.Usage, "folder is null", Open(_patches, null, null, 0, &trainer));
        Host.Refused(Status.Usage, "no_such_option", Open(_patches, Host.Text(At("run")), Host.Text("no_such_option=1"), 0, &trainer));
        Host.Refused(Status.Usage, "each is key=value", Open(_patches, Host.Text(At("run")), Host.Text("epochs"), 0, &trainer));
        Assert.Equal(0, trainer);
        trainer = Trainer(_patches, "run");
        SslpMetrics metrics = default;
        Host.Refused(Status.Size, "size is 0", Step(trainer, &metrics));
        Host.Refused(Status.Usage, "is null", Step(trainer, null));
        Host.Refused(Status.Input, "do a step first", Export(trainer, Host.Text(At("encoder.safetensors"))));
        Host.Refused(Status.Busy, "needed by what is open still", Host.Close(_patches));
        Host.Succeeded(Host.Close(trainer));
        metrics.Size = (uint)sizeof(SslpMetrics);
        Host.Refused(Status.Handle, "was closed before", Step(trainer, &metrics));
        Host.Refused(Status.Handle, "was closed before", Host.Cancel(trainer));
    }

    [Fact]
    public void A_callback_that_fails_and_a_cancel_in_mid_step_end_the_call_and_the_next_goes_on()
    {
        double[] whole = Host.Train(_patches, At("whole"), Options);
        Assert.Equal(5, whole.Length);
        nint trainer = Trainer(_patches, "parted");
        var state = new Parted { RefuseAt = 2 };
        Host.Refused(Status.Callback, "returned 3 after step 2", Run(trainer, &Told, &state));
        // Told of step 3, another thread cancels while step 4 is at work.
        (state.CancelAt, state.Trainer) = (3, trainer);
        Host.Refused(Status.Stopped, "its checkpoint is written, and the next call goes on", Run(trainer, &Told, &state));
        var info = new SslpTrainerInfo { Size = (uint)sizeof(SslpTrainerInfo) };
        Host.Succeeded(Info(trainer, &info));
        // The step that the cancel met is done, and its loss is in metrics.jsonl only.
        Assert.InRange(info.StepsDone, 3, 4);
        Assert.Equal(3, state.Steps);
        Host.Succeeded(Run(trainer, &Told, &state));
        Assert.Equal([.. whole[..3], .. whole[info.StepsDone..]], new ReadOnlySpan<double>(state.Losses, state.Steps).ToArray());
        Host.Succeeded(Info(trainer, &info));
        Assert.Equal((5, 5), (info.StepsDone, info.TotalSteps));
        Host.Succeeded(Host.Close(trainer));
    }

    [Fact]
    public void Two_trainers_of_two_contexts_in_turn_and_one_from_two_threads_do_not_disturb_each_other()
    {
        double[] whole = Host.Train(_patches, At("whole"), Options);
        nint other = Host.Context(), others = Patches(other), one = Trainer(_patches, "one"), two = Trainer(others, "two");
        var metrics = new SslpMetrics { Size = (uint)sizeof(SslpMetrics) };
        foreach (double loss in whole)
        {
            Host.Succeeded(Step(one, &metrics));
            Assert.Equal(loss, metrics.Loss);
            // What a step holds while it is at work.
            using (Handles.Enter<NativeTrainer>(two, "trainer"))
                Host.Refused(Status.Busy, "takes one at a time", Step(two, &metrics));
            Host.Succeeded(Step(two, &metrics));
            Assert.Equal(loss, metrics.Loss);
        }
        nint same = 0;
        Assert.True(Open(others, Host.Text(At("one")), Host.Text(Options), 0, &same) < 0 && same == 0);
        Assert.Contains(At("one"), Host.Sentence(), StringComparison.Ordinal);
        foreach (nint handle in new[] { one, two, others, other })
            Host.Succeeded(Host.Close(handle));
    }

    private nint Patches(nint context)
    {
        SslpTileOptions tiling = Host.TileOptions();
        tiling.Tissue = 0;
        Host.Succeeded(Host.Tile(context, At("slides"), tiling, out nint patches));
        return patches;
    }

    private nint Trainer(nint patches, string folder)
    {
        nint trainer;
        Host.Succeeded(Open(patches, Host.Text(At(folder)), Host.Text(Options), 0, &trainer));
        return trainer;
    }

    private string At(string name) => Path.Combine(_folder, name);

    /// <summary>What the host's function knows and notes.</summary>
    private struct Parted
    {
        public int RefuseAt, CancelAt, Steps;
        public nint Trainer;
        public fixed double Losses[16];
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Told(void* user, SslpMetrics* metrics)
    {
        var state = (Parted*)user;
        state->Losses[state->Steps++] = metrics->Loss;
        if (metrics->Step == state->CancelAt)
        {
            nint trainer = state->Trainer;
            new Thread(() => Host.Cancel(trainer)).Start();
        }
        return metrics->Step == state->RefuseAt ? 3 : 0;
    }
}
