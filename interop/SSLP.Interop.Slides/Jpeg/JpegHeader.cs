using System.Buffers.Binary;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>What a JPEG stream says of itself before its first scan.</summary>
/// <param name="Width">Columns; 0 where there is no frame header.</param>
/// <param name="Height">Rows.</param>
/// <param name="Components">1 grey, 3 colour.</param>
/// <param name="Subsampled">Whether any component has fewer samples than another: only chroma is ever stored so.</param>
/// <param name="HasScan">Whether image data follow.</param>
internal readonly record struct JpegHeader(int Width, int Height, int Components, bool Subsampled, bool HasScan)
{
    /// <summary>Reads the markers up to the first scan. Whatever is malformed ends the reading; the decoder will say so.</summary>
    public static JpegHeader Read(ReadOnlySpan<byte> jpeg)
    {
        JpegHeader header = default;
        var markers = new JpegMarkers(jpeg);
        while (markers.Next())
            header = header.With(markers.Marker, markers.Body) with { HasScan = markers.IsScan };
        return header;
    }

    /// <summary>Why a stream of this header can't be that tile; null where it can.</summary>
    public string? FaultFor(TileExtent extent) =>
        !HasScan || Width == 0 ? "it holds no JPEG image"
        : Components != 3 ? $"its JPEG image has {Components} band{(Components == 1 ? "" : "s")} where 3 are needed"
        : extent.FaultFor("JPEG", Width, Height);

    private JpegHeader With(byte marker, ReadOnlySpan<byte> body)
    {
        if (!IsFrame(marker) || body.Length < 6 || body.Length < 6 + (3 * body[5]))
            return this;
        int components = body[5];
        bool subsampled = false;
        for (int i = 1; i < components; i++)
            subsampled |= body[6 + (3 * i) + 1] != body[7];
        return this with
        {
            Height = BinaryPrimitives.ReadUInt16BigEndian(body[1..]),
            Width = BinaryPrimitives.ReadUInt16BigEndian(body[3..]),
            Components = components,
            Subsampled = subsampled,
        };
    }

    // SOF0 … SOF15 without DHT (C4), JPG (C8) and DAC (CC).
    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
}
