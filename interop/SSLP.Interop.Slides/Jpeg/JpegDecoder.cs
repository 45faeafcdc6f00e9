namespace SSLP.Interop.Slides.Jpeg;

/// <summary>A JPEG decoder for one thread.</summary>
internal abstract class JpegDecoder
{
    /// <summary>Forces a decoder: turbojpeg, own or skia.</summary>
    private const string Variable = "SSLP_JPEG";

    [ThreadStatic]
    private static JpegDecoder? ofThread;

    private byte[] _withoutGaps = [];

    /// <summary>The decoder of the calling thread: the machine's libjpeg-turbo; else our own on AVX2; else the one that a package brings. SSLP_JPEG forces one.</summary>
    public static JpegDecoder OfThread => ofThread ??= Create();

    /// <summary>Its name, for reports.</summary>
    public abstract string Name { get; }

    /// <summary>Decodes a whole JPEG stream to RGB, at its own size or at half of it.</summary>
    /// <param name="jpeg">The stream, colour space stated by a marker.</param>
    /// <param name="width">Columns: as many as the stream's frame header states, or half.</param>
    /// <param name="height">Rows: as many as the stream's frame header states, or half.</param>
    /// <param name="rgb">Receives the rows, <paramref name="stride"/> bytes apart.</param>
    /// <param name="stride">Bytes from row to row, ≥ 3 · width.</param>
    /// <returns>Null, or why the stream can't be decoded; the span then holds anything.</returns>
    public string? Decode(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb, int stride)
    {
        if (rgb.Length < ((height - 1L) * stride) + (3L * width))
            throw new ArgumentException($"{rgb.Length} bytes can't hold {width} × {height} RGB pixels.", nameof(rgb));
        var markers = new JpegMarkers(jpeg);
        while (markers.Next())
        {
        }
        if (!markers.HasGaps)
            return DecodeWhole(jpeg, width, height, rgb, stride);
        if (_withoutGaps.Length < jpeg.Length)
            _withoutGaps = GC.AllocateUninitializedArray<byte>(jpeg.Length);
        return DecodeWhole(_withoutGaps.AsSpan(0, JpegMarkers.CopyWithoutGaps(jpeg, _withoutGaps)), width, height, rgb, stride);
    }

    /// <summary>As <see cref="Decode"/>, of a stream with nothing between its header's segments, into a span that is large enough.</summary>
    private protected abstract string? DecodeWhole(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb, int stride);

    private static JpegDecoder Create() => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => NativeLibraries.IsPresent(NativeLibraries.TurboJpeg) ? new TurboJpegDecoder()
            : VectorJpegDecoder.IsSupported ? new VectorJpegDecoder() : new SkiaJpegDecoder(),
        "turbojpeg" when NativeLibraries.IsPresent(NativeLibraries.TurboJpeg) => new TurboJpegDecoder(),
        "own" when VectorJpegDecoder.IsSupported => new VectorJpegDecoder(),
        "skia" => new SkiaJpegDecoder(),
        var other => throw new ArgumentException($"{Variable} is '{other}'; it must be turbojpeg (where it is installed), own (on AVX2) or skia."),
    };
}
