using System.IO.Compression;
using System.Numerics;
using System.Runtime.CompilerServices;
using SSLP.Interop.Slides.Jpeg;
using SSLP.Interop.Slides.Jpeg2000;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>Reads and decodes single tiles. One for each thread: it owns the buffers, which grow to the largest tile met and stay.</summary>
internal sealed class TileDecoder
{
    [ThreadStatic]
    private static TileDecoder? ofThread;

    private readonly JpegDecoder jpegDecoder = JpegDecoder.OfThread;
    private readonly Jpeg2000Decoder jpeg2000Decoder = OpenJpegDecoder.IsSupported ? new OpenJpegDecoder() : new MagickDecoder();
    private LzwDecoder? lzw;
    private byte[] compressed = [];
    private byte[] packed = [];

    public static TileDecoder OfThread => ofThread ??= new TileDecoder();

    /// <summary>Decodes a tile as RGB rows <paramref name="stride"/> bytes apart. A tile that the file leaves out is white.</summary>
    /// <param name="scale">1; 2 for half the resolution where <see cref="TiledImage.CanHalve"/>; any power of two that divides the tile's sides for JPEG 2000.</param>
    /// <exception cref="SlideException"><see cref="SlideFault.TileUnreadable"/>; the span then holds anything.</exception>
    public void Decode(TiffFile file, TiledImage image, int column, int row, int scale, Span<byte> rgb, int stride)
    {
        var (offset, length) = image.Tile(column, row);
        int width = image.TileWidth, height = image.StoredRows(row);
        if (length == 0)
        {
            Slide.FillWhite(rgb, width / scale, height / scale, stride);
            return;
        }
        string? fault = image.Jpeg is { } prefix
            ? DecodeJpeg(file, prefix, offset, length, image.Extent(column, row), scale, rgb, stride)
            : image.Jpeg2000 is { } tiles ? DecodeJpeg2000(file, tiles, offset, length, image.Extent(column, row), scale, rgb, stride)
            : DecodePacked(file, image, offset, length, width, height, rgb, stride);
        if (fault is not null)
            throw Unreadable(file, image, column, row, fault);
    }

    private string? DecodeJpeg(TiffFile file, JpegPrefix prefix, long offset, int length, TileExtent extent, int scale, Span<byte> rgb, int stride)
    {
        var buffer = Grow(ref compressed, prefix.Room + length);
        file.Read(offset, buffer[prefix.Room..]);
        prefix.Complete(buffer, out var header);
        if (header.FaultFor(extent) is { } fault)
            return fault;
        FillBeyond(extent, header.Width, header.Height, scale, rgb, stride);
        return jpegDecoder.Decode(buffer, (header.Width + scale - 1) / scale, (header.Height + scale - 1) / scale, rgb, stride);
    }

    private string? DecodeJpeg2000(TiffFile file, Jpeg2000Tiles tiles, long offset, int length, TileExtent extent, int scale, Span<byte> rgb, int stride)
    {
        var stream = Grow(ref compressed, length);
        file.Read(offset, stream);
        var header = Jpeg2000Header.Read(stream);
        if (header.FaultFor(extent) is { } fault)
            return fault;
        FillBeyond(extent, header.Width, header.Height, scale, rgb, stride);
        return jpeg2000Decoder.Decode(stream, header, tiles.IsYCbCr(header), BitOperations.Log2((uint)scale), rgb, stride);
    }

    /// <summary>An image that leaves out what lies beyond the level's edge: white there, which nobody sees.</summary>
    private static void FillBeyond(TileExtent extent, int width, int height, int scale, Span<byte> rgb, int stride)
    {
        if (width < extent.Width || height < extent.Height)
            Slide.FillWhite(rgb, extent.Width / scale, extent.Height / scale, stride);
    }

    private string? DecodePacked(TiffFile file, TiledImage image, long offset, int length, int width, int height, Span<byte> rgb, int stride)
    {
        int rowBytes = width * 3;
        var bytes = Grow(ref compressed, length);
        file.Read(offset, bytes);
        var pixels = Grow(ref packed, rowBytes * height);
        int decoded = image.Compression switch
        {
            TiffCompression.None => Copy(bytes, pixels),
            TiffCompression.Lzw => (lzw ??= new LzwDecoder()).Decode(bytes, pixels),
            _ => Inflate(compressed, length, pixels),
        };
        if (decoded < pixels.Length)
            return $"it holds {decoded} bytes of pixels where {pixels.Length} are needed";
        for (int y = 0; y < height; y++)
        {
            var target = rgb.Slice(y * stride, rowBytes);
            pixels.Slice(y * rowBytes, rowBytes).CopyTo(target);
            if (image.Predictor)
                Undifference(target);
        }
        return null;
    }

    private static int Copy(ReadOnlySpan<byte> bytes, Span<byte> pixels)
    {
        int count = Math.Min(bytes.Length, pixels.Length);
        bytes[..count].CopyTo(pixels);
        return count;
    }

    /// <summary>Inflates until the tile is full and no further, so a bomb costs nothing.</summary>
    private static int Inflate(byte[] bytes, int length, Span<byte> pixels)
    {
        try
        {
            using var stream = new ZLibStream(new MemoryStream(bytes, 0, length), CompressionMode.Decompress);
            return stream.ReadAtLeast(pixels, pixels.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException)
        {
            return 0;
        }
    }

    /// <summary>Undoes TIFF predictor 2: each byte is the difference from the same band of the pixel to the left.</summary>
    private static void Undifference(Span<byte> row)
    {
        for (int i = 3; i < row.Length; i++)
            row[i] += row[i - 3];
    }

    private static Span<byte> Grow(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, buffer.Length * 2));
        return buffer.AsSpan(0, length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static SlideException Unreadable(TiffFile file, TiledImage image, int column, int row, string fault)
    {
        string where = image.Level < 0 ? "an associated image" : $"level {image.Level}";
        return new SlideException(file.Path, SlideFault.TileUnreadable, $"tile ({column}, {row}) of {where} can't be decoded: {fault.TrimEnd('.')}")
        {
            Tile = new TilePlace(image.Level, column, row),
        };
    }
}
