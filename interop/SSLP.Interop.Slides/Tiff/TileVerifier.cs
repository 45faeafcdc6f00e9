using SSLP.Interop.Slides.Jpeg;
using SSLP.Interop.Slides.Jpeg2000;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>Looks at every tile of an image: at its header, or deep, at all of its pixels.</summary>
internal static class TileVerifier
{
    public static void Verify(TiffFile file, TiledImage image, bool deep, TileCheck.Tally tally, CancellationToken cancellation)
    {
        byte[] buffer = new byte[deep ? image.TileWidth * image.TileHeight * 3 : TiffLimits.HeaderBytes];
        for (int row = 0; row < image.Rows; row++)
        {
            for (int column = 0; column < image.Columns; column++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (image.Tile(column, row).Length == 0)
                    tally.Absent();
                else if (Fault(file, image, column, row, deep, buffer) is { } fault)
                    tally.Unreadable(fault);
                else
                    tally.Readable();
            }
        }
    }

    private static SlideException? Fault(TiffFile file, TiledImage image, int column, int row, bool deep, byte[] buffer)
    {
        try
        {
            if (deep)
            {
                TileDecoder.Decode(file, image, column, row, scale: 1, buffer, image.TileWidth * 3);
                return null;
            }
            return HeaderFault(file, image, column, row, buffer) is { } reason
                ? TileDecoder.Unreadable(file, image, column, row, reason)
                : null;
        }
        catch (SlideException fault)
        {
            return fault;
        }
    }

    private static string? HeaderFault(TiffFile file, TiledImage image, int column, int row, byte[] buffer)
    {
        (long offset, int length) = image.Tile(column, row);
        Span<byte> bytes = buffer.AsSpan(0, Math.Min(length, buffer.Length));
        file.Read(offset, bytes);
        int height = image.StoredRows(row);
        return image.Compression switch
        {
            TiffCompression.Jpeg => image.AsRgb(JpegHeader.Read(bytes)).FaultFor(image.Extent(column, row)),
            _ when image.Jpeg2000 is not null => Jpeg2000Header.Read(bytes).FaultFor(image.Extent(column, row), image.Pixels.Samples),
            TiffCompression.None => length < (long)image.TileWidth * height * image.Pixels.TileBytesPerPixel
                ? $"it has {length} bytes where {image.TileWidth} × {height} pixels are needed" : null,
            // RFC 1950: deflate in the low four bits, and the two bytes a multiple of 31.
            TiffCompression.Deflate or TiffCompression.AdobeDeflate =>
                length >= 2 && (bytes[0] & 15) == 8 && ((bytes[0] << 8) | bytes[1]) % 31 == 0 ? null
                    : "it does not begin as a deflate stream does",
            _ => null,
        };
    }
}
