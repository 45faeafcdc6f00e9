using System.Runtime.CompilerServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// The entropy-coded blocks of a sequential stream, read strictly: a code that there is not, data that end too early and a restart marker
/// that is missing are
/// faults, where libjpeg warns and makes something up. Bytes that are left over before a marker are stepped over, up to
/// <see cref="MostLeftOver"/>.
/// </summary>
internal sealed unsafe class JpegScan(JpegFrame frame)
{
    /// <summary>What a writer may leave between its data and a marker. Damage that ends blocks too early leaves more, mostly.</summary>
    public const int MostLeftOver = 256;

    private readonly short[] _block = GC.AllocateArray<short>(64, pinned: true);

    /// <summary>Reads all blocks.</summary>
    /// <param name="transform">Whether samples are made of them, into the components' planes (needs AVX2); else they are only looked
    /// at.</param>
    /// <returns>Null, or the first fault.</returns>
    public string? Read(JpegBits bits, bool transform)
    {
        int mcusAcross = frame.Components[0].Stride / (8 * frame.AcrossChroma),
            mcusDown = (frame.Height + (8 * frame.DownChroma) - 1) / (8 * frame.DownChroma);
        Span<int> predicted = stackalloc int[3];
        predicted.Clear();
        int untilRestart = frame.RestartInterval, restarts = 0;
        for (int row = 0; row < mcusDown; row++)
        {
            for (int column = 0; column < mcusAcross; column++)
            {
                if (frame.RestartInterval > 0 && untilRestart-- == 0)
                {
                    if (!bits.Restart(restarts++))
                        return "a restart marker is missing";
                    predicted.Clear();
                    untilRestart = frame.RestartInterval - 1;
                }
                for (int i = 0; i < 3; i++)
                {
                    if (!ReadMcu(ref bits, frame.Components[i], row, column, ref predicted[i], transform))
                        return "a Huffman code is invalid";
                }
            }
            if (bits.RanOut)
                return "its data end too early";
        }
        return bits.GoToMarker() ? null : "its end marker is not where its last block ends";
    }

    private bool ReadMcu(ref JpegBits bits, JpegComponent component, int mcuRow, int mcuColumn, ref int predicted, bool transform)
    {
        fixed (short* coefficients = _block)
        fixed (byte* plane = component.Plane)
        {
            for (int down = 0; down < component.Down; down++)
            {
                for (int across = 0; across < component.Across; across++)
                {
                    byte* to = plane + (((long)((mcuRow * component.Down) + down) * component.Stride * 8)
                        + (((mcuColumn * component.Across) + across) * 8));
                    int last = ReadBlock(ref bits, component, coefficients, ref predicted);
                    if (last < 0)
                        return false;
                    if (!transform)
                        continue;
                    if (last == 0)
                        JpegTransform.Flat(coefficients[0], to, component.Stride);
                    else
                        JpegTransform.Inverse(coefficients, to, component.Stride);
                }
            }
            return true;
        }
    }

    /// <summary>Coefficients times quantisers, in rows.</summary>
    /// <returns>Place of the last one that is not 0 in the zigzag; −1 for a code that there is not.</returns>
    private static int ReadBlock(ref JpegBits source, JpegComponent component, short* coefficients, ref int predicted)
    {
        new Span<short>(coefficients, 64).Clear();
        // A copy stays in registers; the caller's does not.
        JpegBits bits = source;
        ReadOnlySpan<short> quantisers = component.Quantisers;
        ref byte zigzag = ref JpegFrame.Zigzag[0];
        JpegHuffman dc = component.Dc, ac = component.Ac;
        bits.Fill();
        int size = Symbol(ref bits, dc);
        if (size is < 0 or > 15)
            return -1;
        bits.Fill();
        predicted += bits.Value(size);
        coefficients[0] = (short)(predicted * quantisers[0]);

        int last = 0;
        for (int k = 1; k < 64; k++)
        {
            bits.Fill();
            int whole = ac.LookAc[bits.Peek(JpegHuffman.LookBits)];
            int value;
            if (whole != 0)
            {
                k += (whole >> 8) & 255;
                bits.Take(whole & 255);
                value = whole >> 16;
            }
            else
            {
                int symbol = Symbol(ref bits, ac);
                if (symbol < 0)
                    return -1;
                int bitsOfValue = symbol & 15;
                if (bitsOfValue == 0)
                {
                    if (symbol != 0xF0)
                        break;
                    k += 15;
                    continue;
                }
                k += symbol >> 4;
                value = bits.Value(bitsOfValue);
            }
            if (k > 63)
                return -1;
            coefficients[Unsafe.Add(ref zigzag, k)] = (short)(value * quantisers[k]);
            last = k;
        }
        source = bits;
        return last;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Symbol(ref JpegBits bits, JpegHuffman code)
    {
        int found = code.Look[bits.Peek(JpegHuffman.LookBits)];
        if (found != 0)
        {
            bits.Take(found >> 8);
            return found & 255;
        }
        int symbol = code.Long(bits.Peek(16), out int length);
        if (symbol >= 0)
            bits.Take(length);
        return symbol;
    }
}
