using SSLP.Data.Files;
using SSLP.Kernels;

namespace SSLP.Engine.Processes;

// The processes as holders of a bank's parts.
public sealed unsafe partial class ProcessGroup : IShards
{
    void IShards.Sum(Span<float> values)
    {
        fixed (float* all = values)
            InPieces((nint)all, values.Length, (at, length) => _mpi.Sum((float*)at, length, IsFirst));
        Bytes += 2L * values.Length * sizeof(float);
    }

    void IShards.Sum(Span<int> values)
    {
        fixed (int* all = values)
            InPieces((nint)all, values.Length, (at, length) => _mpi.Sum((int*)at, length, IsFirst));
        Bytes += 2L * values.Length * sizeof(int);
    }

    void IShards.Broadcast(Span<float> values, int from)
    {
        fixed (float* all = values)
            InPieces((nint)all, values.Length, (at, length) => _mpi.Broadcast((void*)at, length * sizeof(float), from));
        Bytes += (long)values.Length * sizeof(float);
    }

    T[] IShards.Gather<T>(ReadOnlySpan<T> own)
    {
        int[] counts = Gather([own.Length]);
        var all = new T[counts.Sum(count => (long)count)];
        Gather(own, all, counts);
        return all;
    }

    void IShards.Gather<T>(ReadOnlySpan<T> own, Span<T> all) => Gather(own, all, Gather([own.Length]));

    private void Gather<T>(ReadOnlySpan<T> own, Span<T> all, int[] counts)
        where T : unmanaged
    {
        if (counts.Sum(count => (long)count) * sizeof(T) > int.MaxValue)
            throw new Fault(FaultKind.Space,
                $"The processes would tell each other more than 2 GB at once ({counts.Sum(count => (long)count) * sizeof(T):N0} bytes): " +
                $"a smaller batch_size, or fewer negatives.");
        int[] bytes = [.. counts.Select(count => count * sizeof(T))], starts = new int[counts.Length];
        for (int rank = 1; rank < starts.Length; rank++)
            starts[rank] = starts[rank - 1] + bytes[rank - 1];
        fixed (T* from = own)
        fixed (T* to = all)
        fixed (int* b = bytes)
        fixed (int* s = starts)
        {
            (nint a, nint c, nint d, nint e) = ((nint)from, (nint)to, (nint)b, (nint)s);
            Timed(() => _mpi.Gather((void*)a, bytes[Rank], (void*)c, (int*)d, (int*)e));
        }
        Bytes += bytes[Rank] + bytes.Sum(b => (long)b);
    }
}
