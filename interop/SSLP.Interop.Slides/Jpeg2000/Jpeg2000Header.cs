using System.Buffers.Binary;

namespace SSLP.Interop.Slides.Jpeg2000;

/// <summary>
/// What a JPEG 2000 stream (ITU-T T.800 annex A; in boxes, annex I) says of itself, read before any library sees it: a few bytes of it can
/// ask a decoder for gigabytes or hours.
/// </summary>
internal struct Jpeg2000Header
{
    private const ushort Soc = 0xFF4F, Siz = 0xFF51, Cod = 0xFF52, Coc = 0xFF53, Sot = 0xFF90, Sod = 0xFF93;

    /// <summary>Precincts and code blocks of all components and tiles; real tiles have a hundred.</summary>
    private const long MostParts = 1 << 18;

    /// <summary>Packets of one resolution of one component.</summary>
    private const long MostPackets = 1 << 17;

    private int _tileWidth, _tileHeight, _tiles;

    /// <summary>Where the codestream begins; behind boxes if there are any.</summary>
    public int Start { get; private set; }

    public int Width { get; private set; }

    public int Height { get; private set; }

    public int Components { get; private set; }

    /// <summary>Columns and rows of the image to a chroma sample.</summary>
    public int ChromaAcross { get; private set; }

    public int ChromaDown { get; private set; }

    /// <summary>How often the stream itself stores its image halved: the fewest of all components and tiles.</summary>
    public int Halvings { get; private set; }

    /// <summary>Whether it was made with the reversible 5/3 wavelet; else the 9/7 one.</summary>
    public bool Reversible { get; private set; }

    /// <summary>Whether the components were decorrelated inside of the stream: they are RGB then, whatever a tag says.</summary>
    public bool Decorrelated { get; private set; }

    /// <summary>Whether its boxes say that it is YCbCr (sYCC).</summary>
    public bool BoxedYCbCr { get; private set; }

    /// <summary>Why it can't be decoded; null where nothing speaks against it.</summary>
    public string? Fault { get; private set; }

    /// <summary>Reads the main header and those of the stream's own tiles, as far as the bytes go.</summary>
    public static Jpeg2000Header Read(ReadOnlySpan<byte> stream)
    {
        var header = new Jpeg2000Header { Halvings = int.MaxValue };
        header.Start = Jpeg2000Boxes.FindCodestream(stream, out bool yCbCr);
        header.BoxedYCbCr = yCbCr;
        if (header.Start < 0 || stream.Length < header.Start + 4 || Word(stream[header.Start..]) != Soc)
            header.Fault = "it holds no JPEG 2000 image";
        else
            header.ReadMarkers(stream[header.Start..]);
        if (header.Fault is null && (header.Width == 0 || header.Halvings == int.MaxValue))
            header.Fault = "it holds no JPEG 2000 image";
        return header;
    }

    /// <summary>Why a stream of this header can't be that tile; null where it can.</summary>
    /// <param name="extent">The tile.</param>
    /// <param name="samples">Bands of the image: 1 or 3.</param>
    public readonly string? FaultFor(TileExtent extent, int samples) =>
        Fault ?? (Components == samples
            ? extent.FaultFor("JPEG 2000", Width, Height)
            : $"its JPEG 2000 image has {Components} band{(Components == 1 ? "" : "s")} where {(samples == 1 ? "1 is" : "3 are")} needed");

    private void ReadMarkers(ReadOnlySpan<byte> stream)
    {
        int at = 2, tilePart = -1;
        while (Fault is null && at + 4 <= stream.Length)
        {
            int marker = Word(stream[at..]), length = Word(stream[(at + 2)..]);
            if (marker == Sod)
            {
                // On to the next of the stream's tiles; a length of 0 means that this is the last.
                long tileBytes = BinaryPrimitives.ReadUInt32BigEndian(stream[(tilePart + 6)..]);
                if (tileBytes < 14 || tileBytes > stream.Length - tilePart)
                    return;
                at = tilePart + (int)tileBytes;
                if (at + 2 > stream.Length || Word(stream[at..]) != Sot)
                    return;
                continue;
            }
            if (marker < 0xFF00 || length < 2)
            {
                Fault = "its JPEG 2000 header is broken";
                return;
            }
            if (at + 2 + length > stream.Length)
                return;
            if (marker == Sot)
            {
                if (length != 10)
                    Fault = "its JPEG 2000 header is broken";
                tilePart = at;
            }
            else if (tilePart < 0 && marker == Siz)
                Size(stream.Slice(at + 4, length - 2));
            else if (marker == Cod)
                Coding(stream.Slice(at + 4, length - 2));
            else if (marker == Coc)
                ComponentCoding(stream.Slice(at + 4, length - 2));
            at += 2 + length;
        }
    }

