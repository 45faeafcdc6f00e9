using System.Runtime.InteropServices;

namespace SSLP.Kernels;

internal sealed unsafe partial class ThreeTermStepSharded
{
    /// <summary>Buffers of one thread, which grow and stay.</summary>
    private sealed class Scratch
    {
        public ulong[] Chosen = [];
        public int[] Rows = [];
        public float[] Scores = [];
        public bool[] IsOpen = [];
        public readonly List<ulong> Taken = [];
    }

    /// <summary>Keys that each process tells of each item, and what all have told of it. The memory is kept.</summary>
    private sealed class KeyExchange(IShards shards)
    {
        private readonly List<List<ulong>> _own = [];
        private int[] _ownCounts = [], _counts = [], _starts = [], _filled = [];
        private ulong[] _flat = [], _byRank = [], _all = [];
        private int _items;

        /// <summary>What all told of an item, by rank; valid until the next <see cref="Begin"/>.</summary>
        public Span<ulong> this[int item] => _all.AsSpan(_starts[item], _starts[item + 1] - _starts[item]);

        /// <summary>Forgets what was told, and makes room for so many items.</summary>
        public void Begin(int items)
        {
            _items = items;
            while (_own.Count < items)
                _own.Add([]);
            for (int i = 0; i < items; i++)
                _own[i].Clear();
        }

        /// <summary>What this process is about to tell of an item; different items may be filled by different threads.</summary>
        public List<ulong> Own(int item) => _own[item];

        /// <summary>All tell each other.</summary>
        public void Tell()
        {
            Span<int> own = Room(ref _ownCounts, _items), counts = Room(ref _counts, _items * shards.Size);
            int length = 0;
            for (int i = 0; i < _items; i++)
                length += own[i] = _own[i].Count;
            shards.Gather<int>(own, counts);
            Span<ulong> flat = Room(ref _flat, length);
            for (int i = 0, at = 0; i < _items; at += own[i++])
                CollectionsMarshal.AsSpan(_own[i]).CopyTo(flat[at..]);
            int total = shards.Gather<ulong>(flat, ref _byRank);
            Span<int> starts = Room(ref _starts, _items + 1), filled = Room(ref _filled, _items);
            starts[0] = 0;
            for (int i = 0; i < _items; i++)
            {
                starts[i + 1] = filled[i] = starts[i];
                for (int rank = 0; rank < shards.Size; rank++)
                    starts[i + 1] += counts[rank * _items + i];
            }
            Span<ulong> all = Room(ref _all, total);
            int from = 0;
            for (int rank = 0; rank < shards.Size; rank++)
            {
                for (int i = 0; i < _items; i++)
                {
                    int count = counts[rank * _items + i];
                    _byRank.AsSpan(from, count).CopyTo(all[filled[i]..]);
                    (from, filled[i]) = (from + count, filled[i] + count);
                }
            }
        }
    }
}
