namespace SSLP.Interop.Tests.Slides;

/// <summary>A tiled TIFF around tiles that no TIFF library would write.</summary>
/// <param name="Compression">TIFF tag 259.</param>
/// <param name="Photometric">TIFF tag 262.</param>
/// <param name="Description">TIFF tag 270, or null for none.</param>
/// <param name="JpegTables">TIFF tag 347, or null for none.</param>
internal sealed record TileTiff(int Compression, int Photometric = 2, string? Description = null, byte[]? JpegTables = null)
{
    public const string Aperio = "Aperio Image Library v11.0.37\r\n1x1 (1x1)|MPP = 0.5";

    /// <summary>Writes one level whose tiles come from a function of column and row.</summary>
    public string Write(string folder, int width, int height, int tile, Func<int, int, byte[]> encode)
    {
        var file = new RawTiff();
        int columns = (width + tile - 1) / tile, rows = (height + tile - 1) / tile, samples = Photometric is 0 or 1 ? 1 : 3;
        List<byte[]> tiles = [.. Enumerable.Range(0, rows * columns).Select(i => encode(i % columns, i / columns))];
        RawTiff.Image image = file.Add(file.Bands(width, height, tile, Compression, Photometric, samples, 8, tiles));
        if (Description is not null)
            image.Text(270, Description);
        if (JpegTables is not null)
            image.With(347, 7, [.. JpegTables.Cast<object>()]);
        return file.Write(folder, ".svs");
    }
}
