using System.Numerics;

namespace SSLP.Engine.Objective;

/// <summary>Which rows of a bank changed since the last checkpoint that held it whole: a bit a row.</summary>
internal sealed class ChangedRows(int rows)
{
    private readonly ulong[] _bits = new ulong[(rows + 63) / 64];

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    public void Add(ReadOnlySpan<int> changed)
    {
        foreach (int row in changed)
        {
            ulong bit = 1UL << (row & 63);
            if ((_bits[row >> 6] & bit) == 0)
                Count++;
            _bits[row >> 6] |= bit;
        }
    }

    public void Clear()
    {
        Array.Clear(_bits);
        Count = 0;
    }

    /// <summary>Their numbers, ascending.</summary>
    /// <param name="rows">Takes <see cref="Count"/> of them.</param>
    public void CopyTo(Span<int> rows)
    {
        int next = 0;
        for (int word = 0; word < _bits.Length; word++)
            for (ulong left = _bits[word]; left != 0; left &= left - 1)
                rows[next++] = (word << 6) + BitOperations.TrailingZeroCount(left);
    }
}
