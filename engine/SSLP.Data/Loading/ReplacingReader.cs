using System.Collections.Concurrent;
using SSLP.Data.Patches;
using SSLP.Kernels;

namespace SSLP.Data.Loading;

/// <summary>
/// Keeps a run alive over bad data: a patch that does not read is replaced by another patch of its slide, counted and named; a slide
/// with too many is read no more and its patches are replaced by patches of the others. Thread-safe.
/// <para>What a batch shows is a function of the seed, the batch's number and which patches read, never of the order in which threads
/// came by: faults are counted when a batch is delivered, in the order of batches, and a slide that they put in quarantine is left
/// out from <see cref="Lag"/> batches later on, before which no batch can have been begun.</para>
/// </summary>
/// <param name="source">The patches.</param>
/// <param name="seed">Seed of the run; a replacement is a function of it, the patch and the attempt.</param>
/// <param name="budgetShare">A slide is quarantined when more than this share of its patches, and more than 8, have failed.</param>
public sealed class ReplacingReader(IPatchSource source, ulong seed, double budgetShare = 0.05) : IBatchReader
{
    /// <summary>Batches from the one that puts a slide in quarantine to the first without it; a ring has no more slots.</summary>
    public const int Lag = 64;

    private const int LeastBudget = 8;

    // Replacements tried on the patch's own slide before any slide will do: one that is gone as a whole must not end the run.
    private const int AttemptsOnSlide = 8;
    private const int MostAttempts = 64;

    private readonly PatchTable _table = source.Table;
    private readonly Lock _lock = new();
    private readonly Lazy<(int[] Start, int[] Members)> _slides = new(() => GroupBySlide(source.Table)); // 4·N bytes of a run with faults

    // By threads that read, ahead of what is counted: which patches need not be tried again, and what each batch met.
    private readonly ConcurrentDictionary<int, string> _unreadable = new();
    private readonly ConcurrentDictionary<long, BatchFaults> _ahead = new();

    // Counted, under the lock, batch by batch.
    private readonly HashSet<int> _failed = [];
    private readonly Dictionary<int, SlideFaults> _bySlide = [];
    private readonly ConcurrentDictionary<int, long> _quarantinedFrom = new();
    private long _replaced;

    // A good run asks the dictionaries nothing.
    private volatile bool _anyUnreadable, _anyQuarantined;

    /// <summary>Patches served by another in their place, counted each time, in the batches delivered so far.</summary>
    public long Replaced => Volatile.Read(ref _replaced);

    /// <summary>Every slide with a fault in the batches delivered so far, in table order.</summary>
    public IReadOnlyList<SlideFaults> Report()
    {
        lock (_lock)
            return [.. _bySlide.OrderBy(s => s.Key).Select(s => s.Value)];
    }

    /// <summary>Reads <paramref name="patch"/> or a replacement into <paramref name="rgb"/> and returns the id of what was read.</summary>
    /// <exception cref="PatchReadException">No slide is left that reads.</exception>
    public int Read(int patch, long batch, Span<byte> rgb)
    {
        int candidate = patch;
        for (int attempt = 0; ; attempt++)
        {
            if (!IsQuarantined(candidate, batch))
            {
                string? fault = Try(candidate, rgb);
                if (fault is null)
                    return candidate;
                FaultsOf(batch).Add(candidate, fault);
            }
            if (attempt >= MostAttempts)
                throw new PatchReadException(
                    patch, _table.SlideName(patch), "64 patches in its place did not read either; run 'sslp audit' on the slides");
            FaultsOf(batch).Replaced();
            candidate = Replacement(patch, attempt, batch);
        }
    }

    /// <summary>Counts the faults of a batch; what they put in quarantine is decided here.</summary>
    public void Delivered(long batch)
    {
        if (!_ahead.TryRemove(batch, out BatchFaults? faults))
            return;
        lock (_lock)
        {
            Volatile.Write(ref _replaced, _replaced + faults.Replacements);
            foreach ((int patch, string reason) in faults.Patches.OrderBy(p => p.Key))
                Count(patch, reason, batch);
        }
    }

    /// <summary>The faults of the batches delivered so far.</summary>
    public LoaderFaults State()
    {
        lock (_lock)
        {
            int[] slides = [.. _bySlide.Keys.Order()];
            return new([.. _failed.Order()], [.. slides.Select(s => _bySlide[s])],
                [.. slides.Select(s => _quarantinedFrom.GetValueOrDefault(s, -1))], Replaced);
        }
    }

