using System.Runtime.CompilerServices;
using SSLP.Interop.Slides.Jpeg;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>Reads and decodes single tiles. One for each thread: it owns the buffers, which grow to the largest tile met and stay.</summary>
internal sealed class TileDecoder
{
    [ThreadStatic]
    private static TileDecoder? ofThread;

    private readonly JpegDecoder jpegDecoder = JpegDecoder.OfThread;
    private readonly PackedTileDecoder packedDecoder = new();
    private byte[] compressed = [];

    public static TileDecoder OfThread => ofThread ??= new TileDecoder();

    /// <summary>Decodes a tile as RGB rows <paramref name="stride"/> bytes apart. A tile that the file leaves out is white.</summary>
    /// <param name="scale">1, or 2 for half the resolution where <see cref="TiledImage.CanHalve"/>.</param>
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
            ? DecodeJpeg(file, image, prefix, offset, length, width, height, scale, rgb, stride)
            : packedDecoder.Decode(file, image, column, row, rgb, stride);
        if (fault is not null)
            throw Unreadable(file, image, column, row, fault);
    }

    private string? DecodeJpeg(TiffFile file, TiledImage image, JpegPrefix prefix, long offset, int length, int width, int height, int scale, Span<byte> rgb, int stride)
    {
        var buffer = Grow(ref compressed, prefix.Room + length);
        file.Read(offset, buffer[prefix.Room..]);
        prefix.Complete(buffer, out var header);
        return image.AsRgb(header).FaultFor(width, height) ?? jpegDecoder.Decode(buffer, width / scale, height / scale, rgb, stride);
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
