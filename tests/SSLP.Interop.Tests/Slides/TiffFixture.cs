using BitMiracle.LibTiff.Classic;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Small tiled TIFF pyramids written by LibTiff.NET, with pixels that are known.</summary>
/// <param name="Width">Columns of level 0, px.</param>
/// <param name="Height">Rows of level 0, px.</param>
/// <param name="Tile">Side of a tile, px.</param>
/// <param name="Compression">How tiles are stored.</param>
/// <param name="Photometric">RGB, or YCbCr for JPEG.</param>
/// <param name="Predictor">Whether rows hold differences.</param>
/// <param name="Big">BigTIFF.</param>
/// <param name="BigEndian">"MM" byte order.</param>
/// <param name="Levels">Levels, each half of the one before.</param>
/// <param name="Description">ImageDescription of level 0.</param>
internal sealed record TiffFixture(
    int Width,
    int Height,
    int Tile,
    Compression Compression,
    Photometric Photometric = Photometric.RGB,
    bool Predictor = false,
    bool Big = false,
    bool BigEndian = false,
    int Levels = 2,
    string? Description = null)
{
    /// <summary>Smooth colours with noise in the lowest bits, so that JPEG stays near and LZW has something to do.</summary>
    public static void Pixel(int level, int x, int y, Span<byte> rgb)
    {
        rgb[0] = (byte)(Math.Abs(((x << level) % 500) - 250) + (y & 3));
        rgb[1] = (byte)(255 - ((y << level) / 2 % 256));
        rgb[2] = (byte)(100 + (level * 40) + ((x ^ y) & 7));
    }

    /// <summary>The true pixels of a region that lies inside of the level.</summary>
    public static byte[] Region(int level, int x, int y, int width, int height)
    {
        byte[] rgb = new byte[width * height * 3];
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
                Pixel(level, x + column, y + row, rgb.AsSpan(((row * width) + column) * 3, 3));
        }
        return rgb;
    }

    public string Write(string folder)
    {
        string path = Path.Combine(folder, $"{Guid.NewGuid():N}.tif");
        using var tiff = Tiff.Open(path, "w" + (Big ? "8" : "") + (BigEndian ? "b" : "l"));
        for (int level = 0; level < Levels; level++)
            WriteLevel(tiff, level);
        return path;
    }

    private void WriteLevel(Tiff tiff, int level)
    {
        int width = Width >> level, height = Height >> level;
        tiff.SetField(TiffTag.IMAGEWIDTH, width);
        tiff.SetField(TiffTag.IMAGELENGTH, height);
        tiff.SetField(TiffTag.SUBFILETYPE, level == 0 ? 0 : FileType.REDUCEDIMAGE);
        tiff.SetField(TiffTag.TILEWIDTH, Tile);
        tiff.SetField(TiffTag.TILELENGTH, Tile);
        tiff.SetField(TiffTag.BITSPERSAMPLE, 8);
        tiff.SetField(TiffTag.SAMPLESPERPIXEL, 3);
        tiff.SetField(TiffTag.PLANARCONFIG, PlanarConfig.CONTIG);
        tiff.SetField(TiffTag.COMPRESSION, Compression);
        tiff.SetField(TiffTag.PHOTOMETRIC, Photometric);
        if (Predictor)
            tiff.SetField(TiffTag.PREDICTOR, BitMiracle.LibTiff.Classic.Predictor.HORIZONTAL);
        if (Compression == Compression.JPEG)
        {
            tiff.SetField(TiffTag.JPEGQUALITY, 95);
            if (Photometric == Photometric.YCBCR)
                tiff.SetField(TiffTag.JPEGCOLORMODE, JpegColorMode.RGB);
        }
        if (level == 0)
        {
            tiff.SetField(TiffTag.RESOLUTIONUNIT, ResUnit.CENTIMETER);
            tiff.SetField(TiffTag.XRESOLUTION, 40_000.0);
            tiff.SetField(TiffTag.YRESOLUTION, 20_000.0);
            if (Description is not null)
                tiff.SetField(TiffTag.IMAGEDESCRIPTION, Description);
        }
        byte[] tile = new byte[Tile * Tile * 3];
        for (int top = 0; top < height; top += Tile)
        {
            for (int left = 0; left < width; left += Tile)
            {
                Region(level, left, top, Tile, Tile).CopyTo(tile, 0);
                tiff.WriteTile(tile, left, top, 0, 0);
            }
        }
        tiff.WriteDirectory();
    }
}
