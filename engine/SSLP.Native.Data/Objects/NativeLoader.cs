using SSLP.Data.Files;
using SSLP.Data.Loading;

namespace SSLP.Native;

/// <summary>Batches of patches in the order that training takes them, lent to the host.</summary>
internal sealed unsafe class NativeLoader : NativeObject
{
    private readonly NativePatches _patches;
    private readonly PatchOrder _order;
    private readonly ReplacingReader _reader;
    private readonly int _slots, _threads;
    private readonly List<Lending> _rings = [];

    private CancellationTokenSource _stop = new();
    private int _left, _opened;
    private long _told;

    public NativeLoader(NativePatches patches, SslpLoaderOptions options)
        : base("loader", isExclusive: true, patches)
    {
        _patches = patches;
        if (options.Slots is < 2 or > ReplacingReader.Lag)
            throw new MisuseException(Status.Usage, $"slots is {options.Slots}; a ring takes 2 to {ReplacingReader.Lag} batches.");
        if (options.BatchSize < 1 || options.WindowRuns < 1 || options.RunLength < 0 || options.Threads < 0)
            throw new MisuseException(Status.Usage,
                $"batch_size {options.BatchSize} and window_runs {options.WindowRuns} must be 1 or more, run_length"
                + $" {options.RunLength} and threads {options.Threads} 0 or more.");
        int run = options.RunLength > 0 ? options.RunLength : patches.Source.IsCheapAtRandom ? 1 : 16;
        _order = new(patches.Source.Table, new OrderOptions(run, options.WindowRuns, options.BalanceSlides != 0), options.Seed,
            options.BatchSize);
        _reader = new(patches.Source, options.Seed);
        (_slots, _threads) = (options.Slots, options.Threads > 0 ? options.Threads : patches.Context.Threads);
        OpenRing();
    }

    public NativeContext Context => _patches.Context;

    public int BatchSize => _order.BatchSize;

    public int BatchesPerEpoch => _order.BatchesPerEpoch;

    public int PatchSize => _patches.Source.PatchSize;

    public int Slots => _slots;

    /// <summary>Batches of the running epoch that the host has.</summary>
    public int Lent
    {
        get
        {
            lock (_rings)
                return Ring.Out;
        }
    }

    public long Replaced => _reader.Replaced;

    public IReadOnlyList<SlideFaults> Faults => _reader.Report();

    private Lending Ring => _rings[^1];

    /// <summary>
    /// Begins an epoch at a batch. Batches of the one before may be lent still: they lie in memory of their own until they are back.
    /// </summary>
    /// <exception cref="MisuseException">No such batch, or the epoch before has some left.</exception>
    public void Start(int epoch, int firstBatch)
    {
        if (epoch < 0 || firstBatch < 0 || firstBatch >= BatchesPerEpoch)
            throw new MisuseException(Status.Usage,
                $"Batch {firstBatch} of epoch {epoch} is none: an epoch has batches 0 to {BatchesPerEpoch - 1}.");
        if (Ring.Out > 0 || _left > 0)
        {
            Ring.Close();
            OpenRing();
        }
        lock (_rings)
            _rings.RemoveAll(ring => ring != Ring && ring.Out == 0);
        Ring.Start(_order.Epoch(epoch), firstBatch, BatchesPerEpoch, (long)epoch * BatchesPerEpoch);
        _left = BatchesPerEpoch - firstBatch;
    }

    /// <summary>Lends the next batch; waits until it is full.</summary>
    /// <returns>False at the end of the epoch.</returns>
    /// <exception cref="MisuseException">Every slot is lent: the wait would not end.</exception>
    public bool Next(SslpBatch* batch)
    {
        if (_left == 0)
            return false;
        if (Ring.IsFull)
            throw new MisuseException(Status.Busy, $"All {_slots} slots are lent: give a batch back before the next is taken.");
        try
        {
            Ring.Next(batch, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            _stop = new();
            throw new Fault(FaultKind.Stopped, "Waiting for a batch was cancelled; the next call waits for the same one.");
        }
        _left--;
        Tell();
        return true;
    }

    /// <exception cref="MisuseException">It is none of this loader's that is lent.</exception>
    public void GiveBack(long token) => RingOf(token).GiveBack(token);

    /// <inheritdoc cref="Lending.Upload"/>
    public void Upload(SslpBatch* batch, nint stream) => batch->DevicePixels = RingOf(batch->Token).Upload(batch->Token, stream);

    /// <inheritdoc cref="Lending.ToDlPack"/>
    public DlManagedTensor* ToDlPack(SslpBatch* batch) => RingOf(batch->Token).ToDlPack(batch->Token, batch->Pixels);

    public override void Cancel() => _stop.Cancel();

    public override void Dispose()
    {
        foreach (Lending ring in _rings)
            ring.Close();
    }

    private void OpenRing()
    {
        lock (_rings)
            _rings.Add(new(_opened++, _reader, Context, PatchSize, BatchSize, _slots, _threads));
    }

    private Lending RingOf(long token)
    {
        lock (_rings)
            return _rings.Find(ring => ring.Number == token >> 32) ?? throw new MisuseException(Status.Handle,
                "The batch is none that this loader has lent.");
    }

    /// <summary>Patches that did not read since the last batch, to the host's log.</summary>
    private void Tell()
    {
        if (_reader.Replaced == _told)
            return;
        _told = _reader.Replaced;
        foreach (SlideFaults fault in _reader.Report())
            Context.Warn($"{fault.Slide}: {fault.Failed} patches did not"
                + $" read{(fault.Quarantined ? " and the slide is read no more" : "")}: {fault.FirstReason}");
    }
}
