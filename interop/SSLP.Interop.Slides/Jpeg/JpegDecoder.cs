namespace SSLP.Interop.Slides.Jpeg;

/// <summary>A JPEG decoder for one thread.</summary>
internal abstract class JpegDecoder : IDisposable
{
    private byte[] _withoutGaps = [];

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
        JpegTables tables = default;
        while (markers.Next())
            tables.Take(markers.Marker, markers.Body);
        if (markers.IsScan && tables.FaultFor(markers.Body) is { } missing)
            return missing;
        if (!markers.HasGaps)
            return DecodeWhole(jpeg, width, height, rgb, stride);
        if (_withoutGaps.Length < jpeg.Length)
            _withoutGaps = GC.AllocateUninitializedArray<byte>(jpeg.Length);
        return DecodeWhole(_withoutGaps.AsSpan(0, JpegMarkers.CopyWithoutGaps(jpeg, _withoutGaps)), width, height, rgb, stride);
    }

    /// <summary>
    /// As <see cref="Decode"/>, of a stream with nothing between its header's segments, into a span that is large enough.
    /// </summary>
    private protected abstract string? DecodeWhole(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb, int stride);

    /// <summary>A decoder of one's choice.</summary>
    /// <exception cref="ArgumentException">This machine does not have it.</exception>
    public static JpegDecoder Create(JpegChoice choice) => choice switch
    {
        JpegChoice.Auto => NativeLibraries.IsPresent(NativeLibraries.TurboJpeg) ? new TurboJpegDecoder()
            : VectorJpegDecoder.IsSupported ? new VectorJpegDecoder() : new SkiaJpegDecoder(),
        JpegChoice.TurboJpeg when NativeLibraries.IsPresent(NativeLibraries.TurboJpeg) => new TurboJpegDecoder(),
        JpegChoice.TurboJpeg =>
            throw new ArgumentException(
                "jpeg is turbojpeg, which is not on this machine; install libjpeg-turbo or choose auto, own or skia."),
        JpegChoice.Own when VectorJpegDecoder.IsSupported => new VectorJpegDecoder(),
        JpegChoice.Own => throw new ArgumentException("jpeg is own, which needs a processor with AVX2; choose auto, turbojpeg or skia."),
        JpegChoice.Skia => new SkiaJpegDecoder(),
        _ => throw new ArgumentOutOfRangeException(nameof(choice), choice, "Unknown JPEG decoder."),
    };

    /// <summary>Lets go of what the decoder holds outside of .NET.</summary>
    public virtual void Dispose()
    {
    }
}
