using System.Buffers.Binary;
using System.IO.Compression;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// Decodes tiles whose bytes are pixels once they are unpacked: none, LZW, deflate. For one thread; its buffers grow to the largest tile
/// and stay.
/// </summary>
internal sealed class PackedTileDecoder
{
    private LzwDecoder? _lzw;
    private byte[] _compressed = [];
    private byte[] _packed = [];
    private byte[] _row = [];

    /// <summary>Decodes a tile as RGB rows.</summary>
    /// <returns>Null, or why it can't be decoded.</returns>
    public string? Decode(TiffFile file, TiledImage image, int column, int gridRow, Span<byte> rgb, int stride)
    {
        PixelLayout layout = image.Pixels;
        int width = image.TileWidth, height = image.StoredRows(gridRow);
        int rowBytes = width * layout.TileBytesPerPixel, planeBytes = rowBytes * height;
        Span<byte> pixels = Grow(ref _packed, planeBytes * layout.Planes);
        for (int plane = 0; plane < layout.Planes; plane++)
        {
            (long offset, int length) = image.Tile(column, gridRow, plane);
            Span<byte> target = pixels.Slice(plane * planeBytes, planeBytes);
            int decoded = Unpack(file, image.Compression, offset, length, target);
            if (decoded < planeBytes)
                return $"it holds {decoded} bytes of pixels where {planeBytes} are needed";
            for (int y = 0; y < height; y++)
                Restore(target.Slice(y * rowBytes, rowBytes), layout, image.Predictor, file.BigEndian);
        }
        Span<byte> interleaved = Grow(ref _row, layout.Planar ? width * layout.BytesPerPixel : 0);
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> bands = pixels.Slice(y * rowBytes, rowBytes);
            if (layout.Planar)
            {
                for (int plane = 0; plane < layout.Planes; plane++)
                    Interleave(pixels.Slice((plane * planeBytes) + (y * rowBytes), rowBytes), interleaved, plane, layout);
                bands = interleaved;
            }
            layout.ToRgb(bands, rgb.Slice(y * stride, width * 3));
        }
        return null;
    }

    private int Unpack(TiffFile file, TiffCompression compression, long offset, int length, Span<byte> pixels)
    {
        if (compression == TiffCompression.None)
        {
            int count = Math.Min(length, pixels.Length);
            file.Read(offset, pixels[..count]);
            return count;
        }
        Span<byte> bytes = Grow(ref _compressed, length);
        file.Read(offset, bytes);
        return compression == TiffCompression.Lzw ? (_lzw ??= new LzwDecoder()).Decode(bytes, pixels)
            : Inflate(_compressed, length, pixels);
    }

    /// <summary>Inflates until the tile is full and no further, so a bomb costs nothing.</summary>
    private static int Inflate(byte[] bytes, int length, Span<byte> pixels)
    {
        try
        {
            using var stream = new ZLibStream(new MemoryStream(bytes, 0, length), CompressionMode.Decompress);
            return stream.ReadAtLeast(pixels, pixels.Length, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // The second where the stream asks for a dictionary that nobody has.
            return 0;
        }
    }

    /// <summary>
    /// Brings a row to the processor's byte order and undoes TIFF predictor 2: each band is the difference from the same band of the pixel
    /// to the left.
    /// </summary>
    private static void Restore(Span<byte> bytes, PixelLayout layout, bool predictor, bool bigEndian)
    {
        int samples = layout.Planar ? 1 : layout.Samples;
        if (layout.Bits == 8)
        {
            for (int i = samples; predictor && i < bytes.Length; i++)
                bytes[i] += bytes[i - samples];
            return;
        }
        for (int i = 0; i < bytes.Length; i += 2)
        {
            Span<byte> band = bytes[i..];
            int value = bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(band) : BinaryPrimitives.ReadUInt16LittleEndian(band);
            if (predictor && i >= 2 * samples)
                value += BitConverter.ToUInt16(bytes[(i - (2 * samples))..]);
            BitConverter.TryWriteBytes(band, (ushort)value);
        }
    }

    private static void Interleave(ReadOnlySpan<byte> plane, Span<byte> bands, int band, PixelLayout layout)
    {
        int size = layout.Bits / 8, step = layout.BytesPerPixel;
        for (int from = 0, to = band * size; from < plane.Length; from += size, to += step)
            plane.Slice(from, size).CopyTo(bands[to..]);
    }

    private static Span<byte> Grow(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, buffer.Length * 2));
        return buffer.AsSpan(0, length);
    }
}
