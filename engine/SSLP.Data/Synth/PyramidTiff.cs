using BitMiracle.LibTiff.Classic;

namespace SSLP.Data.Synth;

/// <summary>
/// Writes a tiled pyramidal TIFF: one directory a level, each half the size of the one before, JPEG tiles in YCbCr, the pixel size in
/// the resolution tags. OpenSlide opens it as "generic-tiff".
/// </summary>
internal static class PyramidTiff
{
    private const int TileSide = 256;

    /// <param name="path">The file.</param>
    /// <param name="rgb">Level 0, width × height × 3 bytes.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="mpp">Pixel size of level 0, µm.</param>
    /// <param name="quality">JPEG quality, 1 … 100.</param>
    public static void Write(string path, byte[] rgb, int width, int height, double mpp, int quality)
    {
        using Tiff tiff = Tiff.Open(path, "w") ?? throw new IOException($"{path} cannot be written.");
        for (int level = 0; ; level++)
        {
            WriteLevel(tiff, rgb, width, height, mpp, quality, level);
            if (Math.Max(width, height) <= TileSide)
                return;
            (int halfWidth, int halfHeight) = ((width + 1) / 2, (height + 1) / 2);
            rgb = Halve(rgb, width, height, halfWidth, halfHeight);
            (width, height, mpp) = (halfWidth, halfHeight, mpp * 2);
        }
    }

    /// <summary>Says that an image is of 8-bit RGB in square tiles.</summary>
    internal static void SetTiles(Tiff tiff, FileType type, int width, int height, int tileSide)
    {
        tiff.SetField(TiffTag.SUBFILETYPE, type);
        tiff.SetField(TiffTag.IMAGEWIDTH, width);
        tiff.SetField(TiffTag.IMAGELENGTH, height);
        tiff.SetField(TiffTag.BITSPERSAMPLE, 8);
        tiff.SetField(TiffTag.SAMPLESPERPIXEL, 3);
        tiff.SetField(TiffTag.PLANARCONFIG, PlanarConfig.CONTIG);
        tiff.SetField(TiffTag.TILEWIDTH, tileSide);
        tiff.SetField(TiffTag.TILELENGTH, tileSide);
    }

    /// <summary>Says that the tiles are JPEG, written from RGB.</summary>
    internal static void SetJpeg(Tiff tiff, int quality)
    {
        tiff.SetField(TiffTag.COMPRESSION, Compression.JPEG);
        tiff.SetField(TiffTag.PHOTOMETRIC, Photometric.YCBCR);
        tiff.SetField(TiffTag.JPEGQUALITY, quality);
        tiff.SetField(TiffTag.JPEGCOLORMODE, JpegColorMode.RGB);
    }

    private static void WriteLevel(Tiff tiff, byte[] rgb, int width, int height, double mpp, int quality, int level)
    {
        SetTiles(tiff, level == 0 ? 0 : FileType.REDUCEDIMAGE, width, height, TileSide);
        SetJpeg(tiff, quality);
        tiff.SetField(TiffTag.RESOLUTIONUNIT, ResUnit.CENTIMETER);
        tiff.SetField(TiffTag.XRESOLUTION, 1e4 / mpp);
        tiff.SetField(TiffTag.YRESOLUTION, 1e4 / mpp);
        byte[] tile = new byte[TileSide * TileSide * 3];
        for (int y = 0; y < height; y += TileSide)
            for (int x = 0; x < width; x += TileSide)
            {
                CopyTile(rgb, width, height, x, y, tile);
                if (tiff.WriteEncodedTile(tiff.ComputeTile(x, y, 0, 0), tile, tile.Length) < 0)
                    throw new IOException($"A tile of {tiff.FileName()} could not be written.");
            }
        if (!tiff.WriteDirectory())
            throw new IOException($"The directory of {tiff.FileName()} could not be written.");
    }

    /// <summary>Copies a tile; beyond the edge the last pixel is repeated, so that the edge does not ring.</summary>
    public static void CopyTile(byte[] rgb, int width, int height, int left, int top, byte[] tile)
    {
        int inside = Math.Min(TileSide, width - left);
        for (int row = 0; row < TileSide; row++)
        {
            int y = Math.Min(height - 1, top + row);
            Span<byte> to = tile.AsSpan(row * TileSide * 3, TileSide * 3);
            rgb.AsSpan(((y * width) + left) * 3, inside * 3).CopyTo(to);
            for (int x = inside; x < TileSide; x++)
                to.Slice((inside - 1) * 3, 3).CopyTo(to[(x * 3)..]);
        }
    }

    /// <summary>The mean of each 2 × 2 pixels; beyond an odd edge the last pixel counts twice.</summary>
    public static byte[] Halve(byte[] rgb, int width, int height, int halfWidth, int halfHeight)
    {
        byte[] half = new byte[halfWidth * halfHeight * 3];
        for (int y = 0; y < halfHeight; y++)
        {
            int upper = y * 2 * width, lower = Math.Min(height - 1, (y * 2) + 1) * width;
            for (int x = 0; x < halfWidth; x++)
            {
                int left = x * 2, right = Math.Min(width - 1, left + 1);
                for (int channel = 0; channel < 3; channel++)
                {
                    int sum = rgb[((upper + left) * 3) + channel] + rgb[((upper + right) * 3) + channel]
                        + rgb[((lower + left) * 3) + channel] + rgb[((lower + right) * 3) + channel];
                    half[(((y * halfWidth) + x) * 3) + channel] = (byte)((sum + 2) >> 2);
                }
            }
        }
        return half;
    }
}
