namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>OpenSlide's pixels: 0xAARRGGBB in native byte order, colour multiplied by alpha.</summary>
internal static class Argb
{
    /// <summary>Lays premultiplied pixels over an opaque background: rgb = colour + (1 − alpha) · background.</summary>
    public static void ToRgb(ReadOnlySpan<uint> argb, Span<byte> rgb, ReadOnlySpan<byte> background)
    {
        rgb = rgb[..(argb.Length * 3)];
        for (int i = 0, o = 0; i < argb.Length; i++, o += 3)
        {
            uint pixel = argb[i];
            uint clear = 255 - (pixel >> 24);
            uint red = (pixel >> 16) & 255, green = (pixel >> 8) & 255, blue = pixel & 255;
            if (clear != 0)
            {
                red += ((clear * background[0]) + 127) / 255;
                green += ((clear * background[1]) + 127) / 255;
                blue += ((clear * background[2]) + 127) / 255;
            }
            rgb[o] = (byte)Math.Min(red, 255);
            rgb[o + 1] = (byte)Math.Min(green, 255);
            rgb[o + 2] = (byte)Math.Min(blue, 255);
        }
    }
}
