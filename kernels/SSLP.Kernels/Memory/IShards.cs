namespace SSLP.Kernels;

/// <summary>
/// The processes that hold a part of one bank each, and what they tell each other. All of them call the same functions in the same order;
/// what one of these gives is the same everywhere to the last bit. Rows are shared out in their order: <see cref="ShardRows"/>.
/// </summary>
internal interface IShards
{
    /// <summary>This process's number, from 0.</summary>
    int Rank { get; }

    /// <summary>How many there are.</summary>
    int Size { get; }

    /// <summary>Sums over the processes, in place. A value that all but one leave at 0 stays what it is.</summary>
    void Sum(Span<float> values);

    /// <inheritdoc cref="Sum(Span{float})"/>
    void Sum(Span<int> values);

    /// <summary>One process's values for all.</summary>
    void Broadcast(Span<float> values, int from);

    /// <summary>The values of all, by rank; each may give another number of them.</summary>
    /// <param name="own">This process's.</param>
    /// <param name="all">Takes them; another one where it is too small.</param>
    /// <returns>How many they are.</returns>
    int Gather<T>(ReadOnlySpan<T> own, ref T[] all)
        where T : unmanaged;

    /// <summary>The same into memory of the caller's that holds as many as all give together.</summary>
    void Gather<T>(ReadOnlySpan<T> own, Span<T> all)
        where T : unmanaged;
}

/// <summary>Which rows a process holds: as many as the next one, to one row.</summary>
internal static class ShardRows
{
    /// <summary>The first row of a process; that of the process after the last is N.</summary>
    public static int First(int rows, int rank, int size) => (int)((long)rows * rank / size);

    /// <summary>How many rows a process holds.</summary>
    public static int Count(int rows, int rank, int size) => First(rows, rank + 1, size) - First(rows, rank, size);
}

/// <summary>One process with all rows.</summary>
internal sealed class OneShard : IShards
{
    /// <summary>It has no state.</summary>
    public static readonly OneShard Instance = new();

    public int Rank => 0;

    public int Size => 1;

    public void Sum(Span<float> values)
    {
    }

    public void Sum(Span<int> values)
    {
    }

    public void Broadcast(Span<float> values, int from)
    {
    }

    public int Gather<T>(ReadOnlySpan<T> own, ref T[] all)
        where T : unmanaged
    {
        if (all.Length < own.Length)
            all = new T[Math.Max(own.Length, 2 * all.Length)];
        own.CopyTo(all);
        return own.Length;
    }

    public void Gather<T>(ReadOnlySpan<T> own, Span<T> all)
        where T : unmanaged => own.CopyTo(all);
}
