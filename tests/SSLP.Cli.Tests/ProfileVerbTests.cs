using System.Text.Json;
using System.Text.RegularExpressions;
using SSLP.Engine.Runs;
using SSLP.Tests.Native;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>sslp profile on slides, as a user runs it, with and without a tool of NVTX.</summary>
public sealed partial class ProfileVerbTests(NvtxRecorder tool) : IClassFixture<NvtxRecorder>, IDisposable
{
    private const int Steps = 6, Warmup = 2;

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-profile-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void The_first_steps_of_a_run_are_told_apart_and_are_the_runs()
    {
        string slides = At("slides"), run = At("run"), looked = At("looked");
        Succeed([], "synth", "--out", slides, "--slides", "2", "--size", "1024", "--patch", "64");
        string[] arguments = ["--slides", slides, "--set", "patch=64", "--set", "input_size=32", "--set", "batch_size=16", "--set",
            "max_steps=10", "--set", "cluster_every=4", "--set", "checkpoint_every=5", "--set", "threads=2"];
        Succeed([], ["pretrain", "--out", run, .. arguments]);
        IReadOnlyList<StepMetrics> whole = MetricsLog.Read(new RunFolder(run).Metrics);

        (string, string)[] environment = tool.Library.Length > 0
            ? [("NVTX_INJECTION64_PATH", tool.Library), ("NVTXRECORDER_OUT", At("ranges.txt"))] : [];
        Sslp.Result result = Succeed(
            environment, ["profile", "--out", looked, .. arguments, "--steps", $"{Steps}", "--warmup", $"{Warmup}", "--json"]);
        AssertSame(whole.Take(Warmup + Steps), At("looked/profile/metrics.jsonl"));
        // The run's folder is as it was: pretrain may begin there.
        Assert.Equal(["profile"], Directory.GetFileSystemEntries(looked).Select(Path.GetFileName));
        Assert.Equal(["metrics.jsonl", "profile.json", "trace.json"],
            Directory.GetFileSystemEntries(At("looked/profile")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        using var report = JsonDocument.Parse(result.Output);
        AssertReport(report.RootElement);
        AssertTrace(At("looked/profile/trace.json"));
        if (environment.Length > 0)
            AssertRanges(File.ReadAllLines(At("ranges.txt")));
        else
            TestContext.Current.AddWarning("no cc, so no tool that NVTX's ranges were told to: apt install gcc");

        // From the middle of a run: its next steps. A tool that does not load is named, and nothing else changes.
        string checkpoint = Path.Combine(new RunFolder(run).Checkpoints, "step-000000005.safetensors");
        Sslp.Result resumed = Succeed([("NVTX_INJECTION64_PATH", "/nowhere/tool.so")],
            ["profile", "--out", run, .. arguments, "--resume-from", checkpoint, "--steps", "30", "--warmup", "1"]);
        AssertSame(whole.Skip(5), At("run/profile/metrics.jsonl"));
        Assert.Contains("'/nowhere/tool.so' cannot be loaded", resumed.Error, StringComparison.Ordinal);
        Assert.Contains("the run ended after 5 steps: 4 of 30 were looked at", resumed.Output, StringComparison.Ordinal);
        Assert.Contains("| forward | step |", resumed.Output, StringComparison.Ordinal);

        Sslp.Result tooShort = Sslp.Run(["profile", "--out", At("short"), .. arguments, "--warmup", "10"]);
        Assert.Equal(1, tooShort.ExitCode);
        Assert.Contains("The run ended after 10 steps, and the first 10 are the warm-up", tooShort.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "profile needs --out RUN", "profile", "--patches", "/nowhere")]
    [InlineData(2, "--steps is 0", "profile", "--patches", "/nowhere", "--out", "x", "--steps", "0")]
    [InlineData(2, "no_such_key", "profile", "--patches", "/nowhere", "--out", "x", "--set", "no_such_key=1")]
    public void What_means_nothing_is_one_sentence(int code, string names, params string[] arguments)
    {
        Sslp.Result result = Sslp.RunIn(_root, arguments);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(names, result.Fault, StringComparison.Ordinal);
    }

    private static void AssertReport(JsonElement report)
    {
        Assert.Equal((Steps, Warmup, 16), (report.GetProperty("steps").GetInt32(), report.GetProperty("warmup").GetInt32(),
            report.GetProperty("batch").GetInt32()));
        JsonElement[] stages = [.. report.GetProperty("stages").EnumerateArray()];
        string[] names = [.. stages.Select(stage => stage.GetProperty("stage").GetString()!)];
        foreach (string name in (string[])["read", "decode", "wait for patches", "augment", "forward", "bank step", "bank update",
            "cluster", "backward", "guard", "optimizer", "checkpoint", "rest"])
            Assert.Contains(name, names);
        // Every moment of the stepping thread is in one stage.
        Assert.Equal(1, stages.Where(stage => stage.GetProperty("threads").GetString() == "step")
            .Sum(stage => stage.GetProperty("share").GetDouble()), 1e-6);
        JsonElement forward = stages.Single(stage => stage.GetProperty("stage").GetString() == "forward");
        Assert.Equal(Steps, forward.GetProperty("count").GetInt64());
        Assert.Equal(Steps * 16L * 3 * 32 * 32 * 4, forward.GetProperty("bytes").GetInt64());
        Assert.True(forward.GetProperty("share_of_floor").GetDouble() > 0);
        Assert.NotEmpty(report.GetProperty("verdict").GetString()!);
        string nsys = report.GetProperty("nsys").GetString()!;
        Assert.StartsWith("nsys profile ", nsys, StringComparison.Ordinal);
        Assert.EndsWith($" --steps {Steps} --warmup {Warmup} --json", nsys, StringComparison.Ordinal);
        Assert.StartsWith("ncu ", report.GetProperty("ncu").GetString()!, StringComparison.Ordinal);
    }

    /// <summary>By the Trace Event Format: what Perfetto takes.</summary>
    private static void AssertTrace(string path)
    {
        using var trace = JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal("ms", trace.RootElement.GetProperty("displayTimeUnit").GetString());
        JsonElement[] events = [.. trace.RootElement.GetProperty("traceEvents").EnumerateArray()];
        var threads = events.Where(e => Text(e, "ph") == "M" && Text(e, "name") == "thread_name")
            .ToDictionary(e => e.GetProperty("tid").GetInt32(), e => e.GetProperty("args").GetProperty("name").GetString()!);
        Assert.Equal(2, threads.Values.Count(name => name.StartsWith("patch reader", StringComparison.Ordinal)));
        JsonElement[] stages = [.. events.Where(e => Text(e, "ph") == "X")];
        // A name and a place for each, and the process's name. Training lies first, and no track is 0, the idle thread's.
        Assert.Equal(events.Length, stages.Length + (2 * threads.Count) + 1);
        Assert.Equal(["training", "patch reader 0", "patch reader 1"], threads.OrderBy(thread => thread.Key).Take(3).Select(t => t.Value));
        Assert.Equal(Enumerable.Range(1, threads.Count), threads.Keys.Order());
        Assert.All(events.Where(e => Text(e, "name") == "thread_sort_index"),
            e => Assert.Equal(e.GetProperty("tid").GetInt32(), e.GetProperty("args").GetProperty("sort_index").GetInt32()));
        Assert.Equal(Steps, stages.Count(e => Text(e, "name") == "step"));
        foreach (IGrouping<int, JsonElement> thread in stages.GroupBy(e => e.GetProperty("tid").GetInt32()))
        {
            Assert.Contains(thread.Key, threads.Keys);
            var open = new Stack<double>();
            double last = 0;
            foreach (JsonElement e in thread)
            {
                double from = e.GetProperty("ts").GetDouble(), to = from + e.GetProperty("dur").GetDouble();
                Assert.True(from >= last && to >= from && (!e.TryGetProperty("args", out JsonElement args)
                    || args.GetProperty("bytes").GetInt64() > 0));
                last = from;
                // A stage lies wholly in the one around it; doubles of microseconds are good to a nanosecond.
                while (open.TryPeek(out double end) && end <= from + 1e-3)
                    open.Pop();
                Assert.True(!open.TryPeek(out double around) || to <= around + 1e-3);
                open.Push(to);
            }
        }
    }

    /// <summary>What a profiler is told: every stage, nested on its thread, with bytes.</summary>
    private static void AssertRanges(string[] lines)
    {
        Assert.Contains("domain SSLP", lines);
        var depth = new Dictionary<string, int>();
        var names = new HashSet<string>();
        foreach (string line in lines.Where(line => line.StartsWith("push ", StringComparison.Ordinal)))
        {
            Match push = Push().Match(line);
            Assert.True(push.Success, line);
            names.Add(push.Groups["name"].Value);
            if (push.Groups["name"].Value is "read" or "decode" or "augment" or "forward" or "bank step" or "optimizer" or "checkpoint")
                Assert.NotEqual("0", push.Groups["bytes"].Value);
        }
        foreach (string line in lines.Where(line => line.Contains(" thread=", StringComparison.Ordinal)))
        {
            string thread = line[line.IndexOf(" thread=", StringComparison.Ordinal)..].Split(' ')[1];
            depth[thread] = depth.GetValueOrDefault(thread) + (line.StartsWith("push ", StringComparison.Ordinal) ? 1 : -1);
            Assert.True(depth[thread] >= 0, line);
        }
        Assert.All(depth.Values, open => Assert.Equal(0, open));
        Assert.Superset(
            new HashSet<string>(["read", "decode", "step", "cluster", "wait for patches", "augment", "forward", "bank step", "bank update",
                "backward", "guard", "optimizer", "checkpoint", "checkpoint file"]), names);
    }

    private static void AssertSame(IEnumerable<StepMetrics> steps, string metrics) => Assert.Equal(
        steps.Select(m => (m.Step, m.Loss, m.Self, m.Intra, m.Inter, m.GradientNorm)),
        MetricsLog.Read(metrics).Select(m => (m.Step, m.Loss, m.Self, m.Intra, m.Inter, m.GradientNorm)));

    private static string? Text(JsonElement e, string name) => e.GetProperty(name).GetString();

    private string At(string name) => Path.Combine(_root, name);

    private static Sslp.Result Succeed(IReadOnlyList<(string, string)> environment, params string[] arguments)
    {
        Sslp.Result result = Sslp.Run(environment, arguments);
        Assert.True(result.ExitCode == 0, $"sslp {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Error}");
        return result;
    }

    [GeneratedRegex(
        "^push (?<name>.+) bytes=(?<bytes>[0-9]+) depth=[0-9]+ thread=[0-9]+ domain=d0 version=3 size=0 color=ff[0-9a-f]{6} types=113$")]
    private static partial Regex Push();
}
