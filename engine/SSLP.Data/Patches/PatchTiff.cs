using BitMiracle.LibTiff.Classic;
using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// TIFF patches to RGB bytes. Read are grey, palette, RGB and YCbCr of unsigned numbers: 8 bits and fewer as they are, 16 bits by their
/// share of 65,535, mirrored ones turned as their orientation says. Alpha is dropped. What has no one meaning as RGB bytes (Lab, CMYK,
/// floating point, signed numbers, pictures that lie on their side) is refused by name.
/// </summary>
internal static class PatchTiff
{
    /// <summary>Width and height.</summary>
    /// <exception cref="Fault">No TIFF, or of a kind that is not read.</exception>
    public static (int Width, int Height) ReadSize(string path) => TiffReading.Use(path, tiff => Kind.Of(tiff).Size);

    /// <summary>Decodes into <paramref name="rgb"/>, width × height × 3 bytes, row by row, R G B.</summary>
    /// <exception cref="Fault">It does not decode whole, is of a kind that is not read, or has another size.</exception>
    public static unsafe void Decode(string path, int width, int height, Span<byte> rgb)
    {
        fixed (byte* to = rgb)
        {
            (nint at, int length) = ((nint)to, rgb.Length);
            TiffReading.Use(path, tiff =>
            {
                Decode(tiff, width, height, new Span<byte>((byte*)at, length));
                return true;
            });
        }
    }

    private static void Decode(Tiff tiff, int width, int height, Span<byte> rgb)
    {
        var kind = Kind.Of(tiff);
        PatchImage.CheckSize(kind.Size, width, height);
        if (kind.TakesRows)
            ReadRows(tiff, kind, rgb);
        else
            ReadColours(tiff, kind, rgb);
        if (kind.Orientation is Orientation.TOPRIGHT or Orientation.BOTRIGHT)
            for (int y = 0; y < height; y++)
                Mirror(rgb.Slice(y * width * 3, width * 3));
        if (kind.Orientation is Orientation.BOTRIGHT or Orientation.BOTLEFT)
            Flip(rgb, width * 3);
    }

    /// <summary>Plain numbers, row by row: 8 or 16 bits, grey or RGB, with or without further channels.</summary>
    private static void ReadRows(Tiff tiff, Kind kind, Span<byte> rgb)
    {
        int width = kind.Size.Width, bytes = kind.Bits / 8, colours = kind.Photometric == Photometric.RGB ? 3 : 1;
        byte[] row = new byte[tiff.ScanlineSize()];
        for (int y = 0; y < kind.Size.Height; y++)
        {
            if (!tiff.ReadScanline(row, y))
                throw new Fault(FaultKind.Data, $"the TIFF does not decode from row {y} on");
            for (int x = 0; x < width; x++)
                for (int c = 0; c < 3; c++)
                {
                    int at = ((x * kind.Samples) + Math.Min(c, colours - 1)) * bytes;
                    // LibTiff has put 16-bit numbers into the machine's order.
                    int value = bytes == 1 ? row[at] : (BitConverter.ToUInt16(row, at) + 128) / 257;
                    rgb[(((y * width) + x) * 3) + c] = (byte)(kind.Photometric == Photometric.MINISWHITE ? 255 - value : value);
                }
        }
    }

    /// <summary>Palettes, YCbCr, JPEG, tiles: LibTiff's own conversion.</summary>
    private static void ReadColours(Tiff tiff, Kind kind, Span<byte> rgb)
    {
        int width = kind.Size.Width, height = kind.Size.Height;
        int[] abgr = new int[width * height];
        tiff.SetField(TiffTag.ORIENTATION, Orientation.TOPLEFT);
        if (!tiff.ReadRGBAImageOriented(width, height, abgr, Orientation.TOPLEFT, true))
            throw new Fault(FaultKind.Data, "the TIFF does not decode");
        for (int i = 0, to = 0; i < abgr.Length; i++, to += 3)
        {
            rgb[to] = (byte)Tiff.GetR(abgr[i]);
            rgb[to + 1] = (byte)Tiff.GetG(abgr[i]);
            rgb[to + 2] = (byte)Tiff.GetB(abgr[i]);
        }
    }

