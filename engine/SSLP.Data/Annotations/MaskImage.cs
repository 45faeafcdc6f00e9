using BitMiracle.LibTiff.Classic;
using SSLP.Data.Files;

namespace SSLP.Data.Annotations;

/// <summary>
/// A mask of a slide as TIFF: one band whose value is the class of a pixel, 0 for none, at the slide's size or a whole downsample of it,
/// tiled or in strips, one level or a pyramid. Classes are called by their value unless names are given.
/// </summary>
internal static class MaskImage
{
    /// <summary>More values than this are a picture.</summary>
    private const int MaxClasses = 64;

    /// <summary>Mask pixels across a patch that are enough to know a share to 1/16.</summary>
    private const double EnoughPixels = 16;

    /// <param name="path">The TIFF.</param>
    /// <param name="width">Columns of the slide's level 0, px.</param>
    /// <param name="height">Rows of the slide's level 0, px.</param>
    /// <param name="grid">The patches.</param>
    /// <param name="names">Class by value; a value without a name is called by its number.</param>
    /// <exception cref="Fault">It is no such mask, or of another shape than the slide.</exception>
    public static ClassGrid Read(string path, long width, long height, CellGrid grid, IReadOnlyDictionary<int, string>? names)
    {
        try
        {
            return TiffReading.Use(path, tiff => Read(path, tiff, width, height, grid, names));
        }
        catch (Fault fault) when (!fault.Message.Contains(path, StringComparison.Ordinal))
        {
            throw new Fault(fault.Kind, $"{path} can't serve as a mask: {fault.Message.TrimEnd('.')}.", fault);
        }
    }

    private static ClassGrid Read(string path, Tiff tiff, long width, long height, CellGrid grid, IReadOnlyDictionary<int, string>? names)
    {
        int directory = FinestThatServes(path, tiff, width, height, grid);
        tiff.SetDirectory((short)directory);
        TiffReading.Check(tiff, new FileInfo(path).Length);
        (int columns, int rows) = Size(tiff);
        var counts = new SortedDictionary<byte, int[]>();
        int[] totals = new int[grid.Columns * grid.Rows];
        double scaleX = (double)columns / width, scaleY = (double)rows / height;
        int[] cellOfColumn = [.. Enumerable.Range(0, columns)
            .Select(x => Cell((((x + 0.5) / scaleX) - grid.Left) / grid.CellWidth, grid.Columns))];
        ReadRows(path, tiff, columns, rows, (y, line) =>
        {
            int row = Cell((((y + 0.5) / scaleY) - grid.Top) / grid.CellHeight, grid.Rows);
            for (int x = 0; row >= 0 && x < columns; x++)
            {
                if (cellOfColumn[x] < 0)
                    continue;
                int cell = (row * grid.Columns) + cellOfColumn[x];
                totals[cell]++;
                if (line[x] == 0)
                    continue;
                if (!counts.TryGetValue(line[x], out int[]? of))
                {
                    if (counts.Count == MaxClasses)
                        throw new Fault(FaultKind.Input,
                            $"{path} has more than {MaxClasses} different values: it is a picture and no mask of classes.");
                    counts[line[x]] = of = new int[totals.Length];
                }
                of[cell]++;
            }
        });
        return Classify(
            grid, [.. counts.Keys.Select(
                value => (names is not null && names.TryGetValue(value, out string? name) ? name : $"{value}", counts[value]))], totals);
    }

    private static ClassGrid Classify(CellGrid grid, (string Name, int[] Counts)[] values, int[] totals)
    {
        string[] classes = [.. values.Select(value => value.Name).Distinct().Order(StringComparer.Ordinal)];
        var result = new ClassGrid(classes, grid.Columns, new int[totals.Length], new float[totals.Length], new float[totals.Length]);
        for (int cell = 0; cell < totals.Length; cell++)
        {
            result.Best[cell] = -1;
            int total = Math.Max(1, totals[cell]), inside = 0;
            for (int c = 0; c < classes.Length; c++)
            {
                int count = values.Where(value => value.Name == classes[c]).Sum(value => value.Counts[cell]);
                inside += count;
                if ((float)count / total > result.Share[cell])
                    (result.Best[cell], result.Share[cell]) = (c, (float)count / total);
            }
            result.Rest[cell] = (float)(total - inside) / total;
        }
        return result;
    }

