using System.Runtime.InteropServices;

namespace SSLP.Kernels;

/// <summary>
/// Which bank rows agree with a row in all R clusterings. "Equal labels in every run" is an equivalence, so the R runs make one
/// finer partition of the bank; the members of a row's class are a slice of a sorted list, and no label is compared in a step.
/// </summary>
/// <remarks>Memory: <see cref="BytesFor"/>; building takes 8·N more. Immutable: made anew when the labels change.</remarks>
public sealed class ClusterAgreement
{
    private readonly int[] _class;    // [N]
    private readonly int[] _start;    // [classes + 1]
    private readonly int[] _members;  // [N]: rows by class, ascending within a class

    /// <param name="labels">c [R, N], run after run: the label of row j in run r at r·N + j. Any integers.</param>
    /// <param name="rows">N.</param>
    /// <exception cref="ArgumentException">The labels are not a positive whole number of runs.</exception>
    public ClusterAgreement(ReadOnlySpan<int> labels, int rows)
    {
        if (rows < 1 || labels.Length < rows || labels.Length % rows != 0)
            throw new ArgumentException($"{labels.Length} cluster labels are not one or more runs over {rows} bank rows.");
        _members = new int[rows];
        _class = new int[rows];
        for (int j = 0; j < rows; j++)
            _members[j] = j;
        // Native: 8·N bytes that are needed no longer would stay with the process until the collector came by.
        using var memory = new AlignedBuffer<long>(rows);
        Span<long> keys = memory.Span(0, rows);
        int classes = 1;
        for (int start = 0; start < labels.Length; start += rows)
            classes = Refine(labels.Slice(start, rows), keys);
        _start = new int[classes + 1];
        foreach (int c in _class)
            _start[c + 1]++;
        for (int c = 0; c < classes; c++)
            _start[c + 1] += _start[c];
        Span<int> next = MemoryMarshal.Cast<long, int>(keys)[..classes]; // sorted, the keys have said what they had to
        _start.AsSpan(0, classes).CopyTo(next);
        for (int j = 0; j < rows; j++)
            _members[next[_class[j]]++] = j;
    }

    /// <summary>Bytes that are held: 8·N, and 4 a class and one more.</summary>
    internal static long BytesFor(long rows, long classes) => 8 * rows + 4 * (classes + 1);

    /// <summary>Number of different label tuples.</summary>
    public int Classes => _start.Length - 1;

    /// <summary>N.</summary>
    public int Rows => _class.Length;

    /// <summary>[N] the class of each row.</summary>
    internal ReadOnlySpan<int> ClassOf => _class;

    /// <summary>[classes + 1] where the members of each class begin.</summary>
    internal ReadOnlySpan<int> ClassStart => _start;

    /// <summary>All rows with the labels of <paramref name="row"/>, itself among them, ascending.</summary>
    public ReadOnlySpan<int> Members(int row)
    {
        int c = _class[row];
        return _members.AsSpan(_start[c], _start[c + 1] - _start[c]);
    }

    /// <summary>Every row in a class of its own: the state before the first clustering, when F is empty.</summary>
    public static ClusterAgreement None(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        int[] each = [.. Enumerable.Range(0, rows)];
        return new ClusterAgreement(each, [.. Enumerable.Range(0, rows + 1)], each);
    }

    private ClusterAgreement(int[] classOf, int[] start, int[] members) => (_class, _start, _members) = (classOf, start, members);

    /// <summary>Splits the classes by one more run: sorts (class, label) pairs and numbers the distinct ones.</summary>
    private int Refine(ReadOnlySpan<int> labels, Span<long> keys)
    {
        for (int i = 0; i < keys.Length; i++)
            keys[i] = (long)_class[_members[i]] << 32 | (uint)labels[_members[i]];
        keys.Sort(_members.AsSpan());
        int classes = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            if (i == 0 || keys[i] != keys[i - 1])
                classes++;
            _class[_members[i]] = classes - 1;
        }
        return classes;
    }
}
