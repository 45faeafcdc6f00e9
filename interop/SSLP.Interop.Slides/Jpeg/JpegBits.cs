using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>The entropy-coded bits of a scan, highest first, without the zero bytes that are stuffed behind 0xFF.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> bytes, int at)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private ulong _buffer;
    private int _count;

    // Where the next byte is taken from; at a marker it stays there.
    private int _at = at;

    // Bits that were made up behind the end of the data: any that were used are a fault.
    private int _madeUp;

    /// <summary>Whether bits behind the end of the data were used.</summary>
    public readonly bool RanOut => _count < _madeUp;

    /// <summary>Makes at least 32 bits ready.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill()
    {
        if (_count < 32)
            FillMore();
    }

    /// <summary>The next bits without taking them; at most 16 and no more than were filled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Peek(int bits) => (int)(_buffer >> (64 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(int bits)
    {
        _buffer <<= bits;
        _count -= bits;
    }

    /// <summary>A value of so many bits, the lower half of the range negative (T.81 F.2.2.1); 0 bits give 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Value(int bits)
    {
        if (bits == 0)
            return 0;
        int value = (int)(_buffer >> (64 - bits));
        Take(bits);
        return value < 1 << (bits - 1) ? value + 1 - (1 << bits) : value;
    }

    /// <summary>Leaves the bits of the interval behind and steps over the restart marker; false where it is not the one expected.</summary>
    public bool Restart(int number)
    {
        if (RanOut || !GoToMarker() || _bytes[_at + 1] != 0xD0 + (number & 7))
            return false;
        _at += 2;
        (_buffer, _count, _madeUp) = (0, 0, 0);
        return true;
    }

    /// <summary>
    /// Goes to the marker that follows: it may be behind the filling of the last byte, and behind a few bytes that belong to nothing.
    /// False where there is none,
    /// or not near.
    /// </summary>
    public bool GoToMarker()
    {
        int last = Math.Min(_bytes.Length - 1, _at + JpegScan.MostLeftOver - ((_count - _madeUp) / 8));
        while (_at < last && (_bytes[_at] != 0xFF || _bytes[_at + 1] is 0 or 0xFF))
            _at++;
        return _at < last;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FillMore()
    {
        // Four bytes at once where none of them is 0xFF.
        if (_at + 4 <= _bytes.Length)
        {
            uint word = BinaryPrimitives.ReadUInt32BigEndian(_bytes[_at..]);
            if (((~word - 0x01010101u) & word & 0x80808080u) == 0)
            {
                _buffer |= (ulong)word << (32 - _count);
                _count += 32;
                _at += 4;
                return;
            }
        }
        while (_count <= 48)
        {
            ulong next = 0;
            if (_at < _bytes.Length && _bytes[_at] != 0xFF)
                next = _bytes[_at++];
            else if (_at + 1 < _bytes.Length && _bytes[_at + 1] == 0)
            {
                next = 0xFF;
                _at += 2;
            }
            else
                _madeUp += 8;
            _buffer |= next << (56 - _count);
            _count += 8;
        }
    }
}
