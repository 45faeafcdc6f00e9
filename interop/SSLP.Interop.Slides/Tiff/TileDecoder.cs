using System.Numerics;
using System.Runtime.CompilerServices;
using SSLP.Interop.Slides.Jpeg;
using SSLP.Interop.Slides.Jpeg2000;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// Reads and decodes single tiles. For one thread at a time, lent by <see cref="TiffSharing"/>: it owns the buffers, which grow to the
/// largest tile met and stay.
/// </summary>
internal sealed class TileDecoder(JpegChoice jpeg, IReadWatch? watch = null) : IDisposable
{
    private readonly JpegDecoder _jpeg = JpegDecoder.Create(jpeg);
    private readonly Jpeg2000Decoder _jpeg2000 = OpenJpegDecoder.IsSupported ? new OpenJpegDecoder() : new MagickDecoder();
    private readonly PackedTileDecoder _packed = new();
    private byte[] _compressed = [];

    public string JpegDecoderName => _jpeg.Name;

    public string Jpeg2000DecoderName => _jpeg2000.Name;

    /// <summary>Decodes a tile as RGB rows <paramref name="stride"/> bytes apart, with a decoder of those that the file shares. A tile that
    /// the file leaves out is white.</summary>
    /// <param name="scale">
    /// 1; 2 for half the resolution where <see cref="TiledImage.CanHalve"/>; for JPEG 2000 any power of two that divides the tile's sides.
    /// </param>
    /// <exception cref="SlideException"><see cref="SlideFault.TileUnreadable"/>; the span then holds anything.</exception>
    public static void Decode(TiffFile file, TiledImage image, int column, int row, int scale, Span<byte> rgb, int stride)
    {
        if (image.Tile(column, row).Length == 0)
        {
            Slide.FillWhite(rgb, image.TileWidth / scale, image.StoredRows(row) / scale, stride);
            return;
        }
        TileDecoder decoder = file.Sharing.RentDecoder();
        try
        {
            decoder.DecodeStored(file, image, column, row, scale, rgb, stride);
        }
        finally
        {
            file.Sharing.Return(decoder);
        }
    }

    /// <summary>A tile's bytes as the file has them; of one that keeps its planes apart, the first plane's.</summary>
    public static byte[] Load(TiffFile file, TiledImage image, int column, int row)
    {
        (long offset, int length) = image.Tile(column, row);
        byte[] stream = new byte[length];
        file.Read(offset, stream);
        return stream;
    }

    /// <summary>Decodes a tile of which the bytes are in memory; one that is neither JPEG nor JPEG 2000 is read from the file.</summary>
    /// <returns>Null, or why it can't be decoded.</returns>
    public static string? Decode(
        TiffSharing sharing, TiffFile file, TiledImage image, int column, int row, byte[] stream, int scale, Span<byte> rgb)
    {
        int stride = image.TileWidth / scale * 3;
        if (stream.Length == 0)
        {
            Slide.FillWhite(rgb, image.TileWidth / scale, image.StoredRows(row) / scale, stride);
            return null;
        }
        TileDecoder decoder = sharing.RentDecoder();
        try
        {
            if (image.Jpeg2000 is { } tiles)
                return decoder.DecodeJpeg2000(image, tiles, stream, image.Extent(column, row), scale, rgb, stride);
            if (image.Jpeg is not { } prefix)
                return decoder._packed.Decode(file, image, column, row, rgb, stride);
            Span<byte> buffer = Grow(ref decoder._compressed, prefix.Room + stream.Length);
            stream.CopyTo(buffer[prefix.Room..]);
            return decoder.DecodeJpeg(image, prefix, buffer, image.Extent(column, row), scale, rgb, stride);
        }
        finally
        {
            sharing.Return(decoder);
        }
    }

    /// <summary>Decodes a JPEG stream that is no tile.</summary>
    /// <returns>Null, or why it can't be decoded.</returns>
    public static string? Decode(TiffSharing sharing, ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb)
    {
        TileDecoder decoder = sharing.RentDecoder();
        try
        {
            return decoder._jpeg.Decode(jpeg, width, height, rgb, width * 3);
        }
        finally
        {
            sharing.Return(decoder);
        }
    }

    public void Dispose() => _jpeg.Dispose();

