using System.Runtime.InteropServices;
using SSLP.Engine.Weights;
using SSLP.Kernels;

namespace SSLP.Engine.Objective;

/// <summary>
/// A bank's rows as they are at one moment, written later and beside training: a row that changes before its turn came is kept as it
/// was. One snapshot at a time, all in the same memory: a block, and as many rows as training ever changed while one was written.
/// </summary>
/// <param name="bank">The bank; rows change only after <see cref="Keep"/>.</param>
internal sealed class BankSnapshot(MemoryBank bank)
{
    // A few megabytes: training waits for one block's copy at most.
    private const int BlockRows = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, int> _placeOf = []; // of a row that is kept, in the blocks
    private readonly List<float[]> _kept = [];
    private float[] _block = [];
    private int[] _rows = [];
    private bool _isWhole;
    private int _places, _next;

    /// <summary>Rows of the snapshot.</summary>
    public int Count { get; private set; }

    /// <summary>Which rows, ascending, where it is not of all.</summary>
    public ReadOnlyMemory<int> Rows => _rows.AsMemory(0, _isWhole ? 0 : Count);

    /// <summary>Begins one of all rows; the one before has been written.</summary>
    public void Take()
    {
        lock (_gate)
            Begin(bank.RowCount, isWhole: true);
    }

    /// <summary>Begins one of the rows that changed; the one before has been written.</summary>
    public void Take(ChangedRows changed)
    {
        lock (_gate)
        {
            if (_rows.Length < changed.Count)
                _rows = new int[Math.Max(changed.Count, bank.RowCount / 2)]; // more rows than half are written whole
            changed.CopyTo(_rows);
            Begin(changed.Count, isWhole: false);
        }
    }

    /// <summary>Called before rows change.</summary>
    public void Keep(ReadOnlySpan<int> rows)
    {
        lock (_gate)
        {
            foreach (int row in rows)
                if (IsAhead(row) && _placeOf.TryAdd(row, _places))
                {
                    if (_places / BlockRows == _kept.Count)
                        _kept.Add(new float[Math.Min(BlockRows, bank.RowCount) * bank.Width]);
                    bank.Row(row).CopyTo(KeptAt(_places++));
                }
        }
    }

    /// <summary>The rows as a float32 tensor [rows, D]; they can be written once.</summary>
    public SafetensorsItem ToItem(string name) => new(name, SafetensorsDtype.F32, [Count, bank.Width], Emit);

    private void Begin(int count, bool isWhole)
    {
        (Count, _isWhole, _places, _next) = (count, isWhole, 0, 0);
        _placeOf.Clear();
    }

    private void Emit(Stream stream)
    {
        int most = Math.Min(BlockRows, Count) * bank.Width;
        if (_block.Length < most)
            _block = new float[most];
        while (_next < Count)
        {
            int rows = Math.Min(BlockRows, Count - _next);
            lock (_gate)
            {
                for (int i = 0; i < rows; i++)
                {
                    int row = _isWhole ? _next + i : _rows[_next + i];
                    // Taken out of the bank or of what was kept: the bank's own may be changing at this moment.
                    ReadOnlySpan<float> values = _placeOf.Remove(row, out int place) ? KeptAt(place) : bank.Row(row);
                    values.CopyTo(_block.AsSpan(i * bank.Width));
                }
                _next += rows;
            }
            stream.Write(MemoryMarshal.AsBytes(_block.AsSpan(0, rows * bank.Width)));
        }
    }

    private Span<float> KeptAt(int place) => _kept[place / BlockRows].AsSpan(place % BlockRows * bank.Width, bank.Width);

    private bool IsAhead(int row) => _isWhole ? row >= _next : Array.BinarySearch(_rows, _next, Count - _next, row) >= 0;
}
