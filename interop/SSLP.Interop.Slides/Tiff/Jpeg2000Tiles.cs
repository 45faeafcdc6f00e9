using SSLP.Interop.Slides.Jpeg2000;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>What an image's tags say of the colours of its JPEG 2000 tiles.</summary>
internal sealed class Jpeg2000Tiles
{
    private const string AperioMark = "Aperio";

    private readonly bool? _yCbCr;
    private readonly bool _yCbCrTagged;

    private Jpeg2000Tiles(bool? yCbCr, bool yCbCrTagged) => (_yCbCr, _yCbCrTagged) = (yCbCr, yCbCrTagged);

    /// <summary>How the tiles of an image are to be read; null where they are not JPEG 2000.</summary>
    public static Jpeg2000Tiles? Read(TiffDirectory directory, TiffCompression compression)
    {
        if (!compression.IsJpeg2000())
            return null;
        // The numbers say the colours in Aperio's own files only; others use them as they like.
        bool aperio = directory.Text(TiffTag.ImageDescription)?.StartsWith(AperioMark, StringComparison.Ordinal) == true;
        bool? yCbCr = !aperio ? null : compression switch
        {
            TiffCompression.Jpeg2000YCbCr => true,
            TiffCompression.Jpeg2000Rgb => false,
            _ => null,
        };
        return new Jpeg2000Tiles(yCbCr, directory.Integer(TiffTag.PhotometricInterpretation, 0) == (long)TiffPhotometric.YCbCr);
    }

    /// <summary>Whether a tile's components are YCbCr: as its slide says, else as the stream shows, else as the tag says.</summary>
    public bool IsYCbCr(in Jpeg2000Header header) =>
        header.Components == 3
            && (_yCbCr ?? (!header.Decorrelated && (header.BoxedYCbCr || header.ChromaAcross * header.ChromaDown > 1 || _yCbCrTagged)));
}
