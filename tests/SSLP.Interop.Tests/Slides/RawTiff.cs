using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using SkiaSharp;

namespace SSLP.Interop.Tests.Slides;

/// <summary>
/// Writes TIFF byte by byte, so that tags can have any type and value, in either byte order, classic or BigTIFF: what a library that writes
/// good files can't.
/// </summary>
internal sealed class RawTiff(bool big = false, bool bigEndian = false)
{
    private readonly List<byte> _bytes = [];
    private readonly List<Image> _images = [];

    /// <summary>The main chain.</summary>
    public IReadOnlyList<Image> Images => _images;

    /// <summary>Offset that is written after the last directory instead of 0.</summary>
    public long NextAtEnd { get; set; }

    /// <summary>An image to be described tag by tag.</summary>
    public sealed class Image
    {
        public SortedDictionary<int, (int Type, object[] Values)> Tags { get; } = [];

        public List<Image> Subs { get; } = [];

        public Image With(int tag, int type, params object[] values)
        {
            Tags[tag] = (type, values);
            return this;
        }

        public Image Without(int tag)
        {
            Tags.Remove(tag);
            return this;
        }

        public Image Text(int tag, string text) => With(tag, 2, [.. Encoding.UTF8.GetBytes(text + "\0").Cast<object>()]);
    }

    /// <summary>Adds an image to the main chain.</summary>
    public Image Add(Image image)
    {
        _images.Add(image);
        return image;
    }

    /// <summary>A tiled RGB image of the pixels of <see cref="TiffFixture"/>, JPEG or deflate.</summary>
    /// <param name="level">Which level's pixels.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="reduced">Flagged as a reduced image.</param>
    /// <param name="tile">Side of a tile.</param>
    /// <param name="jpeg">JPEG; else deflate.</param>
    /// <param name="pixel">Other pixels than those.</param>
    public Image Picture(int level, int width, int height, bool reduced = false, int tile = 64, bool jpeg = true,
        Func<int, int, (byte R, byte G, byte B)>? pixel = null)
    {
        pixel ??= (x, y) =>
        {
            Span<byte> rgb = stackalloc byte[3];
            TiffFixture.Pixel(level, x, y, rgb);
            return (rgb[0], rgb[1], rgb[2]);
        };
        var tiles = new List<byte[]>();
        for (int top = 0; top < height; top += tile)
        {
            for (int left = 0; left < width; left += tile)
                tiles.Add(Encode(pixel, left, top, tile, jpeg));
        }
        Image image = Bands(width, height, tile, jpeg ? 7 : 8, jpeg ? 6 : 2, 3, 8, tiles);
        return reduced ? image.With(254, 4, 1u) : image;
    }

    /// <summary>A tiled image of given bands and tiles.</summary>
    public Image Bands(int width, int height, int tile, int compression, int photometric, int samples, int bits, List<byte[]> tiles)
    {
        object[] places = [.. tiles.Select(data => (object)(uint)Put(data))];
        return new Image()
            .With(256, 4, (uint)width).With(257, 4, (uint)height)
            .With(258, 3, [.. Enumerable.Repeat((object)(ushort)bits, samples)])
            .With(259, 3, (ushort)compression).With(262, 3, (ushort)photometric)
            .With(277, 3, (ushort)samples).With(284, 3, (ushort)1)
            .With(322, 4, (uint)tile).With(323, 4, (uint)tile)
            .With(324, 4, places).With(325, 4, [.. tiles.Select(data => (object)(uint)data.Length)]);
    }

    public string Write(string folder, string extension = ".tif")
    {
        string path = Path.Combine(folder, $"{Guid.NewGuid():N}{extension}");
        File.WriteAllBytes(path, ToArray());
        return path;
    }

    public byte[] ToArray()
    {
        long next = NextAtEnd;
        foreach (Image image in Enumerable.Reverse(_images))
            next = PutDirectory(image, next);
        var header = new List<byte>(bigEndian ? "MM"u8.ToArray() : "II"u8.ToArray());
        Put(header, big ? 43u : 42u, 2);
        if (big)
        {
            Put(header, 8, 2);
            Put(header, 0, 2);
        }
        Put(header, (ulong)next, big ? 8 : 4);
        byte[] all = [.. _bytes];
        header.ToArray().CopyTo(all, 0);
        return all;
    }

