namespace SSLP.Interop.Slides;

/// <summary>
/// Decoded tiles that patches share, up to a number of bytes; the least recently used give way. One for a the slides that share it.
/// Only tiles that a patch takes a part of come here; whole tiles are decoded to where they are wanted.
/// </summary>
/// <remarks>
/// One lock, held for a lookup only: decoding a tile takes a thousand times as long. Two threads that miss the same tile at the same time
/// both decode it.
/// After warm-up nothing is allocated: the buffer of the tile that leaves serves the one that comes.
/// </remarks>
internal sealed class TileCache
{
    /// <summary>Buffers are multiples of this, so that tiles of 240 and of 256 px can take each other's place.</summary>
    private const int Granularity = 64 << 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<TileKey, Slot> _listed = [];
    private readonly Stack<Slot> _spare = new();
    private readonly Slot _ring = new([]);
    private long _budgetBytes;
    private long _usedBytes;

    internal TileCache(long budgetBytes) => BudgetBytes = budgetBytes;

    /// <summary>Most bytes that tiles take when none is being read; each thread may hold one tile more. 0 keeps none.</summary>
    public long BudgetBytes
    {
        get => Volatile.Read(ref _budgetBytes);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            lock (_gate)
            {
                _budgetBytes = value;
                Shrink();
            }
        }
    }

    /// <summary>Bytes held now.</summary>
    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>The tile, held until <see cref="Release"/>; null where it is not here.</summary>
    internal Slot? Find(TileKey key)
    {
        lock (_gate)
        {
            if (!_listed.TryGetValue(key, out Slot? slot))
                return null;
            slot.Users++;
            slot.Unlink();
            slot.LinkAfter(_ring);
            return slot;
        }
    }

    /// <summary>A buffer to decode into, held until <see cref="Release"/>; nobody else sees it before <see cref="Publish"/>.</summary>
    internal Slot Rent(int bytes)
    {
        bytes = (bytes + Granularity - 1) / Granularity * Granularity;
        lock (_gate)
        {
            if (!_spare.TryPop(out Slot? slot))
                slot = _usedBytes + bytes > _budgetBytes ? Evict() : null;
            if (slot is not null && slot.Pixels.Length < bytes)
            {
                _usedBytes -= slot.Pixels.Length;
                slot = null;
            }
            if (slot is null)
            {
                slot = new Slot(GC.AllocateUninitializedArray<byte>(bytes));
                _usedBytes += bytes;
            }
            slot.Users = 1;
            return slot;
        }
    }

    /// <summary>Lets others find a decoded tile, unless another thread was first.</summary>
    internal void Publish(Slot slot, TileKey key)
    {
        lock (_gate)
        {
            if (!_listed.TryAdd(key, slot))
                return;
            slot.Key = key;
            slot.LinkAfter(_ring);
        }
    }

    /// <summary>Ends a <see cref="Find"/> or <see cref="Rent"/>.</summary>
    internal void Release(Slot slot)
    {
        lock (_gate)
        {
            if (--slot.Users == 0 && !slot.IsLinked)
                _spare.Push(slot);
            Shrink();
        }
    }

    private void Shrink()
    {
        while (_usedBytes > _budgetBytes && (_spare.TryPop(out Slot? slot) || (slot = Evict()) is not null))
            _usedBytes -= slot.Pixels.Length;
    }

    /// <summary>Takes the tile that was not used for longest out of the list; null where all are in use.</summary>
    private Slot? Evict()
    {
        for (Slot slot = _ring.Previous; slot != _ring; slot = slot.Previous)
        {
            if (slot.Users == 0)
            {
                slot.Unlink();
                _listed.Remove(slot.Key);
                return slot;
            }
        }
        return null;
    }

    /// <summary>A buffer and its place in the order of use (a ring through <see cref="_ring"/>, most recent next to it).</summary>
    internal sealed class Slot
    {
        public Slot(byte[] pixels)
        {
            Pixels = pixels;
            Next = Previous = this;
        }

        public byte[] Pixels { get; }

        public TileKey Key { get; set; }

        public int Users { get; set; }

        public Slot Next { get; private set; }

        public Slot Previous { get; private set; }

        public bool IsLinked => Next != this;

        public void LinkAfter(Slot other)
        {
            (Next, Previous) = (other.Next, other);
            Next.Previous = this;
            other.Next = this;
        }

        public void Unlink()
        {
            Previous.Next = Next;
            Next.Previous = Previous;
            Next = Previous = this;
        }
    }
}

/// <summary>A tile of an open image at a scale.</summary>
internal readonly record struct TileKey(long Image, int Tile, int Scale);