    /// <summary>The coarsest level with enough pixels in a patch, of those with the slide's shape.</summary>
    private static int FinestThatServes(string path, Tiff tiff, long width, long height, CellGrid grid)
    {
        int best = -1, bestColumns = 0;
        string why = "it has no level";
        for (int directory = 0; directory == 0 || tiff.ReadDirectory(); directory++)
        {
            (int columns, int rows) = Size(tiff);
            // A whole downsample rounds each side to a pixel; levels padded to whole tiles are of another shape.
            if (Math.Abs(((double)columns * height) - ((double)rows * width)) > Math.Max(width, height) * 1.5 || columns > width + 1)
            {
                why = $"its {columns} × {rows} px are no downsample of the slide's {width} × {height}";
                continue;
            }
            if (Unsupported(tiff) is { } reason)
            {
                why = reason;
                continue;
            }
            bool enough = grid.CellWidth * columns / width >= EnoughPixels;
            bool bestEnough = best >= 0 && grid.CellWidth * bestColumns / width >= EnoughPixels;
            if (best < 0 || (enough ? !bestEnough || columns < bestColumns : !bestEnough && columns > bestColumns))
                (best, bestColumns) = (directory, columns);
        }
        return best >= 0 ? best : throw new Fault(FaultKind.Input, $"{path} can't serve as a mask: {why}.");
    }

    private static string? Unsupported(Tiff tiff)
    {
        int Value(TiffTag tag, int missing) => tiff.GetField(tag) is { Length: > 0 } field ? field[0].ToInt() : missing;
        if (Value(TiffTag.SAMPLESPERPIXEL, 1) != 1)
            return $"it has {Value(TiffTag.SAMPLESPERPIXEL, 1)} bands, and one whose value is the class is wanted";
        if (Value(TiffTag.BITSPERSAMPLE, 1) != 8)
            return $"it has {Value(TiffTag.BITSPERSAMPLE, 1)} bits a pixel, and 8 are wanted";
        return (Compression)Value(TiffTag.COMPRESSION, 1) is Compression.JPEG or Compression.OJPEG or Compression.JP2000
            ? "it is compressed with loss, which changes classes; write it with LZW or deflate" : null;
    }

    private static (int Columns, int Rows) Size(Tiff tiff) =>
        (tiff.GetField(TiffTag.IMAGEWIDTH)[0].ToInt(), tiff.GetField(TiffTag.IMAGELENGTH)[0].ToInt());

    /// <summary>Rows from top to bottom; a tile row is in memory at a time.</summary>
    private static void ReadRows(string path, Tiff tiff, int columns, int rows, Action<int, byte[]> use)
    {
        byte[] line = new byte[columns];
        if (!tiff.IsTiled())
        {
            byte[] scan = new byte[Math.Max(columns, tiff.ScanlineSize())];
            for (int y = 0; y < rows; y++)
                use(y, tiff.ReadScanline(scan, y) ? scan : throw Damaged(path));
            return;
        }
        int tileWidth = tiff.GetField(TiffTag.TILEWIDTH)[0].ToInt(), tileHeight = tiff.GetField(TiffTag.TILELENGTH)[0].ToInt();
        int across = (columns + tileWidth - 1) / tileWidth;
        byte[][] tiles = [.. Enumerable.Range(0, across).Select(_ => new byte[tileWidth * tileHeight])];
        for (int top = 0; top < rows; top += tileHeight)
        {
            for (int i = 0; i < across; i++)
                // A tile that a sparse file leaves out is of nothing.
                if (tiff.ReadTile(tiles[i], 0, i * tileWidth, top, 0, 0) < 0)
                    throw Damaged(path);
            for (int y = top; y < Math.Min(rows, top + tileHeight); y++)
            {
                for (int i = 0; i < across; i++)
                    tiles[i].AsSpan((y - top) * tileWidth, Math.Min(tileWidth, columns - (i * tileWidth)))
                        .CopyTo(line.AsSpan(i * tileWidth));
                use(y, line);
            }
        }
    }

    private static Fault Damaged(string path) => new(FaultKind.Data, $"{path} is damaged: a part of the mask does not decode.");

    private static int Cell(double place, int count) => place >= 0 && place < count ? (int)place : -1;
}