    public static byte[] Deflate(byte[] data)
    {
        using var to = new MemoryStream();
        using (var zlib = new ZLibStream(to, CompressionLevel.Fastest))
            zlib.Write(data);
        return to.ToArray();
    }

    private static byte[] Encode(Func<int, int, (byte R, byte G, byte B)> pixel, int left, int top, int tile, bool jpeg)
    {
        byte[] rgba = new byte[tile * tile * 4], rgb = new byte[tile * tile * 3];
        for (int i = 0; i < tile * tile; i++)
        {
            (byte r, byte g, byte b) = pixel(left + (i % tile), top + (i / tile));
            (rgba[i * 4], rgba[(i * 4) + 1], rgba[(i * 4) + 2], rgba[(i * 4) + 3]) = (r, g, b, 255);
            (rgb[i * 3], rgb[(i * 3) + 1], rgb[(i * 3) + 2]) = (r, g, b);
        }
        if (!jpeg)
            return Deflate(rgb);
        using var image = SKImage.FromPixelCopy(new SKImageInfo(tile, tile, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba);
        using SKPixmap pixels = image.PeekPixels();
        var options = new SKJpegEncoderOptions(95, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore);
        using SKData data = pixels.Encode(options)!;
        return data.ToArray();
    }

    /// <summary>Appends data on an even place; the header's room comes first.</summary>
    private long Put(byte[] data)
    {
        if (_bytes.Count == 0)
            _bytes.AddRange(new byte[16]);
        if (_bytes.Count % 2 == 1)
            _bytes.Add(0);
        _bytes.AddRange(data);
        return _bytes.Count - data.Length;
    }

    private long PutDirectory(Image image, long next)
    {
        if (image.Subs.Count > 0)
            image.With(330, big ? 18 : 13,
                [.. image.Subs.Select(sub => big ? (object)(ulong)PutDirectory(sub, 0) : (uint)PutDirectory(sub, 0))]);
        var table = new List<byte>();
        Put(table, (ulong)image.Tags.Count, big ? 8 : 2);
        foreach ((int tag, (int type, object[] values)) in image.Tags)
        {
            var data = new List<byte>();
            foreach (object value in values)
                PutValue(data, type, value);
            Put(table, (ulong)tag, 2);
            Put(table, (ulong)type, 2);
            Put(table, (ulong)values.Length, big ? 8 : 4);
            int room = big ? 8 : 4;
            if (data.Count > room)
                Put(table, (ulong)Put([.. data]), room);
            else
                table.AddRange([.. data, .. new byte[room - data.Count]]);
        }
        Put(table, (ulong)next, big ? 8 : 4);
        return Put([.. table]);
    }

    private void PutValue(List<byte> to, int type, object value)
    {
        switch (type)
        {
            case 5 or 10:
                (long numerator, long denominator) = ((long, long))value;
                Put(to, (ulong)numerator, 4);
                Put(to, (ulong)denominator, 4);
                break;
            case 11:
                Put(to, BitConverter.SingleToUInt32Bits((float)value), 4);
                break;
            case 12:
                Put(to, BitConverter.DoubleToUInt64Bits((double)value), 8);
                break;
            default:
                int size = type switch { 1 or 2 or 6 or 7 => 1, 3 or 8 => 2, 4 or 9 or 13 => 4, _ => 8 };
                ulong bits = value is IConvertible convertible && convertible.ToDecimal(null) is var number && number < 0
                    ? (ulong)(long)number : Convert.ToUInt64(value, null);
                Put(to, bits, size);
                break;
        }
    }

    private void Put(List<byte> to, ulong value, int size)
    {
        Span<byte> eight = stackalloc byte[8];
        if (bigEndian)
            BinaryPrimitives.WriteUInt64BigEndian(eight, value);
        else
            BinaryPrimitives.WriteUInt64LittleEndian(eight, value);
        to.AddRange(bigEndian ? eight[(8 - size)..] : eight[..size]);
    }
}
