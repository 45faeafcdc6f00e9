using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using SSLP.Data.Files;

namespace SSLP.Engine.Processes;

/// <summary>
/// The processes of one run, started by mpirun or srun. All of them call the same functions in the same order, from one thread at a time.
/// What is said to be the same everywhere is so to the last bit.
/// </summary>
public sealed unsafe partial class ProcessGroup : IDisposable
{
    private const int MostAtOnce = 1 << 28; // values of 4 bytes: 1 GB

    private readonly MpiLibrary _mpi;
    private bool _ended;

    private ProcessGroup(MpiLibrary mpi)
    {
        (_mpi, Rank, Size) = (mpi, mpi.Rank(), mpi.Size());
        (_lengths, _bytes, _starts) = (new int[Size], new int[Size], new int[Size]);
        Library = mpi.Version;
        ulong[] machines = Gather([HashOf<char>(Environment.MachineName)]);
        Place = machines.AsSpan(0, Rank).Count(machines[Rank]);
    }

    /// <summary>This process's number, from 0.</summary>
    public int Rank { get; }

    /// <summary>How many there are.</summary>
    public int Size { get; }

    /// <summary>The one that writes the run.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>The library, by its own words, and what sums gradients where that is another one.</summary>
    public string Library { get; private set; }

    /// <summary>Bytes that this process has given and taken: 8 a gradient (its own up, the sum down), and what all gather.</summary>
    public long Bytes { get; private set; }

    /// <summary>Time in these functions: of the slowest process the least, since the others wait for it.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Every process ends, of itself and for one reason: none has to be ended.</summary>
    public bool IsEnding { get; set; }

    /// <summary>Joins the processes that were started with this one.</summary>
    /// <param name="library">Path of the MPI library, or null for the usual ones.</param>
    /// <param name="openMpi">Whether Open MPI is looked for before MPICH.</param>
    /// <exception cref="Fault">There is no MPI library that loads.</exception>
    public static ProcessGroup Join(string? library, bool openMpi)
    {
        var mpi = MpiLibrary.Load(library, openMpi);
        mpi.Begin();
        return new ProcessGroup(mpi);
    }

    /// <summary>The values of all processes, in the order of their ranks; each gives as many.</summary>
    public T[] Gather<T>(ReadOnlySpan<T> own)
        where T : unmanaged
    {
        var all = new T[own.Length * Size];
        int bytes = checked(own.Length * sizeof(T));
        using (new Waiting(this))
            fixed (T* from = own, to = all)
                _mpi.Gather(from, bytes, to);
        Bytes += (long)bytes * (Size + 1);
        return all;
    }

    /// <summary>Whether it is so in any process.</summary>
    public bool Any(bool here) => Gather([(byte)(here ? 1 : 0)]).Contains((byte)1);

    /// <summary>Returns when all have come.</summary>
    public void Barrier()
    {
        using (new Waiting(this))
            _mpi.Barrier();
    }

    /// <summary>Ends all processes where one cannot go on: the others would wait for it for ever.</summary>
    public void Abort(int code)
    {
        _ended = true;
        // Not NCCL first, which may wait for a process that is gone: MPI ends this one, too.
        _mpi.Abort(code);
    }

    /// <summary>Leaves, when all others do.</summary>
    public void Dispose()
    {
        Forget();
        if (_ended)
            return;
        _ended = true;
        _nccl?.Dispose();
        _mpi.End();
    }

    /// <summary>By which processes tell whether they have the same: the first eight bytes of SHA-256.</summary>
    internal static ulong HashOf<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(values), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    /// <summary>Sums over the processes, in place, no more at once than a call takes.</summary>
    private void Sum(float* values, long count)
    {
        using (new Waiting(this))
            for (long done = 0; done < count; done += MostAtOnce)
                _mpi.Sum(values + done, (int)Math.Min(MostAtOnce, count - done), IsFirst);
        Bytes += 2 * count * sizeof(float);
    }

    /// <summary>Adds to <see cref="Waited"/> from here to its disposal.</summary>
    private readonly ref struct Waiting(ProcessGroup group)
    {
        private readonly long _since = Stopwatch.GetTimestamp();

        public void Dispose() => group.Waited += Stopwatch.GetElapsedTime(_since);
    }
}
