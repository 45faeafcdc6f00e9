namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// Which tables a JPEG stream defines before its first scan, and which it needs there. libjpeg keeps those of the stream before: one
/// without its own would be decoded with another slide's.
/// </summary>
internal struct JpegTables
{
    private const byte Quantization = 0xDB, Huffman = 0xC4, Baseline = 0xC0, Extended = 0xC1, Progressive = 0xC2;

    private int _quantization, _dc, _ac, _needed;
    private bool _sequential;

    /// <summary>Takes a segment in.</summary>
    public void Take(byte marker, ReadOnlySpan<byte> body)
    {
        if (marker == Quantization)
            TakeQuantization(body);
        else if (marker == Huffman)
            TakeHuffman(body);
        else if (marker is Baseline or Extended or Progressive)
            TakeFrame(marker, body);
    }

    /// <summary>Which table is missing, as a clause; null where none is.</summary>
    /// <param name="scan">Body of the first scan header.</param>
    public readonly string? FaultFor(ReadOnlySpan<byte> scan)
    {
        int missing = _needed & ~_quantization;
        if (missing != 0)
            return $"it does not define its quantization table {int.TrailingZeroCount(missing)}";
        // Later scans of a progressive stream may bring theirs.
        for (int i = 0; _sequential && scan.Length > 0 && i < scan[0] && (2 * i) + 2 < scan.Length; i++)
        {
            int dc = scan[(2 * i) + 2] >> 4, ac = scan[(2 * i) + 2] & 15;
            if ((_dc & (1 << dc)) == 0 || (_ac & (1 << ac)) == 0)
                return $"it does not define its Huffman table {((_dc & (1 << dc)) == 0 ? dc : ac)}";
        }
        return null;
    }

    private void TakeQuantization(ReadOnlySpan<byte> body)
    {
        while (body.Length > 0)
        {
            _quantization |= 1 << (body[0] & 15);
            body = body[Math.Min(body.Length, 1 + (body[0] >> 4 == 0 ? 64 : 128))..];
        }
    }

    private void TakeHuffman(ReadOnlySpan<byte> body)
    {
        while (body.Length > 16)
        {
            int symbols = 0;
            foreach (byte count in body.Slice(1, 16))
                symbols += count;
            if (body[0] >> 4 == 0)
                _dc |= 1 << (body[0] & 15);
            else
                _ac |= 1 << (body[0] & 15);
            body = body[Math.Min(body.Length, 17 + symbols)..];
        }
    }

    private void TakeFrame(byte marker, ReadOnlySpan<byte> body)
    {
        _sequential = marker != Progressive;
        for (int i = 0; body.Length > 5 && i < body[5] && 8 + (3 * i) < body.Length; i++)
            _needed |= 1 << (body[8 + (3 * i)] & 15);
    }
}
