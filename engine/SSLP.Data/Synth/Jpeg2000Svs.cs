using System.Globalization;
using BitMiracle.LibTiff.Classic;
using ImageMagick;

namespace SSLP.Data.Synth;

/// <summary>
/// Writes an SVS as Aperio's scanners do with JPEG 2000: RGB codestreams (33005) as tiles, the pixel size in the description. OpenSlide
/// opens it as "aperio".
/// </summary>
internal static class Jpeg2000Svs
{
    private const int TileSide = 256, Rgb33005 = 33005;

    /// <summary>OpenJPEG's quality, PSNR in dB: what scanners give.</summary>
    private const string Quality = "40";

    /// <param name="path">The file.</param>
    /// <param name="rgb">Level 0, width × height × 3 bytes.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="mpp">Pixel size of level 0, µm.</param>
    public static void Write(string path, byte[] rgb, int width, int height, double mpp)
    {
        using Tiff tiff = Tiff.Open(path, "w") ?? throw new IOException($"{path} cannot be written.");
        (int fullWidth, int fullHeight) = (width, height);
        for (int level = 0; ; level++)
        {
            string scaled = level == 0 ? "" : $" -> {width}x{height}";
            WriteLevel(tiff, rgb, width, height, level, string.Create(CultureInfo.InvariantCulture,
                $"Aperio Image Library v11.0.37\r\n{fullWidth}x{fullHeight} [0,0 {fullWidth}x{fullHeight}] " +
                $"({TileSide}x{TileSide}){scaled} J2K/KDU Q=70|AppMag = {10 / mpp:0.##}|MPP = {mpp:0.####}"));
            if (Math.Max(width, height) <= TileSide)
                return;
            (int halfWidth, int halfHeight) = ((width + 1) / 2, (height + 1) / 2);
            rgb = PyramidTiff.Halve(rgb, width, height, halfWidth, halfHeight);
            (width, height) = (halfWidth, halfHeight);
        }
    }

    private static void WriteLevel(Tiff tiff, byte[] rgb, int width, int height, int level, string description)
    {
        PyramidTiff.SetTiles(tiff, 0, width, height, TileSide);
        tiff.SetField(TiffTag.COMPRESSION, (Compression)Rgb33005);
        tiff.SetField(TiffTag.PHOTOMETRIC, Photometric.RGB);
        tiff.SetField(TiffTag.IMAGEDESCRIPTION, description);
        byte[] tile = new byte[TileSide * TileSide * 3];
        for (int y = 0; y < height; y += TileSide)
            for (int x = 0; x < width; x += TileSide)
            {
                PyramidTiff.CopyTile(rgb, width, height, x, y, tile);
                byte[] stream = Encode(tile);
                if (tiff.WriteRawTile(tiff.ComputeTile(x, y, 0, 0), stream, stream.Length) < 0)
                    throw new IOException($"A tile of {tiff.FileName()} could not be written.");
            }
        if (!tiff.WriteDirectory())
            throw new IOException($"The directory of {tiff.FileName()} of level {level} could not be written.");
    }

    private static byte[] Encode(byte[] tile)
    {
        using var image = new MagickImage(tile, new PixelReadSettings(TileSide, TileSide, StorageType.Char, PixelMapping.RGB));
        image.Settings.SetDefine(MagickFormat.J2k, "quality", Quality);
        return image.ToByteArray(MagickFormat.J2k);
    }
}
