using System.Diagnostics;
using System.Runtime.ExceptionServices;
using SSLP.Data.Patches;
using SSLP.Interop.Slides;

namespace SSLP.Data.Loading;

/// <summary>A full batch, lent by the ring until it is given back.</summary>
/// <param name="Index">Number of the batch within its epoch.</param>
/// <param name="Pixels">B patches, HWC RGB, one after the other, in memory of the ring.</param>
/// <param name="Patches">Ids of what the pixels show (a bad patch has been replaced), in memory of the ring.</param>
public readonly record struct PatchBatch(int Index, nint Pixels, ReadOnlyMemory<int> Patches);

/// <summary>
/// From patches to full batches: worker threads read and decode into slots that were allocated once; the consumer takes them in order.
/// A slot is filled only after it was given back (back-pressure). Nothing is allocated or copied for a batch.
/// </summary>
public sealed unsafe class BatchRing : IDisposable
{
    // Patches a worker takes at a time: few enough that the last batch is shared out, enough that neighbours share decoded tiles.
    private const int Grain = 4;

    private const int Idle = -1;

    private readonly IBatchReader _reader;
    private readonly BatchMemory _memory;
    private readonly Thread[] _workers;
    private readonly object _gate = new();
    private readonly int _batchSize, _patchBytes;
    private readonly int[][] _ids;
    private readonly int[] _unread;

    private int[] _order = [];
    // The patch that each worker reads.
    private readonly int[] _reading;
    private long _next, _end, _released, _delivered, _before;
    private Exception? _failure;
    private bool _stopped;

