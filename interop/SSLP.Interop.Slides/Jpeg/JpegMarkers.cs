using System.Buffers.Binary;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// The segments of a JPEG stream up to and with its first scan header. Bytes between them that are no marker are stepped over as libjpeg
/// does: whatever is not
/// 0xFF, 0xFF as filling, and 0xFF 0x00.
/// </summary>
internal ref struct JpegMarkers(ReadOnlySpan<byte> jpeg)
{
    private const byte StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA;

    private readonly ReadOnlySpan<byte> _jpeg = jpeg;
    private int _at = jpeg.Length >= 4 && jpeg[0] == 0xFF && jpeg[1] == StartOfImage ? 2 : jpeg.Length;

    /// <summary>The marker's second byte.</summary>
    public byte Marker { get; private set; }

    /// <summary>The segment without marker and length.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    /// <summary>Where its marker stands; bytes that belong to nothing lie before it.</summary>
    public int Start { get; private set; }

    /// <summary>Where what follows it begins.</summary>
    public readonly int End => _at;

    /// <summary>Whether any two segments had bytes between them.</summary>
    public bool HasGaps { get; private set; }

    public readonly bool IsScan => Marker == StartOfScan;

    /// <summary>Goes to the next segment; false at the end, and where the segment is not whole. The scan header is the last.</summary>
    public bool Next()
    {
        if (IsScan)
            return false;
        int at = _at;
        while (at + 1 < _jpeg.Length && (_jpeg[at] != 0xFF || _jpeg[at + 1] is 0 or 0xFF))
            at++;
        if (at + 4 > _jpeg.Length || _jpeg[at + 1] == EndOfImage)
            return false;
        int length = BinaryPrimitives.ReadUInt16BigEndian(_jpeg[(at + 2)..]);
        if (length < 2 || at + 2 + length > _jpeg.Length)
            return false;
        HasGaps |= at > _at;
        Marker = _jpeg[at + 1];
        Body = _jpeg.Slice(at + 4, length - 2);
        Start = at;
        _at = at + 2 + length;
        return true;
    }

    /// <summary>Copies a stream without the bytes between its segments.</summary>
    /// <returns>Bytes written, ≤ those of the stream.</returns>
    public static int CopyWithoutGaps(ReadOnlySpan<byte> jpeg, Span<byte> to)
    {
        jpeg[..2].CopyTo(to);
        int written = 2;
        var markers = new JpegMarkers(jpeg);
        while (markers.Next())
        {
            ReadOnlySpan<byte> segment = jpeg[markers.Start..markers.End];
            segment.CopyTo(to[written..]);
            written += segment.Length;
        }
        ReadOnlySpan<byte> rest = jpeg[markers.End..];
        rest.CopyTo(to[written..]);
        return written + rest.Length;
    }
}
