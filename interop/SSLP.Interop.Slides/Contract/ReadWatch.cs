namespace SSLP.Interop.Slides;

/// <summary>What a thread does that reads patches.</summary>
public enum ReadStage
{
    /// <summary>A patch, from the call to its pixels; what is not <see cref="Decode"/> within it is reading files and copying.</summary>
    Read,

    /// <summary>A stream becomes pixels. Of what OpenSlide or an image file gives, reading is in it, for nothing tells the two
    /// apart.</summary>
    Decode,
}

/// <summary>Is told the stages of reading, from many threads at once: on each of them they nest.</summary>
public interface IReadWatch
{
    /// <summary>A stage begins on this thread.</summary>
    /// <param name="stage">Which.</param>
    /// <param name="bytes">Of the pixels that it gives.</param>
    /// <returns>What <see cref="End"/> is to be given.</returns>
    long Begin(ReadStage stage, long bytes);

    /// <summary>The stage that began last on this thread is over.</summary>
    void End(ReadStage stage, long begun, long bytes);
}

/// <summary>A stage from here to its disposal. With nobody watching it is one comparison at either end, and nothing is allocated.</summary>
public readonly ref struct ReadRange : IDisposable
{
    private readonly IReadWatch? _watch;
    private readonly ReadStage _stage;
    private readonly long _begun, _bytes;

    /// <param name="watch">Who is told; null: nobody.</param>
    /// <param name="stage">Which stage.</param>
    /// <param name="bytes">Of the pixels that it gives.</param>
    public ReadRange(IReadWatch? watch, ReadStage stage, long bytes)
    {
        _watch = watch;
        if (watch is null)
            return;
        (_stage, _bytes) = (stage, bytes);
        _begun = watch.Begin(stage, bytes);
    }

    /// <summary>The stage is over.</summary>
    public void Dispose() => _watch?.End(_stage, _begun, _bytes);
}
