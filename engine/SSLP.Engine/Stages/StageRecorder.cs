using System.Diagnostics;

namespace SSLP.Engine.Stages;

/// <summary>A stage on one thread, in ticks of <see cref="Stopwatch"/>.</summary>
/// <param name="Thread">Its number in <see cref="StageRecorder.Threads"/>.</param>
internal readonly record struct StageEvent(Stage Stage, int Thread, long From, long To, long Bytes);

/// <summary>What a stage took in a window.</summary>
/// <param name="Seconds">On all threads together, without the stages within it.</param>
/// <param name="Count">How often it ended.</param>
/// <param name="Bytes">What it moved.</param>
internal readonly record struct StageTotal(double Seconds, long Count, long Bytes);

/// <summary>
/// Where the time goes between <see cref="Start"/> and <see cref="Stop"/>: each stage's own time, without what lies within it, and, where
/// they are kept, every stage of every thread. A stage that is cut by the window counts with its part inside.
/// </summary>
/// <param name="keepsEvents">For a trace; else sums alone, which take no memory however long the run.</param>
internal sealed class StageRecorder(bool keepsEvents)
{
    private readonly Lock _gate = new();
    private readonly List<Track> _tracks = [];
    private readonly ThreadLocal<Track?> _own = new();
    private long _from = long.MaxValue, _to = long.MaxValue;

    /// <summary>Names of the threads that were seen, by their numbers.</summary>
    public IReadOnlyList<string> Threads
    {
        get
        {
            lock (_gate)
                return [.. _tracks.Select(track => track.Name)];
        }
    }

    /// <summary>When the window began, in ticks.</summary>
    public long From => Volatile.Read(ref _from);

    /// <summary>Length of the window; up to now where it is still open.</summary>
    public double Seconds => Stopwatch.GetElapsedTime(From, Math.Min(Volatile.Read(ref _to), Stopwatch.GetTimestamp())).TotalSeconds;

    /// <summary>The window begins.</summary>
    public void Start() => Volatile.Write(ref _from, Stopwatch.GetTimestamp());

    /// <summary>The window ends.</summary>
    public void Stop() => Volatile.Write(ref _to, Stopwatch.GetTimestamp());

    /// <summary>A stage begins on this thread.</summary>
    public long Begin()
    {
        (_own.Value ??= Add()).Open();
        return Stopwatch.GetTimestamp();
    }

    /// <summary>The stage that began last on this thread is over.</summary>
    public void End(Stage stage, long begun, long bytes)
    {
        long now = Stopwatch.GetTimestamp(), start = Volatile.Read(ref _from), stop = Volatile.Read(ref _to);
        long from = Math.Max(begun, start), to = Math.Min(now, stop);
        _own.Value!.Close(stage, from, to, bytes, isWhole: now > start && now <= stop);
    }

    /// <summary>What a stage took up to now.</summary>
    public StageTotal Of(Stage stage)
    {
        long ticks = 0, count = 0, bytes = 0;
        lock (_gate)
        {
            foreach (Track track in _tracks)
            {
                ticks += Volatile.Read(ref track.Ticks[(int)stage]);
                count += Volatile.Read(ref track.Counts[(int)stage]);
                bytes += Volatile.Read(ref track.Bytes[(int)stage]);
            }
        }
        return new(Stopwatch.GetElapsedTime(0, ticks).TotalSeconds, count, bytes);
    }

    /// <summary>Every stage of the window, thread by thread; when no thread is in a stage any more.</summary>
    public IReadOnlyList<StageEvent> Events()
    {
        lock (_gate)
            return [.. _tracks.SelectMany(track => track.Events)];
    }

    private Track Add()
    {
        lock (_gate)
        {
            Thread thread = Thread.CurrentThread;
            var track = new Track(_tracks.Count, thread.Name ?? $"thread {thread.ManagedThreadId}", keepsEvents);
            _tracks.Add(track);
            return track;
        }
    }

    /// <summary>One thread's part; nobody else writes it.</summary>
    private sealed class Track(int number, string name, bool keepsEvents)
    {
        // Ticks of the stages within each open one, the innermost last.
        private readonly Stack<long> _within = new();

        public string Name => name;

        public long[] Ticks { get; } = new long[StageNames.Count];

        public long[] Counts { get; } = new long[StageNames.Count];

        public long[] Bytes { get; } = new long[StageNames.Count];

        public List<StageEvent> Events { get; } = [];

        public void Open() => _within.Push(0);

        public void Close(Stage stage, long from, long to, long bytes, bool isWhole)
        {
            long within = _within.Pop(), ticks = Math.Max(0, to - from);
            if (_within.TryPop(out long outer))
                _within.Push(outer + ticks);
            Ticks[(int)stage] += ticks - within;
            if (isWhole)
            {
                Counts[(int)stage]++;
                Bytes[(int)stage] += bytes;
            }
            if (keepsEvents && ticks > 0)
                Events.Add(new(stage, number, from, to, bytes));
        }
    }
}
