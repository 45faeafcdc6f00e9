namespace SSLP.Interop.Slides;

/// <summary>How large the image inside of a tile is to be.</summary>
/// <param name="Width">Columns of the tile, px.</param>
/// <param name="Height">Rows of the tile, px.</param>
/// <param name="SeenWidth">Columns of it that lie inside of the level.</param>
/// <param name="SeenHeight">Rows of it that lie inside of the level.</param>
internal readonly record struct TileExtent(int Width, int Height, int SeenWidth, int SeenHeight)
{
    /// <summary>Why an image of that size can't be the tile: writers may leave out what lies beyond the level's edge, and nothing
    /// else.</summary>
    public string? FaultFor(string kind, int width, int height) =>
        width <= Width && height <= Height && width >= SeenWidth && height >= SeenHeight
            ? null
            : $"its {kind} image is {width} × {height} px where the tile is {Width} × {Height}";
}
