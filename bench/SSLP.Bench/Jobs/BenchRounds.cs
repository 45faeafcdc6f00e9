using System.Diagnostics;

namespace SSLP.Bench.Jobs;

/// <summary>
/// Times several ways to do one job in turn, round by round, so that whatever else happens on the machine happens to all of them. Each
/// waits until the others' threads sleep, and wakes its own by runs that are not timed. The first way is ours.
/// </summary>
/// <param name="options">How many rounds, or another timer in place of them.</param>
internal sealed class BenchRounds(BenchOptions options)
{
    /// <summary>Rounds before the timed ones, and the pause after the first two: the JIT compiles what is hot in the background.</summary>
    private const int Warmups = 4;
    private const int JitPauseMs = 300;

    /// <summary>OpenMP's threads spin for a while after a way has ended: the next one waits, a slice at a time, until they use less than
    /// this share of a core.</summary>
    private const int SpinSliceMs = 30, MostSpinSlices = 33;
    private const double IdleShare = 0.1;

    /// <summary>
    /// So long a way runs untimed before its timed run: Linux may wake a thread on a processor that is taken and move it some milliseconds
    /// later. A way that takes longer than <see cref="LongWayMs"/> runs once, timed: what waking costs is nothing beside it.
    /// </summary>
    private const double WakeMs = 50, LongWayMs = 1000;

    private readonly List<BenchWay> _ways = [];
    private readonly List<Process> _others = [];

    /// <summary>A way that is timed from outside.</summary>
    public void Add(string name, Action run) => _ways.Add(new(name, () =>
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
    ));

    /// <summary>A way that reports its own milliseconds, and the process that it runs in where that is another: its threads spin,
    /// too.</summary>
    public void AddTimed(string name, Func<double> run, Process? other = null)
    {
        _ways.Add(new(name, run, TimesItself: true));
        if (other is not null)
            _others.Add(other);
    }

    /// <summary>Median milliseconds of each way, in the order they were added.</summary>
    public double[] Medians(int warmups = Warmups)
    {
        if (options.Timer is { } timer)
            return [.. timer(_ways)];
        int rounds = options.Rounds;
        double[] last = new double[_ways.Count];
        for (int round = 0; round < warmups; round++)
        {
            for (int way = 0; way < _ways.Count; way++)
                last[way] = _ways[way].Run();
            if (round < 2)
                Thread.Sleep(JitPauseMs);
        }
        double[][] times = [.. _ways.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int way = 0; way < _ways.Count; way++)
            {
                WaitUntilIdle();
                for (double awake = 0; awake < WakeMs && last[way] < LongWayMs;)
                    awake += _ways[way].Run();
                times[way][round] = last[way] = _ways[way].Run();
            }
        }
        foreach (double[] ofOne in times)
            Array.Sort(ofOne);
        return [.. times.Select(ofOne => ofOne[rounds / 2])];
    }

    private void WaitUntilIdle()
    {
        for (int slice = 0; slice < MostSpinSlices; slice++)
        {
            TimeSpan before = CpuTime();
            Thread.Sleep(SpinSliceMs);
            if ((CpuTime() - before).TotalMilliseconds < IdleShare * SpinSliceMs)
                return;
        }
    }

    private TimeSpan CpuTime()
    {
        TimeSpan time = Environment.CpuUsage.TotalTime;
        foreach (Process other in _others)
        {
            other.Refresh();
            time += other.TotalProcessorTime;
        }
        return time;
    }

    /// <summary>The baselines of a report, from <see cref="Medians"/>.</summary>
    public IReadOnlyList<BenchBaseline> Baselines(double[] medians) =>
        [.. _ways.Skip(1).Select((way, i) => new BenchBaseline(way.Name, medians[i + 1], medians[i + 1] / medians[0]))];
}
