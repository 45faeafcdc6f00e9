namespace SSLP.Interop.Slides.Tiff;

/// <summary>Puts a rectangle together from the tiles that it meets.</summary>
/// <param name="File">Where the tiles are.</param>
/// <param name="Image">Their grid.</param>
/// <param name="Scale">1 for the stored resolution, 2 for half of it; tiles have whole multiples of it in pixels then.</param>
internal readonly record struct TileRegion(TiffFile File, TiledImage Image, int Scale)
{
    private int TileWidth => Image.TileWidth / Scale;

    private int TileHeight => Image.TileHeight / Scale;

    /// <summary>Reads a rectangle that lies inside of the scaled image; rows of <paramref name="rgb"/> are <paramref name="stride"/> bytes
    /// apart.</summary>
    public void Read(int x, int y, int width, int height, Span<byte> rgb, int stride)
    {
        int lastColumn = (x + width - 1) / TileWidth, lastRow = (y + height - 1) / TileHeight;
        for (int row = y / TileHeight; row <= lastRow; row++)
        {
            for (int column = x / TileWidth; column <= lastColumn; column++)
            {
                var tile = new Rectangle(column * TileWidth, row * TileHeight, TileWidth, Image.StoredRows(row) / Scale);
                Rectangle overlap = tile.Intersect(new Rectangle(x, y, width, height));
                Span<byte> target = rgb[(((overlap.Y - y) * stride) + ((overlap.X - x) * 3))..];
                ReadTile(column, row, tile, overlap, target, stride);
            }
        }
    }

    private void ReadTile(int column, int row, Rectangle tile, Rectangle overlap, Span<byte> target, int stride)
    {
        TileCache cache = File.Sharing.Tiles;
        var key = new TileKey(Image.Id, (row * Image.Columns) + column, Scale);
        TileCache.Slot? slot = cache.Find(key);
        if (slot is null && overlap == tile)
        {
            // Wholly wanted: decoded to where it belongs.
            TileDecoder.Decode(File, Image, column, row, Scale, target, stride);
            return;
        }
        bool decoded = slot is not null;
        slot ??= cache.Rent(TileWidth * TileHeight * 3);
        try
        {
            if (!decoded)
            {
                TileDecoder.Decode(File, Image, column, row, Scale, slot.Pixels, tile.Width * 3);
                cache.Publish(slot, key);
            }
            Copy(slot.Pixels, tile, overlap, target, stride);
        }
        finally
        {
            cache.Release(slot);
        }
    }

    private static void Copy(ReadOnlySpan<byte> pixels, Rectangle tile, Rectangle overlap, Span<byte> target, int stride)
    {
        int tileStride = tile.Width * 3, bytes = overlap.Width * 3;
        int start = ((overlap.Y - tile.Y) * tileStride) + ((overlap.X - tile.X) * 3);
        for (int row = 0; row < overlap.Height; row++)
            pixels.Slice(start + (row * tileStride), bytes).CopyTo(target.Slice(row * stride, bytes));
    }

    private readonly record struct Rectangle(int X, int Y, int Width, int Height)
    {
        public Rectangle Intersect(Rectangle other)
        {
            int left = Math.Max(X, other.X), top = Math.Max(Y, other.Y);
            int right = Math.Min(X + Width, other.X + other.Width), bottom = Math.Min(Y + Height, other.Y + other.Height);
            return new Rectangle(left, top, right - left, bottom - top);
        }
    }
}
