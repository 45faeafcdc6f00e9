using System.Buffers.Binary;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// Tables and geometry of a sequential JPEG stream of three components in one scan (T.81 annex B), as far as
/// <see cref="VectorJpegDecoder"/> takes it.
/// One serves stream after stream; nothing is allocated for one.
/// </summary>
internal sealed class JpegFrame
{
    private const byte Sof0 = 0xC0, Sof1 = 0xC1, Dht = 0xC4, Sos = 0xDA, Dqt = 0xDB, Dri = 0xDD, App0 = 0xE0, App14 = 0xEE;

    /// <summary>
    /// Where the k-th coefficient of the zigzag stands in its block; sixteen more, so that a run past the end stays inside.
    /// </summary>
    public static readonly byte[] Zigzag =
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
        63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
    ];

    private readonly short[][] _quantisers = [new short[64], new short[64], new short[64], new short[64]];
    private readonly JpegHuffman[] _dc = [new(), new(), new(), new()], _ac = [new(), new(), new(), new()];
    private int _quantisersDefined, _dcDefined, _acDefined, _transform;
    private bool _jfif;

    public int Width { get; private set; }

    public int Height { get; private set; }

    /// <summary>MCUs between restart markers; 0 for none.</summary>
    public int RestartInterval { get; private set; }

    public JpegComponent[] Components { get; } = [new(), new(), new()];

    /// <summary>Luma samples to a chroma sample across and down: 1 × 1, 2 × 1 or 2 × 2.</summary>
    public int AcrossChroma => Components[0].Across;

    public int DownChroma => Components[0].Down;

    /// <summary>Whether the samples are RGB, by libjpeg's rules: JFIF, then Adobe's marker, then the components' names.</summary>
    public bool IsRgb { get; private set; }

    /// <summary>Reads up to the scan.</summary>
    /// <returns>Where its entropy-coded bytes begin; −1 where this is no stream for this decoder.</returns>
    public int Read(ReadOnlySpan<byte> jpeg)
    {
        (Width, RestartInterval, _quantisersDefined, _dcDefined, _acDefined, _transform, _jfif) = (0, 0, 0, 0, 0, -1, false);
        int at = 2;
        while (at + 4 <= jpeg.Length && jpeg[at] == 0xFF)
        {
            byte marker = jpeg[at + 1];
            int length = BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 2)..]);
            if (length < 2 || at + 2 + length > jpeg.Length)
                return -1;
            ReadOnlySpan<byte> body = jpeg.Slice(at + 4, length - 2);
            at += 2 + length;
            if (marker == Sos)
                return Scan(body) ? at : -1;
            if (!Segment(marker, body))
                return -1;
        }
        return -1;
    }

    private bool Segment(byte marker, ReadOnlySpan<byte> body)
    {
        switch (marker)
        {
            case Sof0 or Sof1:
                return Frame(body);
            case Dht:
                return Codes(body);
            case Dqt:
                return Quantisers(body);
            case Dri when body.Length == 2:
                RestartInterval = BinaryPrimitives.ReadUInt16BigEndian(body);
                return true;
            case App0:
                _jfif |= body.StartsWith("JFIF\0"u8);
                return true;
            case App14 when body.Length >= 12 && body.StartsWith("Adobe"u8):
                _transform = body[11];
                return true;
            default:
                // Other applications' segments and comments say nothing of the pixels; any other marker is another kind of JPEG.
                return marker is > 0xE0 and <= 0xEF or 0xFE;
        }
    }

    private bool Frame(ReadOnlySpan<byte> body)
    {
        if (Width != 0 || body.Length != 15 || body[0] != 8 || body[5] != 3)
            return false;
        Height = BinaryPrimitives.ReadUInt16BigEndian(body[1..]);
        Width = BinaryPrimitives.ReadUInt16BigEndian(body[3..]);
        for (int i = 0; i < 3; i++)
            Components[i].Name(body[6 + (3 * i)], body[7 + (3 * i)] >> 4, body[7 + (3 * i)] & 15, body[8 + (3 * i)]);
        bool chroma = Components[1].IsOneByOne && Components[2].IsOneByOne
            && Components[0] is { Across: 1, Down: 1 } or { Across: 2, Down: 1 or 2 };
        return Height > 0 && Width > 0 && chroma;
    }

    private bool Codes(ReadOnlySpan<byte> body)
    {
        while (body.Length >= 17)
        {
            int which = body[0] & 15, symbols = 0;
            foreach (byte count in body.Slice(1, 16))
                symbols += count;
            if (which > 3 || body[0] > 0x1F || symbols > 256 || body.Length < 17 + symbols)
                return false;
            JpegHuffman code = body[0] < 0x10 ? _dc[which] : _ac[which];
            if (!code.Define(body.Slice(1, 16), body.Slice(17, symbols)))
                return false;
            if (body[0] < 0x10)
                _dcDefined |= 1 << which;
            else
                _acDefined |= 1 << which;
            body = body[(17 + symbols)..];
        }
        return body.IsEmpty;
    }

    private bool Quantisers(ReadOnlySpan<byte> body)
    {
        // Tables of 16 bits belong to 12-bit images.
        while (body.Length >= 65 && body[0] <= 3)
        {
            short[] table = _quantisers[body[0]];
            for (int k = 0; k < 64; k++)
                table[k] = body[1 + k];
            _quantisersDefined |= 1 << body[0];
            body = body[65..];
        }
        return body.IsEmpty;
    }

    private bool Scan(ReadOnlySpan<byte> body)
    {
        if (Width == 0 || body.Length != 10 || body[0] != 3 || body[7] != 0 || body[8] != 63 || body[9] != 0)
            return false;
        int mcusAcross = (Width + (8 * AcrossChroma) - 1) / (8 * AcrossChroma),
            mcusDown = (Height + (8 * DownChroma) - 1) / (8 * DownChroma);
        for (int i = 0; i < 3; i++)
        {
            JpegComponent component = Components[i];
            int dcCode = body[2 + (2 * i)] >> 4, acCode = body[2 + (2 * i)] & 15;
            if (body[1 + (2 * i)] != component.Id || dcCode > 3 || acCode > 3 || component.Quantiser > 3
                || ((_dcDefined >> dcCode) & (_acDefined >> acCode) & (_quantisersDefined >> component.Quantiser) & 1) == 0)
                return false;
            component.Lay(Width, Height, AcrossChroma, DownChroma, mcusAcross, mcusDown, _quantisers[component.Quantiser], _dc[dcCode],
                _ac[acCode]);
        }
        bool namedRgb = Components[0].Id == 'R' && Components[1].Id == 'G' && Components[2].Id == 'B';
        IsRgb = !_jfif && (_transform >= 0 ? _transform == 0 : namedRgb);
        return true;
    }
}

