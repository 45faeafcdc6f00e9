using SSLP.Interop.Slides.OpenSlide;

namespace SSLP.Interop.Slides;

/// <summary>
/// Thousands of slides under a budget of open files: each is opened when it is first asked for, and the one not used for longest is closed
/// when
/// there are too many. Safe from many threads.
/// </summary>
public sealed class SlideStore : IDisposable
{
    /// <summary>
    /// What a slide counts that OpenSlide 3.4 reads: it keeps up to 32 MiB of decoded tiles for itself, and no call makes that less.
    /// </summary>
    private const int CountOfUnboundedCache = 8;

    private readonly Lock _gate = new();
    private readonly Entry[] _entries;
    private readonly LinkedList<Entry> _open = new();
    private readonly int _maxOpen;
    private readonly SlideReader _reader;
    private readonly SlideRuntime _runtime;
    private readonly bool _ownsRuntime;
    private int _openCounted;
    private bool _disposed;

    /// <param name="paths">The slides; their index in this list is their number.</param>
    /// <param name="maxOpen">
    /// Most slides open when none is being read, ≥ 1; each thread may hold one more. A slide that OpenSlide 3.4 reads counts eightfold,
    /// for the cache
    /// that it brings.
    /// </param>
    /// <param name="reader">Which reader opens them.</param>
    /// <param name="runtime">What they share, open longer than the store; null makes one that goes with it.</param>
    public SlideStore(IReadOnlyList<string> paths, int maxOpen = 256, SlideReader reader = SlideReader.Auto, SlideRuntime? runtime = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxOpen, 1);
        _maxOpen = maxOpen;
        _reader = reader;
        _ownsRuntime = runtime is null;
        _runtime = runtime ?? new();
        _entries = [.. paths.Select(path => new Entry(path))];
    }

    /// <summary>Number of slides.</summary>
    public int Count => _entries.Length;

    /// <summary>Slides open now.</summary>
    public int OpenCount
    {
        get
        {
            lock (_gate)
                return _open.Count;
        }
    }

    /// <summary>Lends a slide, opening it if need be; it stays open until the lease is disposed.</summary>
    /// <exception cref="SlideException">
    /// The slide can't be opened. It is tried again only after <see cref="SlideFault.NotReadable"/>, which may pass; else the same
    /// exception comes each time.
    /// </exception>
    public Lease Rent(int slide)
    {
        Entry entry = _entries[slide];
        if (TryTake(entry))
            return new Lease(this, entry);
        // Opening takes long beside the rest, so others may use the store meanwhile; those who want this slide wait.
        lock (entry.Opening)
        {
            if (!TryTake(entry))
                Open(entry);
        }
        return new Lease(this, entry);
    }

    /// <summary>Reads a region of a slide; as <see cref="Slide.ReadRegion(int, long, long, int, int, Span{byte}, int)"/>.</summary>
    public void ReadRegion(int slide, int level, long x, long y, int width, int height, Span<byte> rgb, int stride)
    {
        using Lease lease = Rent(slide);
        lease.Slide.ReadRegion(level, x, y, width, height, rgb, stride);
    }

    /// <summary>Closes all slides; none may be lent.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (Entry entry in _open)
                entry.Slide!.Dispose();
            _open.Clear();
            _openCounted = 0;
        }
        if (_ownsRuntime)
            _runtime.Dispose();
    }

    private bool TryTake(Entry entry)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (entry.Refusal is not null)
                throw entry.Refusal;
            if (entry.Slide is null)
                return false;
            entry.Users++;
            _open.Remove(entry.Node);
            _open.AddFirst(entry.Node);
            return true;
        }
    }

    private void Open(Entry entry)
    {
        Slide slide;
        try
        {
            slide = Slide.Open(entry.Path, _reader, _runtime);
        }
        catch (SlideException refusal)
        {
            lock (_gate)
                entry.Refusal = refusal.Fault == SlideFault.NotReadable ? null : refusal;
            throw;
        }
        lock (_gate)
        {
            entry.Slide = slide;
            entry.Users = 1;
            _open.AddFirst(entry.Node);
            _openCounted += CountOf(slide);
            CloseUnused();
        }
    }

    private void Return(Entry entry)
    {
        lock (_gate)
        {
            entry.Users--;
            CloseUnused();
        }
    }

    private void CloseUnused()
    {
        for (LinkedListNode<Entry>? node = _open.Last; node is not null && _openCounted > _maxOpen && _open.Count > 1;)
        {
            LinkedListNode<Entry>? before = node.Previous;
            if (node.Value.Users == 0)
            {
                _open.Remove(node);
                _openCounted -= CountOf(node.Value.Slide!);
                node.Value.Slide!.Dispose();
                node.Value.Slide = null;
            }
            node = before;
        }
    }

    private static int CountOf(Slide slide) =>
        slide.Reader == SlideReader.OpenSlide && !OpenSlideLibrary.HasCacheControl ? CountOfUnboundedCache : 1;

    /// <summary>A slide that stays open until this is disposed, once.</summary>
    public readonly struct Lease : IDisposable
    {
        private readonly SlideStore _store;
        private readonly Entry _entry;

        internal Lease(SlideStore store, Entry entry)
        {
            _store = store;
            _entry = entry;
        }

        /// <summary>The slide; not to be used after the lease, nor disposed.</summary>
        public Slide Slide => _entry.Slide!;

        /// <summary>Gives the slide back.</summary>
        public void Dispose() => _store.Return(_entry);
    }

    internal sealed class Entry
    {
        public Entry(string path)
        {
            Path = path;
            Node = new LinkedListNode<Entry>(this);
        }

        public string Path { get; }

        public Lock Opening { get; } = new();

        public LinkedListNode<Entry> Node { get; }

        public Slide? Slide { get; set; }

        public int Users { get; set; }

        public SlideException? Refusal { get; set; }
    }
}
