namespace SSLP.Interop.Slides;

/// <summary>Which program decodes JPEG tiles of the embedded reader. They give the same pixels.</summary>
public enum JpegChoice
{
    /// <summary>The machine's libjpeg-turbo; else our own on AVX2; else the one that a package brings.</summary>
    Auto,

    /// <summary>The machine's libjpeg-turbo.</summary>
    TurboJpeg,

    /// <summary>Our own, on processors with AVX2.</summary>
    Own,

    /// <summary>The libjpeg-turbo inside of SkiaSharp.</summary>
    Skia,
}
