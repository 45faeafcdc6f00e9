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
