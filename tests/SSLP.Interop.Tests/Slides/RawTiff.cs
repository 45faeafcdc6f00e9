using System.Buffers.Binary;
using System.Text;

namespace SSLP.Interop.Tests.Slides;

/// <summary>A level of a <see cref="RawTiff"/>: tiles as they are to stand in the file, row by row.</summary>
internal sealed record RawLevel(int Width, int Height, int TileWidth, int TileHeight, byte[][] Tiles)
{
    public int Columns => (Width + TileWidth - 1) / TileWidth;

    public int Rows => (Height + TileHeight - 1) / TileHeight;

    /// <summary>A level whose tiles come from a function of column and row.</summary>
    public static RawLevel Of(int width, int height, int tile, Func<int, int, byte[]> encode)
    {
        int columns = (width + tile - 1) / tile, rows = (height + tile - 1) / tile;
        return new(width, height, tile, tile, [.. Enumerable.Range(0, rows * columns).Select(i => encode(i % columns, i / columns))]);
    }
}

/// <summary>Little-endian tiled TIFFs around tiles that no TIFF library would write.</summary>
/// <param name="Compression">TIFF tag 259.</param>
/// <param name="Photometric">TIFF tag 262.</param>
/// <param name="Description">TIFF tag 270 of every level.</param>
/// <param name="JpegTables">TIFF tag 347, or null for none.</param>
internal sealed record RawTiff(int Compression, int Photometric = 2, string? Description = null, byte[]? JpegTables = null)
{
    public const string Aperio = "Aperio Image Library v11.0.37\r\n1x1 (1x1)|MPP = 0.5";

    public string Write(string folder, params RawLevel[] levels)
    {
        var file = new MemoryStream();
        file.Write("II*\0\0\0\0\0"u8);
        long link = 4;
        foreach (var (number, level) in levels.Index())
            link = Directory(file, link, level, reduced: number > 0);
        string path = Path.Combine(folder, $"{Guid.NewGuid():N}.svs");
        File.WriteAllBytes(path, file.ToArray());
        return path;
    }

    /// <summary>Writes tiles, values and directory of a level, and points to it from the one before.</summary>
    private long Directory(MemoryStream file, long link, RawLevel level, bool reduced)
    {
        var offsets = new List<byte>();
        var lengths = new List<byte>();
        foreach (byte[] tile in level.Tiles)
        {
            offsets.AddRange(Bytes(Append(file, tile)));
            lengths.AddRange(Bytes(tile.Length));
        }
        List<(int Tag, int Type, byte[] Values)> entries =
        [
            (254, 4, Bytes(reduced ? 1 : 0)), (256, 4, Bytes(level.Width)), (257, 4, Bytes(level.Height)), (258, 3, [8, 0, 8, 0, 8, 0]),
            (259, 3, Bytes((ushort)Compression)), (262, 3, Bytes((ushort)Photometric)), (277, 3, Bytes((ushort)3)), (284, 3, Bytes((ushort)1)),
            (322, 4, Bytes(level.TileWidth)), (323, 4, Bytes(level.TileHeight)), (324, 4, [.. offsets]), (325, 4, [.. lengths]),
        ];
        if (Description is not null)
            entries.Add((270, 2, Encoding.ASCII.GetBytes(Description + "\0")));
        if (JpegTables is not null)
            entries.Add((347, 7, JpegTables));
        byte[][] fields = [.. entries.OrderBy(entry => entry.Tag).Select(entry => Field(file, entry.Tag, entry.Type, entry.Values))];
        long at = Append(file, [.. Bytes((ushort)fields.Length), .. fields.SelectMany(field => field), 0, 0, 0, 0]);
        long end = file.Position;
        file.Position = link;
        file.Write(Bytes((int)at));
        file.Position = end;
        return end - 4;
    }

    private static byte[] Field(MemoryStream file, int tag, int type, byte[] values)
    {
        int size = type switch { 3 => 2, 4 => 4, _ => 1 };
        byte[] value = values.Length > 4 ? Bytes((int)Append(file, values)) : [.. values, .. new byte[4 - values.Length]];
        return [.. Bytes((ushort)tag), .. Bytes((ushort)type), .. Bytes(values.Length / size), .. value];
    }

    private static long Append(MemoryStream file, byte[] bytes)
    {
        if (file.Position % 2 == 1)
            file.WriteByte(0);
        long at = file.Position;
        file.Write(bytes);
        return at;
    }

    private static byte[] Bytes(long value) => Bytes((int)value);

    private static byte[] Bytes(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Bytes(ushort value) => [(byte)value, (byte)(value >> 8)];
}
