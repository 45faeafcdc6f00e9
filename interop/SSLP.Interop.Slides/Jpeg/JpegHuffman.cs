using System.Runtime.CompilerServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>A Huffman code of a JPEG stream (T.81 annex C and F.2.2.3), with tables that decode most symbols in one look-up.</summary>
internal sealed class JpegHuffman
{
    /// <summary>Bits that a look-up takes; most codes of a photograph, and many with their value, are not longer.</summary>
    public const int LookBits = 10;

    private readonly int[] _maxCode = new int[18];
    private readonly int[] _offset = new int[17];
    private readonly byte[] _symbols = new byte[256];

    /// <summary>By the next bits: the code's length in the high byte and its symbol in the low one; 0 where the code is longer.</summary>
    public readonly ushort[] Look = new ushort[1 << LookBits];

    /// <summary>By the next bits: an AC coefficient whole, value · 65536 + run · 256 + bits taken; 0 where it does not fit.</summary>
    public readonly int[] LookAc = new int[1 << LookBits];

    /// <summary>Reads the counts and symbols of a DHT segment; false where they are no code.</summary>
    public bool Define(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> values)
    {
        Look.AsSpan().Clear();
        LookAc.AsSpan().Clear();
        _symbols.AsSpan().Clear();
        values.CopyTo(_symbols);
        int code = 0, next = 0;
        for (int length = 1; length <= 16; length++)
        {
            _offset[length] = next - code;
            for (int i = 0; i < counts[length - 1]; i++, code++, next++)
            {
                if (code >= 1 << length)
                    return false;
                if (length <= LookBits)
                    Look.AsSpan(code << (LookBits - length), 1 << (LookBits - length)).Fill((ushort)((length << 8) | values[next]));
            }
            _maxCode[length] = code << (16 - length);
            code <<= 1;
        }
        _maxCode[17] = int.MaxValue;
        FillAc();
        return true;
    }

    /// <summary>A symbol whose code is longer than a look-up; −1 where no code fits.</summary>
    /// <param name="next16">The next 16 bits.</param>
    /// <param name="length">Bits of the code.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public int Long(int next16, out int length)
    {
        length = LookBits + 1;
        while (length <= 16 && next16 >= _maxCode[length])
            length++;
        return length > 16 ? -1 : _symbols[((next16 >> (16 - length)) + _offset[length]) & 255];
    }

    private void FillAc()
    {
        for (int bits = 0; bits < LookAc.Length; bits++)
        {
            int length = Look[bits] >> 8, size = Look[bits] & 15, run = (Look[bits] >> 4) & 15;
            if (length == 0 || size == 0 || length + size > LookBits)
                continue;
            int value = (bits >> (LookBits - length - size)) & ((1 << size) - 1);
            if (value < 1 << (size - 1))
                value += 1 - (1 << size);
            LookAc[bits] = (value << 16) | (run << 8) | (length + size);
        }
    }
}
