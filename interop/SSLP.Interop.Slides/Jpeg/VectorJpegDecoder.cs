using System.Runtime.CompilerServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// Sequential JPEG of three components, chroma whole, halved across or halved both ways: what tiles of slides are. Pixels are libjpeg-turbo's, to the
/// bit. Whatever else comes (progressive, arithmetic, half resolution) goes to the decoder behind it.
/// <para>
/// For machines with AVX2 and no libjpeg-turbo: the one inside of SkiaSharp is built without its vector code and takes two to three times as long
/// (bench/results). As strict as <see cref="TurboJpegDecoder"/>: what libjpeg would only warn of is a fault.
/// </para>
/// </summary>
internal sealed unsafe class VectorJpegDecoder : JpegDecoder
{
    private readonly JpegFrame frame = new();
    private readonly SkiaJpegDecoder others = new();
    private readonly short[] block = GC.AllocateArray<short>(64, pinned: true);
    private short[] sums = [];
    private byte[] chroma = [];

    public static bool IsSupported => JpegTransform.IsSupported;

    public override string Name => "AVX2 of our own";

    public override string? Decode(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb, int stride)
    {
        if (rgb.Length < ((height - 1L) * stride) + (3L * width))
            throw new ArgumentException($"{rgb.Length} bytes can't hold {width} × {height} RGB pixels.", nameof(rgb));
        int scan = frame.Read(jpeg);
        // libjpeg takes another filter where chroma has two columns or fewer.
        bool narrow = frame.Width <= 4;
        if (scan < 0 || frame.Width != width || frame.Height != height || narrow)
            return others.Decode(jpeg, width, height, rgb, stride);
        if (ReadBlocks(new JpegBits(jpeg, scan)) is { } fault)
            return fault;
        WriteRows(rgb, stride);
        return null;
    }

    private string? ReadBlocks(JpegBits bits)
    {
        int mcusAcross = frame.Components[0].Stride / (8 * frame.AcrossChroma), mcusDown = (frame.Height + (8 * frame.DownChroma) - 1) / (8 * frame.DownChroma);
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
                    if (!ReadMcu(ref bits, frame.Components[i], row, column, ref predicted[i]))
                        return "a Huffman code is invalid";
                }
            }
            if (bits.RanOut)
                return "its data end too early";
        }
        return bits.IsAtMarker ? null : "its end marker is not where its last block ends";
    }

    private bool ReadMcu(ref JpegBits bits, JpegComponent component, int mcuRow, int mcuColumn, ref int predicted)
    {
        fixed (short* coefficients = block)
        fixed (byte* plane = component.Plane)
        {
            for (int down = 0; down < component.Down; down++)
            {
                for (int across = 0; across < component.Across; across++)
                {
                    byte* to = plane + (((long)((mcuRow * component.Down) + down) * component.Stride * 8) + (((mcuColumn * component.Across) + across) * 8));
                    int last = ReadBlock(ref bits, component, coefficients, ref predicted);
                    if (last < 0)
                        return false;
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

    private void WriteRows(Span<byte> rgb, int stride)
    {
        JpegComponent y = frame.Components[0], b = frame.Components[1], r = frame.Components[2];
        int wide = y.Stride + JpegComponent.Slack;
        if (sums.Length < wide)
            (sums, chroma) = (new short[wide], new byte[2 * wide]);
        fixed (byte* luma = y.Plane, blues = b.Plane, reds = r.Plane, upsampled = chroma, to = rgb)
        fixed (short* scratch = sums)
        {
            for (int row = 0; row < frame.Height; row++)
            {
                byte* cb = Chroma(b, blues, row, scratch, upsampled), cr = Chroma(r, reds, row, scratch, upsampled + wide);
                byte* target = to + ((long)row * stride), own = luma + ((long)row * y.Stride);
                if (frame.IsRgb)
                    JpegColour.Interleaved(own, cb, cr, frame.Width, target);
                else
                    JpegColour.ToRgb(own, cb, cr, frame.Width, target);
            }
        }
    }

    /// <summary>A chroma row at luma's resolution.</summary>
    private byte* Chroma(JpegComponent component, byte* plane, int row, short* scratch, byte* upsampled)
    {
        if (frame.AcrossChroma == 1)
            return plane + ((long)row * component.Stride);
        byte* near = plane + ((long)(row / frame.DownChroma) * component.Stride);
        if (frame.DownChroma == 1)
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
