using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Runs;

public sealed class CheckpointTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-checkpoint-").FullName;

    private static readonly TrainingOptions Small = new()
    {
        Epochs = 3,
        BatchSize = 8,
        InputSize = 16,
        Width = 16,
        Threads = 1,
        Clusters = 2,
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Changes_over_a_whole_checkpoint_resume_as_the_whole_one_does()
    {
        TrainingOptions options = Small with
        {
            MaxSteps = 10,
            BatchSize = 4,
            CheckpointEvery = 1,
            KeepCheckpoints = 1,
            CheckpointBank = CheckpointBank.Changes
        };
        IReadOnlyList<StepMetrics> whole = Train("whole", options with { CheckpointBank = CheckpointBank.Whole }, 10);
        var kinds = new HashSet<bool>();
        for (int step = 1; step < 10; step++)
        {
            Train("parts", options, step, resume: step > 1);
            string newest = new Checkpoint(Folder("parts"), 1).All()[^1];
            kinds.Add(Checkpoint.BaseOf(newest) is not null);
        }
        IReadOnlyList<StepMetrics> parts = Train("parts", options, 10, resume: true);
        Assert.Equal([false, true], kinds.Order());
        Assert.Equal(whole.Select(m => (m.Step, m.Loss, m.Inter)), parts.Select(m => (m.Step, m.Loss, m.Inter)));
        Assert.Equal(Checksum(Folder("whole").Encoder), Checksum(Folder("parts").Encoder));
    }

    [Fact]
    public void The_whole_checkpoint_below_the_changes_is_kept_and_named_where_it_is_damaged()
    {
        Train("base", Small with
        {
            MaxSteps = 3,
            BatchSize = 4,
            CheckpointEvery = 1,
            KeepCheckpoints = 1,
            CheckpointBank = CheckpointBank.Changes
        }, 3);
        string[] all = new Checkpoint(Folder("base"), 1).All();
        Assert.Equal(["step-000000001.safetensors", "step-000000003.over-000000001.safetensors"], all.Select(Path.GetFileName));
        Flip(all[0], new FileInfo(all[0]).Length - 5);
        Fault fault = Assert.Throws<Fault>(() => new Checkpoint(Folder("base"), 1).OpenNewest());
        Assert.Contains("step-000000001.safetensors", fault.Message, StringComparison.Ordinal);
        File.Delete(all[0]);
        fault = Assert.Throws<Fault>(() => new Checkpoint(Folder("base"), 1).OpenNewest());
        Assert.Contains("step-000000001.safetensors', which is not there", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_flipped_byte_is_detected()
    {
        // A run's form with few weights: bank, labels and changes over them.
        var checkpoints = new Checkpoint(Folder("flip"), 2);
        var state = new CheckpointState(1, "inputs", new() { ["method"] = "sslp" });
        string whole = checkpoints.Save(state,
            [SafetensorsItem.From<float>("bank.vectors", new float[60], 20, 3), SafetensorsItem.From<float>("w", new float[500], 500)]);
        SafetensorsItem[] changes = [SafetensorsItem.From<int>("bank.vectors.changed_rows", new[] { 2, 5 }, 2),
            SafetensorsItem.From<float>("bank.vectors.changed", new float[6], 2, 3)];
        checkpoints.Save(state with { Step = 2, BaseSha256 = whole }, changes, baseStep: 1);
        string[] all = checkpoints.All();
        var random = new Random(1);
        foreach (string path in all)
        {
            byte[] bytes = File.ReadAllBytes(path);
            int header = 8 + (int)BitConverter.ToInt64(bytes);
            for (int i = 0; i < 120; i++)
            {
                // Every other one in the header, where no tensor's checksum looks.
                int at = i % 2 == 0 ? random.Next(header) : random.Next(bytes.Length);
                byte before = bytes[at];
                bytes[at] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, bytes);
                bytes[at] = before;
                Fault fault = Assert.Throws<Fault>(() => new Checkpoint(Folder("flip"), 2).OpenNewest());
                Assert.Contains(Path.GetFileName(path), fault.Message, StringComparison.Ordinal);
            }
            File.WriteAllBytes(path, bytes);
        }
        new Checkpoint(Folder("flip"), 2).OpenNewest()!.Value.File.Dispose();
    }

    [Fact]
    public void Resume_from_an_earlier_one_sets_the_later_ones_aside()
    {
        TrainingOptions options = Small with { MaxSteps = 6, CheckpointEvery = 2, KeepCheckpoints = 9 };
        IReadOnlyList<StepMetrics> first = Train("back", options, 6);
        string from = new Checkpoint(Folder("back"), 9).All()[0];
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        using (var job = new PretrainJob(options, Folder("back"), source, "test", resume: true, from: from))
        {
            Assert.Equal(2, job.Trainer.StepsDone);
            Assert.Equal(["step-000000004.safetensors", "step-000000006.safetensors"], job.SetAside.Select(Path.GetFileName).Order());
            job.Run(null, CancellationToken.None);
        }
        Assert.Equal(first.Select(m => m.Loss), MetricsLog.Read(Folder("back").Metrics).Select(m => m.Loss));
    }

    [Fact]
    public void Two_runs_in_one_folder_are_refused_and_the_other_process_is_named()
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        using (new PretrainJob(Small, Folder("twice"), source, "sslp pretrain --first", resume: true))
        {
            Fault fault = Assert.Throws<Fault>(() => new PretrainJob(Small, Folder("twice"), source, "test", resume: true));
            Assert.Contains($"process {Environment.ProcessId}", fault.Message, StringComparison.Ordinal);
            Assert.Contains("sslp pretrain --first", fault.Message, StringComparison.Ordinal);
        }
        new PretrainJob(Small, Folder("twice"), source, "test", resume: true).Dispose();
    }

    [Fact]
    public void A_run_extended_to_more_patches_keeps_the_rows_that_it_had()
    {
        TrainingOptions options = Small with { MaxSteps = 6 };
        Train("more", options, 6);
        float[] before = Bank("more");
        using var larger = new TestPatches(slides: 3, side: 4, patchSize: 16);
        Fault refused = Assert.Throws<Fault>(() => new PretrainJob(options, Folder("more"), larger, "test", resume: true));
        Assert.Contains("--extend", refused.Message, StringComparison.Ordinal);
        using (var job = new PretrainJob(options with { MaxSteps = 9 }, Folder("more"), larger, "test", resume: true, extend: true))
        {
            Assert.Equal((32, 0), job.Trainer.Extended);
            Assert.False(job.Run(null, new CancellationToken(canceled: true)).Finished);
        }
        float[] after = Bank("more");
        Assert.Equal(48 * 16, after.Length);
        Assert.Equal(before, after[..before.Length]);
        // The checkpoint is of the larger set now: no more is asked for to go on.
        using (var job = new PretrainJob(options with { MaxSteps = 9 }, Folder("more"), larger, "test", resume: true))
        {
            Assert.Equal(6, job.Trainer.StepsDone);
            Assert.True(job.Run(null, CancellationToken.None).Finished);
        }
    }

    [Fact]
    public void A_quarantine_survives_a_resume()
    {
        TrainingOptions options = Small with { Epochs = 60, BatchSize = 4, MaxSteps = 30, CheckpointEvery = 1000 };
        IReadOnlyList<StepMetrics> whole = Train("bad", options, 30, bad: Enumerable.Range(2, 11));
        Train("halves", options, 20, bad: Enumerable.Range(2, 11));
        Assert.Contains("\"quarantined\":true", File.ReadAllText(Folder("halves").SlideFaults), StringComparison.Ordinal);
        IReadOnlyList<StepMetrics> halves = Train("halves", options, 30, resume: true, bad: Enumerable.Range(2, 11));
        Assert.Equal(whole.Select(m => (m.Loss, m.ReplacedPatches)), halves.Select(m => (m.Loss, m.ReplacedPatches)));
        Assert.Equal(File.ReadAllText(Folder("bad").SlideFaults), File.ReadAllText(Folder("halves").SlideFaults));
        Assert.Contains("\"quarantined\":true", File.ReadAllText(Folder("bad").SlideFaults), StringComparison.Ordinal);
    }

    [Fact]
    public void Clusters_come_every_so_many_steps_where_asked_and_a_run_without_any_says_so()
    {
        IReadOnlyList<StepMetrics> steps = Train("often", Small with { ClusterEvery = 3, ClusterRuns = 2, MaxSteps = 8 }, 8);
        Assert.All(steps.Take(3), m => Assert.Equal(0, m.FeatureSize));
        Assert.All(steps.Skip(3), m => Assert.True(m.FeatureSize > 0));
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        using var job = new PretrainJob(Small with { MaxSteps = 4 }, Folder("short"), source, "test", resume: false);
        Assert.Contains("inter term stays out", job.Method.Idle(4, 4), StringComparison.Ordinal);
        Assert.Null(job.Method.Idle(5, 4));
    }

    private float[] Bank(string name)
    {
        using SafetensorsFile file = new Checkpoint(Folder(name), 1).OpenNewest()!.Value.File;
        float[] bank = new float[file.Entries["bank.vectors"].Bytes / sizeof(float)];
        file.ReadAll<float>("bank.vectors", bank);
        return bank;
    }

    private static string Checksum(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Metadata[SafetensorsFile.ChecksumKey];
    }

    private static void Flip(string path, long at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 0x10;
        File.WriteAllBytes(path, bytes);
    }

    private IReadOnlyList<StepMetrics> Train(string name, TrainingOptions options, int steps, bool resume = false,
        IEnumerable<int>? bad = null)
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16, bad: bad);
        using var job = new PretrainJob(options, Folder(name), source, "test", resume);
        using var stop = new CancellationTokenSource();
        job.Run(new StopAt(steps, stop), stop.Token);
        return MetricsLog.Read(Folder(name).Metrics);
    }

    private RunFolder Folder(string name) => new(Path.Combine(_root, name));

    private sealed class StopAt(int steps, CancellationTokenSource stop) : IProgress<StepMetrics>
    {
        public void Report(StepMetrics value)
        {
            if (value.Step == steps)
                stop.Cancel();
        }
    }
}
