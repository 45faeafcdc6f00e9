namespace SSLP.Interop.Tests.Slides;

/// <summary>
/// A plain baseline encoder (T.81; quantisers of 4, a flat code for AC) for streams that no library writes: any sampling, restart
/// intervals, bytes where none
/// belong. YCbCr; the caller's samples are taken as they are.
/// </summary>
internal sealed class TestJpeg
{
    private static readonly byte[] DcCounts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        DcSymbols = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    /// <summary>255 symbols in 9 bits and the last in 10: no table of 162 symbols is needed here.</summary>
    private static readonly byte[] AcCounts = [0, 0, 0, 0, 0, 0, 0, 0, 255, 1, 0, 0, 0, 0, 0, 0],
        AcSymbols = [.. Enumerable.Range(0, 256).Select(symbol => (byte)symbol)];

    private readonly List<byte> _bytes = [];
    private readonly int[] _predicted = new int[3];
    private int _bits, _bitCount;

    /// <summary>Columns and rows of luma samples to a chroma sample.</summary>
    public int Across { get; init; } = 1;

    public int Down { get; init; } = 1;

    /// <summary>MCUs between restart markers; 0 for none.</summary>
    public int Restart { get; init; }

    /// <summary>Bytes before each marker of the header.</summary>
    public byte[] BeforeMarkers { get; init; } = [];

    /// <summary>Bytes before each restart marker.</summary>
    public byte[] BeforeRestarts { get; init; } = [];

    /// <summary>Bytes before the end marker.</summary>
    public byte[] BeforeEnd { get; init; } = [];

    /// <summary>Encodes samples: component 0 to 2 at a pixel.</summary>
    public byte[] Encode(int width, int height, Func<int, int, int, int> sample)
    {
        _bytes.AddRange([0xFF, 0xD8]);
        Segment(0xDB, [0, .. Enumerable.Repeat((byte)4, 64)]);
        Segment(0xC0, [
            8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 3,
            1, (byte)((Across << 4) | Down), 0, 2, 0x11, 0, 3, 0x11, 0]);
        Segment(0xC4, [0, .. DcCounts, .. DcSymbols]);
        Segment(0xC4, [0x10, .. AcCounts, .. AcSymbols]);
        if (Restart > 0)
            Segment(0xDD, [(byte)(Restart >> 8), (byte)Restart]);
        Segment(0xDA, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
        int mcusAcross = (width + (8 * Across) - 1) / (8 * Across), mcusDown = (height + (8 * Down) - 1) / (8 * Down);
        for (int mcu = 0; mcu < mcusAcross * mcusDown; mcu++)
        {
            if (Restart > 0 && mcu > 0 && mcu % Restart == 0)
                RestartMarker((mcu / Restart) - 1);
            Mcu(mcu % mcusAcross, mcu / mcusAcross, width, height, sample);
        }
        Flush();
        _bytes.AddRange([.. BeforeEnd, 0xFF, 0xD9]);
        return [.. _bytes];
    }

    private void Mcu(int column, int row, int width, int height, Func<int, int, int, int> sample)
    {
        for (int block = 0; block < Across * Down; block++)
            Block(0, ((column * Across) + (block % Across)) * 8, ((row * Down) + (block / Across)) * 8, 1, 1);
        Block(1, column * 8, row * 8, Across, Down);
        Block(2, column * 8, row * 8, Across, Down);

        void Block(int component, int left, int top, int across, int down)
        {
            double[] samples = new double[64];
            for (int i = 0; i < 64; i++)
                samples[i] = sample(component, Math.Min((left + (i % 8)) * across, width - 1),
                    Math.Min((top + (i / 8)) * down, height - 1)) - 128;
            Coefficients(component, samples);
        }
    }

    private void Coefficients(int component, double[] samples)
    {
        int[] zigzag = new int[64];
        for (int k = 0; k < 64; k++)
        {
            int at = SSLP.Interop.Slides.Jpeg.JpegFrame.Zigzag[k], u = at % 8, v = at / 8;
            double sum = 0;
            for (int i = 0; i < 64; i++)
                sum += samples[i] * Math.Cos(((2 * (i % 8)) + 1) * u * Math.PI / 16) * Math.Cos(((2 * (i / 8)) + 1) * v * Math.PI / 16);
            double scale = (u == 0 ? Math.Sqrt(0.5) : 1) * (v == 0 ? Math.Sqrt(0.5) : 1) / 4;
            zigzag[k] = (int)Math.Round(sum * scale / 4);
        }
        int difference = zigzag[0] - _predicted[component];
        _predicted[component] = zigzag[0];
        Dc(Size(difference));
        Value(difference);
        int run = 0;
        for (int k = 1; k < 64; k++)
        {
            if (zigzag[k] == 0)
            {
                run++;
                continue;
            }
            for (; run > 15; run -= 16)
                Ac(0xF0);
            Ac((run << 4) | Size(zigzag[k]));
            Value(zigzag[k]);
            run = 0;
        }
        if (run > 0)
            Ac(0);
    }

    private void Dc(int symbol)
    {
        // Annex C: codes count up within a length and double from one to the next.
        int code = 0, next = 0;
        for (int length = 1; length <= 16; length++, code <<= 1)
        {
            for (int i = 0; i < DcCounts[length - 1]; i++, code++, next++)
            {
                if (DcSymbols[next] == symbol)
                {
                    Bits(code, length);
                    return;
                }
            }
        }
    }

    private void Ac(int symbol)
    {
        if (symbol < 255)
            Bits(symbol, 9);
        else
            Bits(255 << 1, 10);
    }

    private void Value(int value)
    {
        int size = Size(value);
        Bits(value < 0 ? value + (1 << size) - 1 : value, size);
    }

    private static int Size(int value) => value == 0 ? 0 : 32 - int.LeadingZeroCount(Math.Abs(value));

    private void Bits(int value, int count)
    {
        for (int bit = count - 1; bit >= 0; bit--)
        {
            _bits = (_bits << 1) | ((value >> bit) & 1);
            if (++_bitCount < 8)
                continue;
            _bytes.Add((byte)_bits);
            if ((byte)_bits == 0xFF)
                _bytes.Add(0);
            (_bits, _bitCount) = (0, 0);
        }
    }

    private void Flush()
    {
        while (_bitCount > 0)
            Bits(1, 1);
    }

    private void RestartMarker(int number)
    {
        Flush();
        _bytes.AddRange([.. BeforeRestarts, 0xFF, (byte)(0xD0 + (number & 7))]);
        Array.Clear(_predicted);
    }

    private void Segment(byte marker, byte[] body) =>
        _bytes.AddRange([.. BeforeMarkers, 0xFF, marker, (byte)((body.Length + 2) >> 8), (byte)(body.Length + 2), .. body]);
}
