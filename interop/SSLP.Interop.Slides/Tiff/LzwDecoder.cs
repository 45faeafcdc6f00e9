namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// LZW as TIFF 6.0 §13 has it: codes of 9 to 12 bits, highest bit first, the width growing one code early.
/// Own code, since the package decodes LZW only through its file object, which has one position and one directory.
/// </summary>
internal sealed class LzwDecoder
{
    private const int Clear = 256, End = 257, FirstFree = 258, TableSize = 4096;

    private readonly ushort[] _prefix = new ushort[TableSize];
    private readonly byte[] _first = new byte[TableSize];
    private readonly byte[] _last = new byte[TableSize];
    private readonly ushort[] _length = new ushort[TableSize];

    public LzwDecoder()
    {
        for (int i = 0; i < 256; i++)
        {
            _first[i] = _last[i] = (byte)i;
            _length[i] = 1;
        }
    }

    /// <summary>Decodes until the output is full, the end code, or a code that can't be.</summary>
    /// <returns>Bytes written.</returns>
    public int Decode(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        int written = 0, at = 0, bits = 0, bitCount = 0, width = 9, free = FirstFree, previous = -1;
        while (written < output.Length)
        {
            while (bitCount < width)
            {
                if (at == bytes.Length)
                    return written;
                bits = (bits << 8) | bytes[at++];
                bitCount += 8;
            }
            int code = (bits >> (bitCount - width)) & ((1 << width) - 1);
            bitCount -= width;
            if (code == End)
                return written;
            if (code == Clear)
            {
                (width, free, previous) = (9, FirstFree, -1);
                continue;
            }
            bool known = code < 256 || (code >= FirstFree && code < free);
            if (previous < 0 ? code >= 256 : !known && (code != free || free == TableSize))
                return written;

            if (previous >= 0 && free < TableSize)
            {
                // The new string is the previous one and the first byte of this one, which is the previous one's where this one is the new
                // string.
                _prefix[free] = (ushort)previous;
                _length[free] = (ushort)(_length[previous] + 1);
                _first[free] = _first[previous];
                _last[free] = _first[known ? code : previous];
                free++;
                if (free == (1 << width) - 1 && width < 12)
                    width++;
            }
            written += Emit(code, output[written..]);
            previous = code;
        }
        return written;
    }

    /// <summary>Writes a code's string back to front; what does not fit at the end of the output is dropped.</summary>
    private int Emit(int code, Span<byte> output)
    {
        int count = _length[code];
        for (int i = count - 1; i >= 0; i--)
        {
            if (i < output.Length)
                output[i] = _last[code];
            code = _prefix[code];
        }
        return Math.Min(count, output.Length);
    }
}