    /// <param name="reader">Reads patches; used from all workers at once.</param>
    /// <param name="patchSize">P, side of the patches, px.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="slots">Batches in memory at once, at least 2: one in use, the others being filled.</param>
    /// <param name="workers">Reading threads, at least 1.</param>
    /// <param name="memory">Where the slots lie, <paramref name="slots"/> × B × patch bytes; owned from here on.</param>
    public BatchRing(IBatchReader reader, int patchSize, int batchSize, int slots, int workers, BatchMemory memory)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        (_reader, _batchSize, _memory) = (reader, batchSize, memory);
        _patchBytes = patchSize * patchSize * 3;
        if (memory.Bytes < BytesFor(patchSize, batchSize, slots))
            throw new ArgumentException($"The ring takes {BytesFor(patchSize, batchSize, slots)} bytes; {memory.Bytes} were given.",
                nameof(memory));
        _ids = [.. Enumerable.Range(0, slots).Select(_ => new int[batchSize])];
        _unread = new int[slots];
        _reading = new int[workers];
        _reading.AsSpan().Fill(Idle);
        _workers = [.. Enumerable.Range(0, workers)
            .Select(w => new Thread(() => Work(w)) { IsBackground = true, Name = $"patch reader {w}" })];
        foreach (Thread worker in _workers)
            worker.Start();
    }

    /// <summary>Told the patches that are being read where the consumer has waited for <see cref="StallAfter"/>, once a wait: a mount that
    /// stalls gives no error.</summary>
    public Action<IReadOnlyList<int>>? Stalled { get; set; }

    /// <summary>See <see cref="Stalled"/>. Default a minute.</summary>
    public TimeSpan StallAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Is told of every patch that is read; null: nobody.</summary>
    public IReadWatch? Watch { get; init; }

    /// <summary>How long <see cref="Dispose"/> waits for a read that does not return. Default 10 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time the consumer has spent waiting in <see cref="Next"/>: what data_wait is computed from.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Bytes of the slots: slots × B × patch bytes.</summary>
    public static long BytesFor(int patchSize, int batchSize, int slots) => (long)slots * batchSize * patchSize * patchSize * 3;

    /// <summary>Begins an epoch at a batch. Every batch of the epoch before must have been given back.</summary>
    /// <param name="order">Patch ids; batch b is ids [b·B, (b+1)·B).</param>
    /// <param name="firstBatch">Batches before this one are not read.</param>
    /// <param name="batches">Number of batches of the epoch.</param>
    /// <param name="before">Batches of the epochs before: what the reader counts on from.</param>
    public void Start(int[] order, int firstBatch, int batches, long before = 0)
    {
        if ((long)batches * _batchSize > order.Length)
            throw new ArgumentException($"{batches} batches of {_batchSize} take more than the {order.Length} patches given.",
                nameof(order));
        lock (_gate)
        {
            if (_delivered != _released || _next < _end)
                throw new InvalidOperationException("The epoch before is not finished.");
            _order = order;
            _before = before;
            _delivered = _released = firstBatch;
            _next = (long)firstBatch * _batchSize;
            _end = (long)batches * _batchSize;
            _unread.AsSpan().Fill(_batchSize);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The next batch in order; waits until it is full.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled while waiting.</exception>
    /// <exception cref="PatchReadException">A patch did not read and nothing could stand in for it.</exception>
    public PatchBatch Next(CancellationToken cancel)
    {
        using CancellationTokenRegistration wake = cancel.UnsafeRegister(static ring => ((BatchRing)ring!).Wake(), this);
        PatchBatch batch = WaitForNext(cancel);
        _reader.Delivered(_before + batch.Index);
        return batch;
    }

    private PatchBatch WaitForNext(CancellationToken cancel)
    {
        lock (_gate)
        {
            int slot = (int)(_delivered % _ids.Length);
            long since = Stopwatch.GetTimestamp();
            bool told = false;
            while (_unread[slot] > 0)
            {
                if (_failure is not null)
                    ExceptionDispatchInfo.Throw(_failure);
                cancel.ThrowIfCancellationRequested();
                ObjectDisposedException.ThrowIf(_stopped, this);
                Monitor.Wait(_gate, StallAfter);
                if (!told && Stalled is not null && Stopwatch.GetElapsedTime(since) >= StallAfter)
                {
                    told = true;
                    Stalled([.. _reading.Where(patch => patch != Idle)]);
                }
            }
            Waited += Stopwatch.GetElapsedTime(since);
            long index = _delivered++;
            return new PatchBatch((int)index, _memory.Pointer + (nint)((long)slot * _batchSize * _patchBytes), _ids[slot]);
        }
    }

    /// <summary>Gives the oldest lent batch back; its slot is filled anew.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (_released == _delivered)
                throw new InvalidOperationException("No batch is lent.");
            _unread[_released % _ids.Length] = _batchSize;
            _released++;
            Monitor.PulseAll(_gate);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
        // A thread in a read that never returns cannot be ended, and still writes where it was told to: then the slots stay.
        long since = Stopwatch.GetTimestamp();
        bool ended = true;
        foreach (Thread worker in _workers)
            ended &= worker.Join(TimeSpan.FromTicks(Math.Max(0, (Patience - Stopwatch.GetElapsedTime(since)).Ticks)));
        if (ended)
            _memory.Dispose();
    }

    private void Wake()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    private void Work(int worker)
    {
        try
        {
            while (Take(out long first, out int count))
                Fill(first, count, ref _reading[worker]);
        }
        catch (Exception failure)
        {
            lock (_gate)
            {
                _failure ??= failure;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Claims the next patches of one batch whose slot is free; false when the ring is being closed.</summary>
    private bool Take(out long first, out int count)
    {
        lock (_gate)
        {
            while (!_stopped && (_next >= _end || _next / _batchSize >= _released + _ids.Length))
                Monitor.Wait(_gate);
            first = _next;
            count = (int)Math.Min(Grain, _batchSize - _next % _batchSize);
            _next += count;
            return !_stopped;
        }
    }

    private void Fill(long first, int count, ref int reading)
    {
        int slot = (int)(first / _batchSize % _ids.Length);
        for (long i = first; i < first + count; i++)
        {
            int item = (int)(i % _batchSize);
            byte* pixels = (byte*)_memory.Pointer + ((long)slot * _batchSize + item) * _patchBytes;
            reading = _order[i];
            using var range = new ReadRange(Watch, ReadStage.Read, _patchBytes);
            _ids[slot][item] = _reader.Read(_order[i], _before + i / _batchSize, new Span<byte>(pixels, _patchBytes));
        }
        reading = Idle;
        lock (_gate)
        {
            _unread[slot] -= count;
            if (_unread[slot] == 0)
                Monitor.PulseAll(_gate);
        }
    }
}
