using SSLP.Interop.Slides;

namespace SSLP.Engine.Tiling;

/// <summary>
/// Open slides under a budget of handles: opened when first asked for, closed when others are wanted, least recently used first.
/// A slide in use is never closed, so more than the budget are open only while more threads than that read at once. Thread-safe.
/// </summary>
/// <typeparam name="T">An open slide with what was computed once for it.</typeparam>
/// <param name="budget">Slides kept open.</param>
/// <param name="open">Opens the slide of an index; called by one thread at a time for one index.</param>
internal sealed class SlidePool<T>(int budget, Func<int, T> open) : IDisposable
    where T : class, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Entry> _entries = [];
    private long _clock;
    private bool _disposed;

    /// <summary>Slides that are open, or being opened, now.</summary>
    public int OpenCount
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>Opens the slide or finds it open; it stays so until the lease is disposed.</summary>
    /// <exception cref="SlideException">It does not open.</exception>
    public Lease Rent(int slide)
    {
        Entry? entry;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_entries.TryGetValue(slide, out entry))
                _entries[slide] = entry = new();
            entry.Users++;
            entry.LastUse = ++_clock;
        }
        try
        {
            // Under the slide's own lock: others are opened and read meanwhile.
            lock (entry.Opening)
                return new(this, slide, entry, entry.Value ??= open(slide));
        }
        catch
        {
            Return(slide, entry);
            throw;
        }
    }

    /// <summary>Closes what is idle now, and the rest when it is returned.</summary>
    public void Dispose()
    {
        List<Entry> idle;
        lock (_gate)
        {
            _disposed = true;
            idle = [.. _entries.Values.Where(entry => entry.Users == 0)];
            _entries.Clear();
        }
        Close(idle);
    }

    private void Return(int slide, Entry entry)
    {
        var closing = new List<Entry>();
        lock (_gate)
        {
            entry.Users--;
            if (_disposed && entry.Users == 0)
                closing.Add(entry);
            else if (entry.Users == 0 && entry.Value is null)
                _entries.Remove(slide);
            while (_entries.Count > budget && EvictOldestIdle() is { } evicted)
                closing.Add(evicted);
        }
        Close(closing);
    }

    private Entry? EvictOldestIdle()
    {
        (int slide, Entry? oldest) = (-1, null);
        foreach ((int candidate, Entry entry) in _entries)
            if (entry.Users == 0 && (oldest is null || entry.LastUse < oldest.LastUse))
                (slide, oldest) = (candidate, entry);
        _entries.Remove(slide);
        return oldest;
    }

    private static void Close(List<Entry> entries)
    {
        foreach (Entry entry in entries)
            entry.Value?.Dispose();
    }

    internal sealed class Entry
    {
        public readonly Lock Opening = new();
        public T? Value;
        public int Users;
        public long LastUse;
    }

    /// <summary>One user's hold on an open slide.</summary>
    internal readonly struct Lease(SlidePool<T> pool, int slide, Entry entry, T value) : IDisposable
    {
        public T Value => value;

        public void Dispose() => pool.Return(slide, entry);
    }
}
