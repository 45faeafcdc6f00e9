using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;

namespace SSLP.Engine.Tests.Torch;

/// <summary>What a process shares is one object of its host's; two of them do not disturb each other.</summary>
public sealed class EngineContextTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-context-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Two_runs_that_train_in_turns_on_other_seeds_and_threads_each_give_what_they_give_alone()
    {
        TrainingOptions first = Options(MethodKind.Sslp, seed: 1, threads: 1), second = Options(MethodKind.MoCoV2, seed: 2, threads: 2);
        double[] firstAlone = Train(first, "first alone", null), secondAlone = Train(second, "second alone", null);
        using SemaphoreSlim forFirst = new(1), forSecond = new(0);
        double[] firstInTurns = [], secondInTurns = [];
        var thread = new Thread(() => secondInTurns = Train(second, "second", new Turns(forSecond, forFirst)));
        thread.Start();
        firstInTurns = Train(first, "first", new Turns(forFirst, forSecond));
        thread.Join();
        Assert.Equal(firstAlone, firstInTurns);
        Assert.Equal(secondAlone, secondInTurns);
    }

    [Fact]
    public void Making_a_network_leaves_libtorch_s_generator_as_it_was()
    {
        torch.random.manual_seed(7);
        float expected = torch.rand(1).item<float>();
        torch.random.manual_seed(7);
        float[] one = EngineContext.Seeded(3, () => torch.rand(4)).data<float>().ToArray(),
            two = EngineContext.Seeded(3, () => torch.rand(4)).data<float>().ToArray();
        Assert.Equal(one, two);
        Assert.Equal(expected, torch.rand(1).item<float>());
    }

    [Fact]
    public void More_threads_than_any_machine_has_are_refused()
    {
        Fault fault = Assert.Throws<Fault>(() => new EngineContext(new EngineSettings { Threads = 10_000 }));
        Assert.Equal(FaultKind.Usage, fault.Kind);
        Assert.Contains("threads is 10000; it takes a whole number from 0 to 1024", fault.Message, StringComparison.Ordinal);
    }

    private static TrainingOptions Options(MethodKind method, long seed, int threads) => new()
    {
        Method = method,
        Seed = seed,
        Threads = threads,
        MaxSteps = 6,
        BatchSize = 8,
        InputSize = 16,
        Width = 16,
        Queue = 16,
    };

    private double[] Train(TrainingOptions options, string name, IProgress<StepMetrics>? turns)
    {
        using var context = new EngineContext(options.Engine);
        using var source = new TestPatches(slides: 2, side: 5, patchSize: 16);
        var folder = new RunFolder(Path.Combine(_root, name));
        using var job = new PretrainJob(options, folder, source, "test", resume: false, context: context);
        job.Run(turns, TestContext.Current.CancellationToken);
        return [.. MetricsLog.Read(folder.Metrics).Select(m => m.Loss)];
    }

    /// <summary>After every step it is the other's turn; the last one's turn is left to the other for good.</summary>
    private sealed class Turns(SemaphoreSlim mine, SemaphoreSlim others) : IProgress<StepMetrics>
    {
        public void Report(StepMetrics value)
        {
            mine.Wait();
            others.Release();
        }
    }
}