/// <summary>One of the three components: its samples as a plane, and how they are coded.</summary>
internal sealed class JpegComponent
{
    /// <summary>Bytes that vectors may read past a row, or write past one of scratch.</summary>
    public const int Slack = 64;

    public byte Id { get; private set; }

    public int Across { get; private set; }

    public int Down { get; private set; }

    public int Quantiser { get; private set; }

    public bool IsOneByOne => Across == 1 && Down == 1;

    /// <summary>Samples that count, without what fills the last MCU.</summary>
    public int Columns { get; private set; }

    public int Rows { get; private set; }

    /// <summary>Bytes from row to row of <see cref="Plane"/>.</summary>
    public int Stride { get; private set; }

    /// <summary>Whole MCUs; grows to the largest met and stays.</summary>
    public byte[] Plane { get; private set; } = [];

    /// <summary>In zigzag order.</summary>
    public short[] Quantisers { get; private set; } = [];

    public JpegHuffman Dc { get; private set; } = null!;

    public JpegHuffman Ac { get; private set; } = null!;

    public void Name(byte id, int across, int down, int quantiser) => (Id, Across, Down, Quantiser) = (id, across, down, quantiser);

    public void Lay(int width, int height, int mostAcross, int mostDown, int mcusAcross, int mcusDown, short[] quantisers,
        JpegHuffman dc, JpegHuffman ac)
    {
        Columns = ((width * Across) + mostAcross - 1) / mostAcross;
        Rows = ((height * Down) + mostDown - 1) / mostDown;
        Stride = mcusAcross * Across * 8;
        (Quantisers, Dc, Ac) = (quantisers, dc, ac);
        int bytes = (Stride * mcusDown * Down * 8) + Slack;
        if (Plane.Length < bytes)
            Plane = GC.AllocateUninitializedArray<byte>(bytes);
    }
}