    private static void Mirror(Span<byte> row)
    {
        for (int left = 0, right = row.Length - 3; left < right; left += 3, right -= 3)
            for (int c = 0; c < 3; c++)
                (row[left + c], row[right + c]) = (row[right + c], row[left + c]);
    }

    private static void Flip(Span<byte> rgb, int stride)
    {
        byte[] kept = new byte[stride];
        for (int top = 0, bottom = rgb.Length - stride; top < bottom; top += stride, bottom -= stride)
        {
            rgb.Slice(top, stride).CopyTo(kept);
            rgb.Slice(bottom, stride).CopyTo(rgb[top..]);
            kept.CopyTo(rgb[bottom..]);
        }
    }

    /// <summary>What the tags say of the numbers.</summary>
    private readonly record struct Kind((int Width, int Height) Size, Photometric Photometric, int Bits, int Samples,
        Orientation Orientation, bool TakesRows)
    {
        public static Kind Of(Tiff tiff)
        {
            int Tag(TiffTag tag, int otherwise) => tiff.GetField(tag) is { Length: > 0 } value ? value[0].ToInt() : otherwise;
            int width = Tag(TiffTag.IMAGEWIDTH, 0), height = Tag(TiffTag.IMAGELENGTH, 0), bits = Tag(TiffTag.BITSPERSAMPLE, 1),
                samples = Tag(TiffTag.SAMPLESPERPIXEL, 1);
            var photometric = (Photometric)Tag(TiffTag.PHOTOMETRIC, -1);
            var orientation = (Orientation)Tag(TiffTag.ORIENTATION, (int)Orientation.TOPLEFT);
            var format = (SampleFormat)Tag(TiffTag.SAMPLEFORMAT, (int)SampleFormat.UINT);
            var compression = (Compression)Tag(TiffTag.COMPRESSION, (int)Compression.NONE);
            bool chunky = samples == 1 || Tag(TiffTag.PLANARCONFIG, (int)PlanarConfig.CONTIG) == (int)PlanarConfig.CONTIG;
            bool direct = photometric is Photometric.RGB or Photometric.MINISBLACK or Photometric.MINISWHITE;
            bool rows = direct && chunky && !tiff.IsTiled() && bits is 8 or 16
                && compression is not (Compression.JPEG or Compression.OJPEG);
            int colours = photometric is Photometric.MINISBLACK or Photometric.MINISWHITE or Photometric.PALETTE ? 1 : 3;
            string? fault = width <= 0 || height <= 0 ? "the TIFF does not say its size"
                : format is not (SampleFormat.UINT or SampleFormat.VOID) ? $"a TIFF of {Words(format)} numbers"
                : !direct && photometric is not (Photometric.PALETTE or Photometric.YCBCR) ? $"a TIFF of {Words(photometric)} colours"
                : !tiff.IsCodecConfigured(compression) ? $"a TIFF of compression {(int)compression}"
                : orientation is < Orientation.TOPLEFT or > Orientation.BOTLEFT
                    ? $"a TIFF that lies on its side (orientation {(int)orientation})"
                : bits > 8 && !rows || bits > 16 ? $"a TIFF of {bits} bits a channel{(bits == 16 ? " in tiles or planes" : "")}"
                : samples > colours && !rows ? $"a TIFF of {samples} channels in tiles or planes"
                : samples < colours ? $"a TIFF of {samples} channels"
                : null;
            return fault is null
                ? new((width, height), photometric, bits, samples, orientation, rows)
                : throw new Fault(FaultKind.Data, fault.StartsWith("a TIFF", StringComparison.Ordinal)
                    ? $"{fault} is not read; convert it to 8-bit RGB" : fault);
        }

        private static string Words(SampleFormat format) => format switch
        {
            SampleFormat.IEEEFP => "floating-point",
            SampleFormat.INT => "signed",
            _ => "complex",
        };

        private static string Words(Photometric photometric) => photometric switch
        {
            Photometric.CIELAB or Photometric.ICCLAB or Photometric.ITULAB => "Lab",
            Photometric.SEPARATED => "CMYK",
            Photometric.LOGL or Photometric.LOGLUV => "logarithmic",
            _ => $"unknown (photometric {(int)photometric})",
        };
    }
}
