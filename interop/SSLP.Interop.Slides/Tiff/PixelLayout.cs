namespace SSLP.Interop.Slides.Tiff;

/// <summary>What a fourth band (a second one beside grey) means.</summary>
internal enum TiffAlpha
{
    None,

    /// <summary>Colours are multiplied by it already.</summary>
    Associated,

    /// <summary>Colours are as they are.</summary>
    Unassociated,
}

/// <summary>
/// How the bands of a pixel are stored, and their way to 8-bit RGB. The rounding is libtiff's (and so OpenSlide's): 16 bits a colour are
/// divided by 257 and rounded, grey keeps its high byte, alpha is laid over white.
/// </summary>
/// <param name="Samples">Bands of a pixel.</param>
/// <param name="Bits">Bits of a band, 8 or 16.</param>
/// <param name="Planar">Whether each band is a tile of its own.</param>
/// <param name="Photometric">Grey (either way up), RGB or palette; YCbCr where the decoder gives RGB.</param>
/// <param name="Alpha">What the band after the colours means.</param>
/// <param name="Palette">256 colours, RGB; empty but for palette images.</param>
internal sealed record PixelLayout(int Samples, int Bits, bool Planar, TiffPhotometric Photometric, TiffAlpha Alpha, byte[] Palette)
{
    /// <summary>Bytes of a pixel in one tile: of all bands, or of one where they are apart.</summary>
    public int TileBytesPerPixel => Planar ? Bits / 8 : BytesPerPixel;

    public int BytesPerPixel => Samples * Bits / 8;

    /// <summary>Tiles that hold one tile's pixels.</summary>
    public int Planes => Planar ? Samples : 1;

    /// <summary>Whether its pixels have no colour.</summary>
    public bool IsGrey => Photometric is TiffPhotometric.WhiteIsZero or TiffPhotometric.BlackIsZero;

    /// <summary>Whether pixels are stored as they are wanted.</summary>
    public bool IsRgb24 => Samples == 3 && Bits == 8 && Photometric is TiffPhotometric.Rgb or TiffPhotometric.YCbCr;

    /// <summary>Reads and checks the tags of an image.</summary>
    /// <exception cref="SlideException">The meaning of the bands is not plain, or not one that is read here.</exception>
    public static PixelLayout Read(TiffFile file, TiffDirectory directory, TiffCompression compression)
    {
        long samples = directory.Integer(TiffTag.SamplesPerPixel, 1), bits = directory.Integer(TiffTag.BitsPerSample, 1);
        TiffPhotometric unstated = samples >= 3 ? TiffPhotometric.Rgb : TiffPhotometric.BlackIsZero;
        long photometric = directory.Integer(TiffTag.PhotometricInterpretation, (long)unstated);
        long orientation = directory.Integer(TiffTag.Orientation, 1);
        // OpenSlide takes no notice of it and would give tiles that don't fit together; nor does it of the sign of numbers.
        if (orientation is not (0 or 1))
            throw Refuse($"is turned or mirrored (orientation {orientation}); rewrite it with orientation 1", final: true);
        bool jpeg = compression.IsJpeg();
        if (!jpeg && directory.Integer(TiffTag.FillOrder, 1) == 2)
            throw Refuse("keeps the bits of its bytes in reverse (FillOrder 2); rewrite it with FillOrder 1");
        if (Mixed(TiffTag.BitsPerSample) || Mixed(TiffTag.SampleFormat))
            throw Refuse("has bands of different kinds of numbers; export it as an 8-bit slide");
        int colours = Colours(photometric, jpeg)
            ?? throw Refuse(photometric == (long)TiffPhotometric.Mask
                ? "is a mask and no picture"
                : $"has colours of TIFF kind {photometric} where RGB or grey is needed; export it as an RGB slide",
                // Adobe's JPEG of CMYK is stored as a negative, of which OpenSlide knows nothing.
                final: jpeg && photometric == Separated);
        if (bits is not (8 or 16) || (bits == 16 && (jpeg || photometric == (long)TiffPhotometric.Palette)))
            throw Refuse($"has {bits} bit{(bits == 1 ? "" : "s")} a band where {(jpeg ? "8" : "8 or 16")} are read; " +
                "export it as an 8-bit slide");
        if (directory.Integer(TiffTag.SampleFormat, 1) is not (1 or 4) and var format)
            throw Refuse($"has bands that are {(format == 3 ? "floating-point" : "signed")} numbers; export it as an 8-bit slide",
                final: format == 2);
        if (samples != colours && (samples != colours + 1 || jpeg || photometric == (long)TiffPhotometric.Palette))
        {
            string read = jpeg ? $"{colours}" : $"{colours} or, with alpha, {colours + 1}";
            throw Refuse($"has {samples} band{(samples == 1 ? "" : "s")} where {read} are read; export it as an RGB slide");
        }
        // A second band beside grey may be anything; libtiff takes an unnamed fourth one for alpha.
        if (samples == 2 && directory.Integer(TiffTag.ExtraSamples, 0) is not (1 or 2))
            throw Refuse("has a second band whose meaning is not said; export it as a grey or RGB slide");
        bool planar = samples > 1 && directory.Integer(TiffTag.PlanarConfiguration, 1) == 2;
        if (planar && jpeg)
            throw Refuse("keeps red, green and blue in separate JPEG planes; rewrite it with interleaved pixels");
        TiffAlpha alpha = samples == colours ? TiffAlpha.None
            : directory.Integer(TiffTag.ExtraSamples, 0) == 2 ? TiffAlpha.Unassociated : TiffAlpha.Associated;
        byte[] palette = photometric == (long)TiffPhotometric.Palette ? ReadPalette(directory) : [];
        return new PixelLayout((int)samples, (int)bits, planar, (TiffPhotometric)photometric, alpha, palette);

        // One value stands for all bands where a writer saves the others.
        bool Mixed(TiffTag tag) => Math.Min(directory.Count(tag), samples) is > 1 and <= TiffLimits.Samples and var values
            && directory.Integers(tag, values).Distinct().Count() > 1;

        SlideException Refuse(string reason, bool final = false) =>
            new(file.Path, SlideFault.UnsupportedPixels, reason) { IsFinal = final };
    }