    private void DecodeStored(TiffFile file, TiledImage image, int column, int row, int scale, Span<byte> rgb, int stride)
    {
        string? fault = image.Jpeg is { } prefix
            ? DecodeJpeg(file, image, prefix, column, row, scale, rgb, stride)
            : image.Jpeg2000 is { } tiles ? DecodeJpeg2000(file, image, tiles, column, row, scale, rgb, stride)
            : DecodePacked(file, image, column, row, rgb, stride);
        if (fault is not null)
            throw Unreadable(file, image, column, row, fault);
    }

    private string? DecodeJpeg(TiffFile file, TiledImage image, JpegPrefix prefix, int column, int row, int scale,
        Span<byte> rgb, int stride)
    {
        (long offset, int length) = image.Tile(column, row);
        Span<byte> buffer = Grow(ref _compressed, prefix.Room + length);
        file.Read(offset, buffer[prefix.Room..]);
        using var decoding = new ReadRange(watch, ReadStage.Decode, BytesOf(image, row, scale));
        return DecodeJpeg(image, prefix, buffer, image.Extent(column, row), scale, rgb, stride);
    }

    /// <param name="image">The tile's image.</param>
    /// <param name="prefix">What goes in front of it.</param>
    /// <param name="buffer">The tile's bytes, behind the prefix's room.</param>
    private string? DecodeJpeg(
        TiledImage image, JpegPrefix prefix, Span<byte> buffer, TileExtent extent, int scale, Span<byte> rgb, int stride)
    {
        prefix.Complete(buffer, out JpegHeader header);
        if (image.AsRgb(header).FaultFor(extent) is { } fault)
            return fault;
        FillBeyond(extent, header.Width, header.Height, scale, rgb, stride);
        return _jpeg.Decode(buffer, (header.Width + scale - 1) / scale, (header.Height + scale - 1) / scale, rgb, stride);
    }

    private string? DecodeJpeg2000(TiffFile file, TiledImage image, Jpeg2000Tiles tiles, int column, int row, int scale,
        Span<byte> rgb, int stride)
    {
        (long offset, int length) = image.Tile(column, row);
        Span<byte> stream = Grow(ref _compressed, length);
        file.Read(offset, stream);
        using var decoding = new ReadRange(watch, ReadStage.Decode, BytesOf(image, row, scale));
        return DecodeJpeg2000(image, tiles, stream, image.Extent(column, row), scale, rgb, stride);
    }

    private string? DecodeJpeg2000(
        TiledImage image, Jpeg2000Tiles tiles, ReadOnlySpan<byte> stream, TileExtent extent, int scale, Span<byte> rgb, int stride)
    {
        var header = Jpeg2000Header.Read(stream);
        if (header.FaultFor(extent, image.Pixels.Samples) is { } fault)
            return fault;
        FillBeyond(extent, header.Width, header.Height, scale, rgb, stride);
        return _jpeg2000.Decode(stream, header, tiles.IsYCbCr(header), BitOperations.Log2((uint)scale), rgb, stride);
    }

    /// <summary>Planes are read as they are unpacked: reading is in the stage, too.</summary>
    private string? DecodePacked(TiffFile file, TiledImage image, int column, int row, Span<byte> rgb, int stride)
    {
        using var decoding = new ReadRange(watch, ReadStage.Decode, BytesOf(image, row, 1));
        return _packed.Decode(file, image, column, row, rgb, stride);
    }

    private static long BytesOf(TiledImage image, int row, int scale) =>
        (long)image.TileWidth / scale * (image.StoredRows(row) / scale) * 3;

    /// <summary>An image that leaves out what lies beyond the level's edge: white there, which nobody sees.</summary>
    private static void FillBeyond(TileExtent extent, int width, int height, int scale, Span<byte> rgb, int stride)
    {
        if (width < extent.Width || height < extent.Height)
            Slide.FillWhite(rgb, extent.Width / scale, extent.Height / scale, stride);
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
        return new SlideException(file.Path, SlideFault.TileUnreadable,
            $"tile ({column}, {row}) of {where} can't be decoded: {fault.TrimEnd('.')}")
        {
            Tile = new TilePlace(image.Level, column, row),
        };
    }
}
