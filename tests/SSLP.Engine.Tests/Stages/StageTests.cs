using SSLP.Engine.Stages;
using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Engine.Tests.Stages;

public sealed class StageTests
{
    [Fact]
    public void With_nobody_listening_a_range_allocates_nothing()
    {
        var nobody = StageWatch.Of(null, null);
        Assert.Null(nobody);
        Ranges(nobody);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Ranges(nobody);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_stage_has_its_own_time_without_those_within_it()
    {
        var recorder = new StageRecorder(keepsEvents: true);
        StageWatch watch = StageWatch.Of(recorder, null)!;
        recorder.Start();
        using (watch.Range(Stage.Step, 5))
        {
            for (int i = 0; i < 2; i++)
            {
                using StageRange forward = watch.Range(Stage.Forward, 7);
                using StageRange upload = watch.Range(Stage.Upload, 1);
            }
        }
        recorder.Stop();
        StageEvent step = Assert.Single(recorder.Events(), e => e.Stage == Stage.Step);
        Assert.Equal(5, recorder.Events().Count);
        Assert.All(recorder.Events(), e => Assert.True(step.From <= e.From && e.From <= e.To && e.To <= step.To));
        double whole = (double)(step.To - step.From) / System.Diagnostics.Stopwatch.Frequency;
        double parts = ((Stage[])[Stage.Step, Stage.Forward, Stage.Upload]).Sum(stage => recorder.Of(stage).Seconds);
        // Seconds come in steps of 100 ns.
        Assert.Equal(whole, parts, 1e-6);
        Assert.Equal((1, 5), (recorder.Of(Stage.Step).Count, recorder.Of(Stage.Step).Bytes));
        Assert.Equal((2, 14), (recorder.Of(Stage.Forward).Count, recorder.Of(Stage.Forward).Bytes));
        Assert.Equal(0, recorder.Of(Stage.Backward).Count);
    }

    [Fact]
    public void A_window_cuts_what_crosses_it()
    {
        var recorder = new StageRecorder(keepsEvents: true);
        StageWatch watch = StageWatch.Of(recorder, null)!;
        using (watch.Range(Stage.Wait))
        {
        }
        using (watch.Range(Stage.Forward))
            recorder.Start();
        using (watch.Range(Stage.Backward))
            recorder.Stop();
        using (watch.Range(Stage.Optimizer))
        {
        }
        Assert.Equal(0, recorder.Of(Stage.Wait).Seconds + recorder.Of(Stage.Optimizer).Seconds);
        Assert.Equal((1, 0), (recorder.Of(Stage.Forward).Count, recorder.Of(Stage.Backward).Count));
        Assert.All(recorder.Events(), e => Assert.Contains(e.Stage, (Stage[])[Stage.Forward, Stage.Backward]));
        Assert.All(recorder.Events(), e => Assert.True(e.From >= recorder.From && (e.To - recorder.From) <= recorder.Seconds * 1.01e9));
    }

    [Fact]
    public void Readers_are_told_apart_and_sums_alone_keep_no_events()
    {
        var recorder = new StageRecorder(keepsEvents: false);
        StageWatch watch = StageWatch.Of(recorder, null)!;
        recorder.Start();
        Thread[] readers = [.. Enumerable.Range(0, 3).Select(i => new Thread(() =>
        {
            using var reading = new ReadRange(watch, ReadStage.Read, 10);
            using var decoding = new ReadRange(watch, ReadStage.Decode, 20);
        })
        { Name = $"reader {i}" })];
        Array.ForEach(readers, reader => reader.Start());
        Array.ForEach(readers, reader => reader.Join());
        Assert.Equal((3, 30), (recorder.Of(Stage.Read).Count, recorder.Of(Stage.Read).Bytes));
        Assert.Equal((3, 60), (recorder.Of(Stage.Decode).Count, recorder.Of(Stage.Decode).Bytes));
        Assert.Equal(["reader 0", "reader 1", "reader 2"], recorder.Threads.Order(StringComparer.Ordinal));
        Assert.Empty(recorder.Events());
    }

    [Fact]
    public void Every_stage_has_a_name_a_colour_and_threads()
    {
        Stage[] all = Enum.GetValues<Stage>();
        Assert.Equal(StageNames.Count, all.Length);
        Assert.Equal(all.Length, all.Select(stage => stage.Name()).Distinct().Count());
        Assert.All(all, stage => Assert.Equal(0xFFu, stage.Colour() >> 24));
        Assert.Equal([Stage.Read, Stage.Decode], all.Where(stage => stage.Threads() == StageThreads.Readers));
    }

    private static void Ranges(StageWatch? watch)
    {
        using StageRange step = watch.Range(Stage.Step, 1);
        using StageRange forward = watch.Range(Stage.Forward);
        using var read = new ReadRange(watch, ReadStage.Read, 1);
    }
}