    /// <summary>TIFF's kind of CMYK and other inks.</summary>
    private const long Separated = 5;

    private static int? Colours(long photometric, bool jpeg) => (TiffPhotometric)photometric switch
    {
        TiffPhotometric.Rgb => 3,
        TiffPhotometric.YCbCr when jpeg => 3,
        TiffPhotometric.BlackIsZero => 1,
        // JPEG of it and JPEG of a palette are not met with; their meaning is left to libtiff.
        TiffPhotometric.WhiteIsZero or TiffPhotometric.Palette when !jpeg => 1,
        _ => null,
    };

    private static byte[] ReadPalette(TiffDirectory directory)
    {
        long[] map = directory.Integers(TiffTag.ColorMap, 3 * 256);
        // Writers that put 8-bit values in it are told by there being nothing above 255.
        bool wide = map.Any(value => value > 255);
        byte[] palette = new byte[map.Length];
        for (int i = 0; i < 256; i++)
        {
            for (int band = 0; band < 3; band++)
                palette[(i * 3) + band] = (byte)(wide ? map[(band * 256) + i] >> 8 : map[(band * 256) + i]);
        }
        return palette;
    }

    /// <summary>Converts a row of pixels.</summary>
    /// <param name="row">Interleaved bands in the processor's byte order, predictor undone.</param>
    /// <param name="rgb">Receives 3 bytes a pixel.</param>
    public void ToRgb(ReadOnlySpan<byte> row, Span<byte> rgb)
    {
        if (IsRgb24)
        {
            row[..rgb.Length].CopyTo(rgb);
            return;
        }
        int step = BytesPerPixel, colours = Alpha == TiffAlpha.None ? Samples : Samples - 1;
        for (int pixel = 0, at = 0; pixel < rgb.Length; pixel += 3, at += step)
        {
            ReadOnlySpan<byte> bands = row.Slice(at, step);
            if (Photometric == TiffPhotometric.Palette)
            {
                Palette.AsSpan(bands[0] * 3, 3).CopyTo(rgb[pixel..]);
                continue;
            }
            int alpha = Alpha == TiffAlpha.None ? 255 : Band(bands, colours);
            for (int band = 0; band < 3; band++)
                rgb[pixel + band] = OverWhite(colours == 1 ? Grey(bands) : Band(bands, band), alpha);
        }
    }

    private int Band(ReadOnlySpan<byte> bands, int band) =>
        Bits == 8 ? bands[band] : (BitConverter.ToUInt16(bands[(band * 2)..]) + 128) / 257;

    private int Grey(ReadOnlySpan<byte> bands)
    {
        int value = Bits == 8 ? bands[0] : BitConverter.ToUInt16(bands) >> 8;
        return Photometric == TiffPhotometric.WhiteIsZero ? 255 - value : value;
    }

    private byte OverWhite(int colour, int alpha)
    {
        int multiplied = Alpha == TiffAlpha.Unassociated ? ((alpha * colour) + 127) / 255 : colour;
        return (byte)Math.Min(255, multiplied + 255 - alpha);
    }
}
