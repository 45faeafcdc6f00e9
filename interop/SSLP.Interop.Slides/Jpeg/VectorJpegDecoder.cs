namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// Sequential JPEG of three components, chroma whole, halved across or halved both ways: what tiles of slides are. Pixels are
/// libjpeg-turbo's, to the
/// bit. Whatever else comes (progressive, arithmetic, half resolution) goes to the decoder behind it.
/// <para>
/// For machines with AVX2 and no libjpeg-turbo: the one inside of SkiaSharp is built without its vector code and takes two to three times
/// as long
/// (bench/results). As strict as <see cref="TurboJpegDecoder"/>: what libjpeg would only warn of is a fault.
/// </para>
/// </summary>
internal sealed unsafe class VectorJpegDecoder : JpegDecoder
{
    private readonly JpegFrame _frame = new();
    private readonly JpegScan _scan;
    private readonly SkiaJpegDecoder _others = new();
    private short[] _sums = [];
    private byte[] _chroma = [];

    public VectorJpegDecoder() => _scan = new JpegScan(_frame);

    public static bool IsSupported => JpegTransform.IsSupported;

    public override string Name => "AVX2 of our own";

    private protected override string? DecodeWhole(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb, int stride)
    {
        int scan = _frame.Read(jpeg);
        // libjpeg takes another filter where chroma has two columns or fewer.
        bool narrow = _frame.Width <= 4;
        if (scan < 0 || _frame.Width != width || _frame.Height != height || narrow)
            return _others.Decode(jpeg, width, height, rgb, stride);
        if (_scan.Read(new JpegBits(jpeg, scan), transform: true) is { } fault)
            return fault;
        WriteRows(rgb, stride);
        return null;
    }

    private void WriteRows(Span<byte> rgb, int stride)
    {
        JpegComponent y = _frame.Components[0], b = _frame.Components[1], r = _frame.Components[2];
        int wide = y.Stride + JpegComponent.Slack;
        if (_sums.Length < wide)
            (_sums, _chroma) = (new short[wide], new byte[2 * wide]);
        fixed (byte* luma = y.Plane, blues = b.Plane, reds = r.Plane, upsampled = _chroma, to = rgb)
        fixed (short* scratch = _sums)
        {
            for (int row = 0; row < _frame.Height; row++)
            {
                byte* cb = Chroma(b, blues, row, scratch, upsampled), cr = Chroma(r, reds, row, scratch, upsampled + wide);
                byte* target = to + ((long)row * stride), own = luma + ((long)row * y.Stride);
                if (_frame.IsRgb)
                    JpegColour.Interleaved(own, cb, cr, _frame.Width, target);
                else
                    JpegColour.ToRgb(own, cb, cr, _frame.Width, target);
            }
        }
    }

    /// <summary>A _chroma row at luma's resolution.</summary>
    private byte* Chroma(JpegComponent component, byte* plane, int row, short* scratch, byte* upsampled)
    {
        if (_frame.AcrossChroma == 1)
            return plane + ((long)row * component.Stride);
        byte* near = plane + ((long)(row / _frame.DownChroma) * component.Stride);
        if (_frame.DownChroma == 1)
        {
            JpegColour.ColumnValues(near, component.Columns, scratch);
            JpegColour.Twice(scratch, component.Columns, 2, upsampled);
            return upsampled;
        }
        int farther = Math.Clamp((row / 2) + (row % 2 == 0 ? -1 : 1), 0, component.Rows - 1);
        JpegColour.ColumnSums(near, plane + ((long)farther * component.Stride), component.Columns, scratch);
        JpegColour.Twice(scratch, component.Columns, 4, upsampled);
        return upsampled;
    }
}
