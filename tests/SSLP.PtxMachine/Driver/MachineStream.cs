namespace SSLP.PtxMachine.Driver;

/// <summary>Work in order, done when something asks for it.</summary>
internal sealed class MachineStream
{
    private readonly Queue<Action> _work = new();

    /// <summary>How many pieces of work were enqueued.</summary>
    public long Enqueued { get; private set; }

    /// <summary>How many are done.</summary>
    public long Done { get; private set; }

    public void Enqueue(Action work)
    {
        _work.Enqueue(work);
        Enqueued++;
    }

    /// <summary>Does the work up to a piece, which another stream or the host waits for.</summary>
    public void Do(long until)
    {
        while (Done < until && _work.TryDequeue(out Action? work))
        {
            Done++;
            work();
        }
    }

    public void DoAll() => Do(long.MaxValue);
}

/// <summary>A mark in a stream; one that was never recorded has passed.</summary>
internal sealed class MachineEvent
{
    private MachineStream? _stream;
    private long _place;

    public bool HasPassed => _stream is null || _stream.Done >= _place;

    public void Record(MachineStream stream)
    {
        stream.Enqueue(() => { }); // the mark itself, which no stream has passed before it gets there
        (_stream, _place) = (stream, stream.Enqueued);
    }

    /// <summary>What waits for this record, whatever is recorded later.</summary>
    public Action Waiter()
    {
        (MachineStream? stream, long place) = (_stream, _place);
        return () => stream?.Do(place);
    }
}
