using SSLP.Data.Patches;
using SSLP.Kernels;

namespace SSLP.Data.Loading;

/// <summary>What went wrong on one slide during a run; a line of slides.jsonl.</summary>
/// <param name="Slide">Name of the slide.</param>
/// <param name="Failed">Different patches that did not read.</param>
/// <param name="Quarantined">True once the slide is past its budget and no longer read.</param>
/// <param name="FirstReason">The first fault, as the reader put it.</param>
public sealed record SlideFaults(string Slide, int Failed, bool Quarantined, string FirstReason);

/// <summary>
/// Keeps a run alive over bad data: a patch that does not read is replaced by another patch of its slide, counted and named; a slide
/// with too many is read no more and its patches are replaced by patches of the others. Thread-safe.
/// </summary>
/// <param name="source">The patches.</param>
/// <param name="seed">Seed of the run; a replacement is a function of it, the patch and the attempt.</param>
/// <param name="budgetShare">A slide is quarantined when more than this share of its patches, and more than 8, have failed.</param>
public sealed class ReplacingReader(IPatchSource source, ulong seed, double budgetShare = 0.05) : IBatchReader
{
    private const int LeastBudget = 8;

    private readonly PatchTable _table = source.Table;
    private readonly Lock _lock = new();
    private readonly HashSet<int> _failed = [];
    private readonly Dictionary<int, SlideFaults> _bySlide = [];
    private readonly (int[] Start, int[] Members) _slides = GroupBySlide(source.Table);

    /// <summary>Patches served by another in their place, counted each time.</summary>
    public long Replaced { get; private set; }

    /// <summary>Every slide with a fault, in table order.</summary>
    public IReadOnlyList<SlideFaults> Report()
    {
        lock (_lock)
            return [.. _bySlide.OrderBy(s => s.Key).Select(s => s.Value)];
    }

    /// <summary>Reads <paramref name="patch"/> or a replacement into <paramref name="rgb"/> and returns the id of what was read.</summary>
    /// <exception cref="PatchReadException">No slide is left that reads.</exception>
    public int Read(int patch, Span<byte> rgb)
    {
        int candidate = patch;
        for (int attempt = 0; ; attempt++)
        {
            if (!IsKnownBad(candidate))
            {
                try
                {
                    source.Read(candidate, rgb);
                    return candidate;
                }
                catch (PatchReadException fault)
                {
                    Record(candidate, fault);
                }
            }
            if (attempt >= 64)
                throw new PatchReadException(patch, _table.SlideName(patch), "64 patches in its place did not read either; run 'sslp audit' on the slides");
            candidate = Replacement(patch, attempt);
        }
    }

    private bool IsKnownBad(int patch)
    {
        lock (_lock)
            return _bySlide.Count > 0 && (_failed.Contains(patch) || (_bySlide.TryGetValue(_table.SlideOf[patch], out SlideFaults? faults) && faults.Quarantined));
    }

    private void Record(int patch, PatchReadException fault)
    {
        int slide = _table.SlideOf[patch];
        lock (_lock)
        {
            if (!_failed.Add(patch))
                return;
            int failed = _bySlide.TryGetValue(slide, out SlideFaults? before) ? before.Failed + 1 : 1;
            int size = _slides.Start[slide + 1] - _slides.Start[slide];
            bool quarantined = failed >= size || (failed > LeastBudget && failed > budgetShare * size);
            _bySlide[slide] = new SlideFaults(_table.Slides[slide], failed, quarantined, before?.FirstReason ?? fault.Message);
        }
    }

    /// <summary>Another patch: of the same slide while that is not quarantined, else of any.</summary>
    private int Replacement(int patch, int attempt)
    {
        int slide = _table.SlideOf[patch];
        uint word = CounterRandom.Block(CounterRandom.Key(seed, RandomPurpose.Replacement), (ulong)patch, (ulong)attempt).X;
        lock (_lock)
        {
            Replaced++;
            if (_bySlide.TryGetValue(slide, out SlideFaults? faults) && faults.Quarantined)
                return (int)CounterRandom.Below(word, (uint)_table.Count);
        }
        int start = _slides.Start[slide], count = _slides.Start[slide + 1] - start;
        return _slides.Members[start + (int)CounterRandom.Below(word, (uint)count)];
    }

    private static (int[] Start, int[] Members) GroupBySlide(PatchTable table)
    {
        var start = new int[table.Slides.Count + 1];
        foreach (int slide in table.SlideOf)
            start[slide + 1]++;
        for (int s = 0; s < table.Slides.Count; s++)
            start[s + 1] += start[s];
        int[] next = [.. start];
        var members = new int[table.Count];
        for (int p = 0; p < table.Count; p++)
            members[next[table.SlideOf[p]]++] = p;
        return (start, members);
    }
}
