using System.Runtime.InteropServices;
using SSLP.Engine.Weights;
using SSLP.Kernels;

namespace SSLP.Engine.Objective;

/// <summary>
/// A bank's rows as they are when this is made, written later and beside training: a row that changes before its turn came is kept as it
/// was. Memory: the rows that training changes while the file is written, and a block.
/// </summary>
internal sealed class BankSnapshot
{
    // A few megabytes: training waits for one block's copy at most.
    private const int BlockRows = 4096;

    private readonly MemoryBank _bank;
    private readonly int[]? _rows;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, float[]> _before = [];
    private int _next;

    /// <param name="bank">The bank; rows change only after <see cref="Keep"/>.</param>
    /// <param name="rows">Which rows, ascending; null for all.</param>
    public BankSnapshot(MemoryBank bank, int[]? rows = null) => (_bank, _rows) = (bank, rows);

    /// <summary>Rows of the snapshot.</summary>
    public int Count => _rows?.Length ?? _bank.RowCount;

    /// <summary>Called before rows change.</summary>
    public void Keep(ReadOnlySpan<int> rows)
    {
        lock (_gate)
        {
            foreach (int row in rows)
                if (IsAhead(row) && !_before.ContainsKey(row))
                    _before[row] = _bank.Row(row).ToArray();
        }
    }

    /// <summary>The rows as a float32 tensor [rows, D]; they can be written once.</summary>
    public SafetensorsItem ToItem(string name) => new(name, SafetensorsDtype.F32, [Count, _bank.Width], Emit);

    private void Emit(Stream stream)
    {
        float[] block = new float[Math.Min(BlockRows, Count) * _bank.Width];
        while (_next < Count)
        {
            int rows = Math.Min(BlockRows, Count - _next);
            lock (_gate)
            {
                for (int i = 0; i < rows; i++)
                {
                    int row = _rows?[_next + i] ?? _next + i;
                    // Taken out of the bank or of what was kept: the bank's own may be changing at this moment.
                    ReadOnlySpan<float> values = _before.Remove(row, out float[]? kept) ? kept : _bank.Row(row);
                    values.CopyTo(block.AsSpan(i * _bank.Width));
                }
                _next += rows;
            }
            stream.Write(MemoryMarshal.AsBytes(block.AsSpan(0, rows * _bank.Width)));
        }
    }

    private bool IsAhead(int row) => _rows is null ? row >= _next : Array.BinarySearch(_rows, _next, _rows.Length - _next, row) >= 0;
}
