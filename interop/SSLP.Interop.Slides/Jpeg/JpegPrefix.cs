namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// What goes in front of a tile's JPEG stream to make it whole: the tables that the tiles of an image share (TIFF tag JPEGTables) and,
/// since RGB tiles of slides carry no marker that says so, an Adobe marker with the colour space. With it every decoder agrees.
/// </summary>
internal sealed class JpegPrefix
{
    private readonly byte[] _rgb;
    private readonly byte[] _yCbCr;
    private readonly bool _rgbTagged;

    /// <param name="tables">SOI, tables, EOI; or empty.</param>
    /// <param name="rgbTagged">Whether the file says that the tiles are RGB and not YCbCr.</param>
    public JpegPrefix(ReadOnlySpan<byte> tables, bool rgbTagged)
    {
        _rgbTagged = rgbTagged;
        bool usable = tables.Length > 4 && tables[0] == 0xFF && tables[1] == 0xD8;
        ReadOnlySpan<byte> body = usable ? tables[2..] : [];
        if (body.EndsWith((ReadOnlySpan<byte>)[0xFF, 0xD9]))
            body = body[..^2];
        _rgb = Build(body, transform: 0);
        _yCbCr = Build(body, transform: 1);
    }

    /// <summary>Bytes that <see cref="Complete"/> needs before the tile's stream, the tile's own SOI overlapping the last two.</summary>
    public int Room => _rgb.Length - 2;

    /// <summary>Makes a whole JPEG of a tile's stream in place.</summary>
    /// <param name="buffer"><see cref="Room"/> free bytes, then the tile's stream as the file has it.</param>
    /// <param name="header">What the tile's stream says of itself.</param>
    public void Complete(Span<byte> buffer, out JpegHeader header)
    {
        header = JpegHeader.Read(buffer[Room..]);
        // Chroma alone is ever subsampled: such a stream is YCbCr whatever the tag says. A JFIF or Adobe marker
        // in the stream comes after ours and overrides it.
        bool isRgb = _rgbTagged && !header.Subsampled;
        byte[] prefix = isRgb ? _rgb : _yCbCr;
        // A tile of one byte has not even the marker that ours overlaps; its header says that it holds no image.
        if (buffer.Length >= prefix.Length)
            prefix.CopyTo(buffer);
    }

    private static byte[] Build(ReadOnlySpan<byte> tables, byte transform)
    {
        ReadOnlySpan<byte> adobe = [0xFF, 0xEE, 0, 14, (byte)'A', (byte)'d', (byte)'o', (byte)'b', (byte)'e', 0, 100, 0, 0, 0,
            0, transform];
        return [0xFF, 0xD8, .. adobe, .. tables];
    }
}