    /// <summary>Takes back what <see cref="State"/> gave, before anything is read.</summary>
    /// <param name="state">Faults of the same patches, or of some of them by other numbers.</param>
    /// <param name="rowOf">This table's number of each of its patches, −1 where it is gone; null where the numbers are the same.</param>
    public void Load(LoaderFaults state, int[]? rowOf = null)
    {
        var slides = _table.Slides.Select((name, s) => (name, s)).ToDictionary(pair => pair.name, pair => pair.s);
        lock (_lock)
        {
            _replaced = state.Replaced;
            for (int i = 0; i < state.Slides.Length; i++)
            {
                if (!slides.TryGetValue(state.Slides[i].Slide, out int slide))
                    continue;
                _bySlide[slide] = state.Slides[i];
                if (state.QuarantinedFrom[i] >= 0)
                    _quarantinedFrom[slide] = state.QuarantinedFrom[i];
            }
            foreach (int before in state.Failed)
            {
                int patch = rowOf is null ? before : rowOf[before];
                if (patch >= 0 && _failed.Add(patch))
                    _unreadable[patch] = _bySlide[_table.SlideOf[patch]].FirstReason;
            }
            (_anyUnreadable, _anyQuarantined) = (!_unreadable.IsEmpty, !_quarantinedFrom.IsEmpty);
        }
    }

    private bool IsQuarantined(int patch, long batch) =>
        _anyQuarantined && _quarantinedFrom.TryGetValue(_table.SlideOf[patch], out long from) && from <= batch;

    /// <returns>Null where it was read, else why not.</returns>
    private string? Try(int patch, Span<byte> rgb)
    {
        if (_anyUnreadable && _unreadable.TryGetValue(patch, out string? before))
            return before;
        try
        {
            source.Read(patch, rgb);
            return null;
        }
        catch (PatchReadException fault)
        {
            _unreadable.TryAdd(patch, fault.Message);
            _anyUnreadable = true;
            return fault.Message;
        }
    }

    private BatchFaults FaultsOf(long batch) => _ahead.GetOrAdd(batch, static _ => new BatchFaults());

    private void Count(int patch, string reason, long batch)
    {
        if (!_failed.Add(patch))
            return;
        int slide = _table.SlideOf[patch];
        int failed = _bySlide.TryGetValue(slide, out SlideFaults? before) ? before.Failed + 1 : 1;
        int size = _slides.Value.Start[slide + 1] - _slides.Value.Start[slide];
        bool quarantined = failed >= size || (failed > LeastBudget && failed > budgetShare * size);
        _bySlide[slide] = new SlideFaults(_table.Slides[slide], failed, quarantined, before?.FirstReason ?? reason);
        if (quarantined)
        {
            _quarantinedFrom.TryAdd(slide, batch + Lag);
            _anyQuarantined = true;
        }
    }

    /// <summary>Another patch: of the same slide while that is read, else of any.</summary>
    private int Replacement(int patch, int attempt, long batch)
    {
        uint word = CounterRandom.Block(CounterRandom.Key(seed, RandomPurpose.Replacement), (ulong)patch, (ulong)attempt).X;
        if (attempt >= AttemptsOnSlide || IsQuarantined(patch, batch))
            return (int)CounterRandom.Below(word, (uint)_table.Count);
        int slide = _table.SlideOf[patch];
        int start = _slides.Value.Start[slide], count = _slides.Value.Start[slide + 1] - start;
        return _slides.Value.Members[start + (int)CounterRandom.Below(word, (uint)count)];
    }

    private static (int[] Start, int[] Members) GroupBySlide(PatchTable table)
    {
        int[] start = new int[table.Slides.Count + 1];
        foreach (int slide in table.SlideOf)
            start[slide + 1]++;
        for (int s = 0; s < table.Slides.Count; s++)
            start[s + 1] += start[s];
        int[] next = [.. start];
        int[] members = new int[table.Count];
        for (int p = 0; p < table.Count; p++)
            members[next[table.SlideOf[p]]++] = p;
        return (start, members);
    }

    /// <summary>What one batch met, from all the threads that fill it.</summary>
    private sealed class BatchFaults
    {
        private long _replacements;

        public ConcurrentDictionary<int, string> Patches { get; } = new();

        public long Replacements => Volatile.Read(ref _replacements);

        public void Add(int patch, string reason) => Patches.TryAdd(patch, reason);

        public void Replaced() => Interlocked.Increment(ref _replacements);
    }
}
