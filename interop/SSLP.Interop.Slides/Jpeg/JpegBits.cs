using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>The entropy-coded bits of a scan, highest first, without the zero bytes that are stuffed behind 0xFF.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> bytes, int at)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;
    private ulong buffer;
    private int count;

    // Where the next byte is taken from; at a marker it stays there.
    private int at = at;

    // Bits that were made up behind the end of the data: any that were used are a fault.
    private int madeUp;

    /// <summary>Whether bits behind the end of the data were used.</summary>
    public readonly bool RanOut => count < madeUp;

    /// <summary>Makes at least 32 bits ready.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill()
    {
        if (count < 32)
            FillMore();
    }

    /// <summary>The next bits without taking them; at most 16 and no more than were filled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Peek(int bits) => (int)(buffer >> (64 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(int bits)
    {
        buffer <<= bits;
        count -= bits;
    }

    /// <summary>A value of so many bits, the lower half of the range negative (T.81 F.2.2.1); 0 bits give 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Value(int bits)
    {
        if (bits == 0)
            return 0;
        int value = (int)(buffer >> (64 - bits));
        Take(bits);
        return value < 1 << (bits - 1) ? value + 1 - (1 << bits) : value;
    }

    /// <summary>Leaves the bits of the interval behind and steps over the restart marker; false where it is not the one expected.</summary>
    public bool Restart(int number)
    {
        if (RanOut || !GoToMarker() || bytes[at + 1] != 0xD0 + (number & 7))
            return false;
        at += 2;
        (buffer, count, madeUp) = (0, 0, 0);
        return true;
    }

    /// <summary>
    /// Goes to the marker that follows: it may be behind the filling of the last byte, and behind a few bytes that belong to nothing. False where there is none,
    /// or not near.
    /// </summary>
    public bool GoToMarker()
    {
        int last = Math.Min(bytes.Length - 1, at + JpegScan.MostLeftOver - ((count - madeUp) / 8));
        while (at < last && (bytes[at] != 0xFF || bytes[at + 1] is 0 or 0xFF))
            at++;
        return at < last;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FillMore()
    {
        // Four bytes at once where none of them is 0xFF.
        if (at + 4 <= bytes.Length)
        {
            uint word = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            if (((~word - 0x01010101u) & word & 0x80808080u) == 0)
            {
                buffer |= (ulong)word << (32 - count);
                count += 32;
                at += 4;
                return;
            }
        }
        while (count <= 48)
        {
            ulong next = 0;
            if (at < bytes.Length && bytes[at] != 0xFF)
                next = bytes[at++];
            else if (at + 1 < bytes.Length && bytes[at + 1] == 0)
            {
                next = 0xFF;
                at += 2;
            }
            else
                madeUp += 8;
            buffer |= next << (56 - count);
            count += 8;
        }
    }
}
