namespace SSLP.Interop.Slides.Tiff;

/// <summary>Tags of TIFF 6.0, its supplement 2 and the vendors' that are looked at.</summary>
internal enum TiffTag : ushort
{
    NewSubfileType = 254,
    ImageWidth = 256,
    ImageLength = 257,
    BitsPerSample = 258,
    Compression = 259,
    PhotometricInterpretation = 262,
    FillOrder = 266,
    ImageDescription = 270,
    Make = 271,
    StripOffsets = 273,
    Orientation = 274,
    SamplesPerPixel = 277,
    RowsPerStrip = 278,
    StripByteCounts = 279,
    XResolution = 282,
    YResolution = 283,
    PlanarConfiguration = 284,
    ResolutionUnit = 296,
    Software = 305,
    Predictor = 317,
    ColorMap = 320,
    TileWidth = 322,
    TileLength = 323,
    TileOffsets = 324,
    TileByteCounts = 325,
    SubIfds = 330,
    ExtraSamples = 338,
    SampleFormat = 339,
    JpegTables = 347,
    Xmp = 700,
    HamamatsuFormat = 65420,
}

/// <summary>Values of <see cref="TiffTag.Compression"/>.</summary>
internal enum TiffCompression
{
    None = 1,
    Lzw = 5,
    Jpeg = 7,
    AdobeDeflate = 8,
    Deflate = 32946,

    /// <summary>Aperio's JPEG 2000 of YCbCr.</summary>
    Jpeg2000YCbCr = 33003,
    Jpeg2000Lossy = 33004,

    /// <summary>Aperio's JPEG 2000 of RGB.</summary>
    Jpeg2000Rgb = 33005,
    Jpeg2000 = 34712,
}

internal static class TiffCompressions
{
    /// <summary>Whether tiles are JPEG or JPEG 2000, whose decoders give RGB.</summary>
    public static bool IsJpeg(this TiffCompression compression) => compression == TiffCompression.Jpeg || compression.IsJpeg2000();

    public static bool IsJpeg2000(this TiffCompression compression) =>
        compression is TiffCompression.Jpeg2000YCbCr or TiffCompression.Jpeg2000Lossy or TiffCompression.Jpeg2000Rgb
            or TiffCompression.Jpeg2000;
}

/// <summary>Values of <see cref="TiffTag.PhotometricInterpretation"/>.</summary>
internal enum TiffPhotometric
{
    WhiteIsZero = 0,
    BlackIsZero = 1,
    Rgb = 2,
    Palette = 3,
    Mask = 4,
    YCbCr = 6,
}
