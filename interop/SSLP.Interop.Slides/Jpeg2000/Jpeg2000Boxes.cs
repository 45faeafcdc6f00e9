using System.Buffers.Binary;

namespace SSLP.Interop.Slides.Jpeg2000;

/// <summary>The boxes of a JP2 file (T.800 annex I) around a codestream. Tiles of slides are bare codestreams nearly always.</summary>
internal static class Jpeg2000Boxes
{
    private const uint Signature = 0x6A502020, Header = 0x6A703268, Colour = 0x636F6C72, Codestream = 0x6A703263;

    /// <summary>EnumCS of YCbCr.</summary>
    private const uint SYcc = 18;

    /// <summary>Where the codestream begins: 0 where there are no boxes, −1 where they hold none.</summary>
    /// <param name="yCbCr">Whether a box says that it is YCbCr.</param>
    public static int FindCodestream(ReadOnlySpan<byte> stream, out bool yCbCr)
    {
        yCbCr = false;
        if (stream.Length < 12 || BinaryPrimitives.ReadUInt32BigEndian(stream[4..]) != Signature)
            return 0;
        int at = 0;
        while (at + 8 <= stream.Length)
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(stream[at..]);
            uint type = BinaryPrimitives.ReadUInt32BigEndian(stream[(at + 4)..]);
            int head = length == 1 ? 16 : 8;
            if (type == Codestream)
                return at + head;
            if (length == 1 && at + 16 <= stream.Length)
                length = (long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(stream[(at + 8)..]), int.MaxValue);
            // EnumCS: method 1, precedence, approximation, then the number.
            if (type == Colour && at + head + 7 <= stream.Length && stream[at + head] == 1)
                yCbCr = BinaryPrimitives.ReadUInt32BigEndian(stream[(at + head + 3)..]) == SYcc;
            // The header's own boxes lie inside of it.
            if (type == Header)
                length = head;
            if (length < head || length > stream.Length - at)
                return -1;
            at += (int)length;
        }
        return -1;
    }
}
