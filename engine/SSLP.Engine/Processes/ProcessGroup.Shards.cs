using SSLP.Data.Files;
using SSLP.Kernels;

namespace SSLP.Engine.Processes;

// The processes as holders of a bank's parts. Called some ten times a step: nothing is allocated but where the caller's buffer grows.
public sealed unsafe partial class ProcessGroup : IShards
{
    private readonly int[] _lengths, _bytes, _starts; // one a process

    void IShards.Sum(Span<float> values)
    {
        fixed (float* all = values)
            Sum(all, values.Length);
    }

    void IShards.Sum(Span<int> values)
    {
        using (new Waiting(this))
            fixed (int* all = values)
                for (int done = 0; done < values.Length; done += MostAtOnce)
                    _mpi.Sum(all + done, Math.Min(MostAtOnce, values.Length - done), IsFirst);
        Bytes += 2L * values.Length * sizeof(int);
    }

    void IShards.Broadcast(Span<float> values, int from)
    {
        using (new Waiting(this))
            fixed (float* all = values)
                for (int done = 0; done < values.Length; done += MostAtOnce)
                    _mpi.Broadcast(all + done, Math.Min(MostAtOnce, values.Length - done) * sizeof(float), from);
        Bytes += (long)values.Length * sizeof(float);
    }

    int IShards.Gather<T>(ReadOnlySpan<T> own, ref T[] all)
    {
        long total = GatherLengths(own.Length);
        if (all.Length < total)
            all = new T[Math.Max(total, Math.Min(2L * all.Length, Array.MaxLength))];
        Gather(own, all.AsSpan(0, (int)total));
        return (int)total;
    }

    void IShards.Gather<T>(ReadOnlySpan<T> own, Span<T> all)
    {
        GatherLengths(own.Length);
        Gather(own, all);
    }

    /// <summary>How many values each process has, into <see cref="_lengths"/>.</summary>
    /// <returns>How many all have.</returns>
    private long GatherLengths(int own)
    {
        using (new Waiting(this))
            fixed (int* all = _lengths)
                _mpi.Gather(&own, sizeof(int), all);
        Bytes += sizeof(int) * (Size + 1L);
        long total = 0;
        foreach (int length in _lengths)
            total += length;
        return total;
    }

    /// <summary>The values of all, of each as many as <see cref="_lengths"/> says.</summary>
    private void Gather<T>(ReadOnlySpan<T> own, Span<T> all)
        where T : unmanaged
    {
        long total = 0;
        for (int rank = 0; rank < Size; rank++)
        {
            long bytes = (long)_lengths[rank] * sizeof(T);
            if (total + bytes > int.MaxValue)
                throw new Fault(FaultKind.Space,
                    $"The processes would tell each other more than 2 GB at once ({total + bytes:N0} bytes of {rank + 1} of them): a " +
                    $"smaller batch_size, or fewer negatives.");
            (_starts[rank], _bytes[rank]) = ((int)total, (int)bytes);
            total += bytes;
        }
        using (new Waiting(this))
            fixed (T* from = own, to = all)
            fixed (int* bytes = _bytes, starts = _starts)
                _mpi.Gather(from, _bytes[Rank], to, bytes, starts);
        Bytes += _bytes[Rank] + total;
    }
}
