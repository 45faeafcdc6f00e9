namespace SSLP.Interop.Slides.Tiff;

/// <summary>Puts a rectangle together from the tiles that it meets.</summary>
internal static class TileRegion
{
    [ThreadStatic]
    private static byte[]? scratch;

    /// <summary>Reads a rectangle that lies inside of the image; rows of <paramref name="rgb"/> are <paramref name="stride"/> bytes apart.</summary>
    public static void Read(TiffFile file, TiledImage image, int x, int y, int width, int height, Span<byte> rgb, int stride)
    {
        var decoder = TileDecoder.OfThread;
        int lastColumn = (x + width - 1) / image.TileWidth, lastRow = (y + height - 1) / image.TileHeight;
        for (int row = y / image.TileHeight; row <= lastRow; row++)
        {
            for (int column = x / image.TileWidth; column <= lastColumn; column++)
            {
                int left = column * image.TileWidth, top = row * image.TileHeight, rows = image.StoredRows(row);
                bool whole = left >= x && top >= y && left + image.TileWidth <= x + width && top + rows <= y + height;
                if (whole)
                {
                    // The tile lies inside of the rectangle: its rows are decoded to where they belong.
                    decoder.Decode(file, image, column, row, rgb[(((top - y) * stride) + ((left - x) * 3))..], stride);
                    continue;
                }
                int tileStride = image.TileWidth * 3, tileBytes = tileStride * image.TileHeight;
                if (scratch is null || scratch.Length < tileBytes)
                    scratch = GC.AllocateUninitializedArray<byte>(tileBytes);
                decoder.Decode(file, image, column, row, scratch, tileStride);
                CopyOverlap(scratch, tileStride, left, top, left + image.TileWidth, top + rows, x, y, width, height, rgb, stride);
            }
        }
    }

    private static void CopyOverlap(
        ReadOnlySpan<byte> tile, int tileStride, int left, int top, int right, int bottom, int x, int y, int width, int height, Span<byte> rgb, int stride)
    {
        int fromX = Math.Max(left, x), toX = Math.Min(right, x + width), fromY = Math.Max(top, y), toY = Math.Min(bottom, y + height);
        int bytes = (toX - fromX) * 3;
        for (int row = fromY; row < toY; row++)
        {
            tile.Slice(((row - top) * tileStride) + ((fromX - left) * 3), bytes)
                .CopyTo(rgb.Slice(((row - y) * stride) + ((fromX - x) * 3), bytes));
        }
    }
}
