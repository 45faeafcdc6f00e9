using SSLP.Data.Synth;

namespace SSLP.Tests.Shared;

/// <summary>Small real slide files (tiled JPEG pyramids) whose every pixel is known.</summary>
internal static class TestSlides
{
    /// <summary>Grey levels per level-0 pixel of <see cref="Ramp"/>.</summary>
    public const double RampSlope = 0.2;

    /// <summary>Red grows with x, green with y, by <see cref="RampSlope"/> a pixel: a patch's mean tells where it was read.</summary>
    public static string Ramp(string path, int width, int height, double mpp)
    {
        byte[] rgb = new byte[width * height * 3];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int at = ((y * width) + x) * 3;
                (rgb[at], rgb[at + 1], rgb[at + 2]) = (Dithered(x, y), Dithered(y, x), 128);
            }
        PyramidTiff.Write(path, rgb, width, height, mpp, 98);
        return path;
    }

    /// <summary>Glass with a stained rectangle.</summary>
    public static string Stained(string path, int side, int left, int top, int width, int height, double mpp = 0.5)
    {
        byte[] rgb = new byte[side * side * 3];
        rgb.AsSpan().Fill(242);
        for (int y = top; y < top + height; y++)
            for (int x = left; x < left + width; x++)
            {
                int at = ((y * side) + x) * 3;
                (rgb[at], rgb[at + 1], rgb[at + 2]) = (185, 105, 165);
            }
        PyramidTiff.Write(path, rgb, side, side, mpp, 90);
        return path;
    }

    private static byte Dithered(int along, int across) => (byte)((along * RampSlope) + (((along * 3) + (across * 2)) % 5 / 5.0));
}