    private void Size(ReadOnlySpan<byte> body)
    {
        if (body.Length < 36 || Width != 0)
        {
            Fault = "its JPEG 2000 header is broken";
            return;
        }
        // Rsiz, then the image's far and near corner, a tile's size and the first tile's corner.
        Span<long> corner = stackalloc long[8];
        for (int i = 0; i < 8; i++)
            corner[i] = BinaryPrimitives.ReadUInt32BigEndian(body[(2 + (4 * i))..]);
        long width = corner[0] - corner[2], height = corner[1] - corner[3];
        Components = Word(body[34..]);
        if (width < 1 || height < 1 || width > int.MaxValue || height > int.MaxValue || corner[4] < 1 || corner[5] < 1
            || corner[6] > corner[2] || corner[7] > corner[3] || body.Length < 36 + (3 * Components))
        {
            Fault = "its JPEG 2000 header is broken";
            return;
        }
        if (corner[2] != 0 || corner[3] != 0)
        {
            Fault = "its JPEG 2000 image does not begin at the corner of its grid";
            return;
        }
        (Width, Height) = ((int)width, (int)height);
        (_tileWidth, _tileHeight) = ((int)Math.Min(corner[4], width), (int)Math.Min(corner[5], height));
        long tiles = ((width + corner[4] - 1) / corner[4]) * ((height + corner[5] - 1) / corner[5]);
        _tiles = (int)Math.Min(tiles, int.MaxValue);
        Fault = ComponentsFault(body[36..]);
    }

    private string? ComponentsFault(ReadOnlySpan<byte> body)
    {
        if (Components is not (1 or 3))
            return $"its JPEG 2000 image has {Components} bands where 1 or 3 are read";
        (ChromaAcross, ChromaDown) = (1, 1);
        for (int i = 0; i < Components; i++)
        {
            int depth = body[3 * i], across = body[(3 * i) + 1], down = body[(3 * i) + 2];
            if (depth != 7)
                return $"its JPEG 2000 image has {(depth & 127) + 1} {(depth >= 128 ? "signed " : "")}bits a band where 8 are needed";
            bool whole = across == 1 && down == 1;
            if (i == 0 ? !whole : across is not (1 or 2 or 4) || down is not (1 or 2 or 4))
                return $"its JPEG 2000 bands are stored at 1/{across} and 1/{down} of its size";
            if (i == 2 && (across != ChromaAcross || down != ChromaDown))
                return "its JPEG 2000 bands are stored at three sizes";
            if (i == 1)
                (ChromaAcross, ChromaDown) = (across, down);
        }
        return null;
    }

    /// <summary>Scod, progression, layers, component transform, then as of a component.</summary>
    private void Coding(ReadOnlySpan<byte> body)
    {
        if (Width == 0 || body.Length < 10)
        {
            Fault = "its JPEG 2000 header is broken";
            return;
        }
        int layers = Word(body[2..]);
        Decorrelated |= body[4] == 1;
        Styles(body[5..], ownPrecincts: (body[0] & 1) != 0, layers);
    }

    /// <summary>Component, Scoc, then as above.</summary>
    private void ComponentCoding(ReadOnlySpan<byte> body)
    {
        if (Width == 0 || body.Length < 7)
            Fault = "its JPEG 2000 header is broken";
        else
            Styles(body[2..], ownPrecincts: (body[1] & 1) != 0, layers: 1);
    }

    private void Styles(ReadOnlySpan<byte> body, bool ownPrecincts, int layers)
    {
        int halvings = body[0], blockWidth = body[1] + 2, blockHeight = body[2] + 2;
        if (halvings > 32 || blockWidth > 10 || blockHeight > 10 || blockWidth + blockHeight > 12 || layers == 0
            || (ownPrecincts && body.Length < 5 + halvings + 1))
        {
            Fault = "its JPEG 2000 header is broken";
            return;
        }
        Halvings = Math.Min(Halvings, halvings);
        Reversible = body[4] == 1;
        long parts = 0, precincts = 0;
        for (int resolution = 0; resolution <= halvings; resolution++)
        {
            int shift = halvings - resolution;
            int packed = ownPrecincts ? body[5 + resolution] : 0xFF, precinctWidth = packed & 15, precinctHeight = packed >> 4;
            long ofResolution = Count(_tileWidth, shift, precinctWidth) * Count(_tileHeight, shift, precinctHeight);
            precincts = Math.Max(precincts, ofResolution);
            int across = Math.Min(blockWidth, precinctWidth), down = Math.Min(blockHeight, precinctHeight);
            parts += ofResolution + (Count(_tileWidth, shift, across) * Count(_tileHeight, shift, down));
        }
        if (parts * 3 * _tiles > MostParts || precincts * layers > MostPackets)
            Fault = "its JPEG 2000 image claims more parts than any slide has";
    }

    /// <summary>Pieces of 2^<paramref name="piece"/> in a side that was halved so often.</summary>
    private static long Count(int side, int halvings, int piece)
    {
        long halved = (side + (1L << halvings) - 1) >> halvings;
        return (halved + (1L << piece) - 1) >> piece;
    }

    private static int Word(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16BigEndian(bytes);
}
