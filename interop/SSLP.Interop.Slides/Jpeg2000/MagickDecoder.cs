using ImageMagick;

namespace SSLP.Interop.Slides.Jpeg2000;

/// <summary>
/// The OpenJPEG inside of Magick.NET through its managed interface, for machines whose native library does not let it be called directly
/// (Windows)
/// and that have none of their own. At the full size only: its reduced sizes are halved twice over, so <see cref="Jpeg2000LowPass"/>
/// halves here.
/// </summary>
internal sealed unsafe class MagickDecoder : Jpeg2000Decoder
{
    private readonly int[][] _samples = [[], [], []];

    public override string Name => "OpenJPEG (Magick.NET)";

    private protected override string? Decode(ReadOnlySpan<byte> codestream, in Jpeg2000Header header, in Jpeg2000Rows rows)
    {
        try
        {
            using var image = new MagickImage(codestream, new MagickReadSettings { Format = MagickFormat.J2k });
            using IUnsafePixelCollection<byte> pixels = image.GetPixelsUnsafe();
            if (image.Width != header.Width || image.Height != header.Height || pixels.Channels < header.Components)
                return "its JPEG 2000 bands have other sizes than its header says";
            return Write(Planes(pixels, header), 0, header, rows);
        }
        catch (MagickException fault)
        {
            return fault.Message.ReplaceLineEndings(" ");
        }
    }

    private Jpeg2000Planes Planes(IUnsafePixelCollection<byte> pixels, in Jpeg2000Header header)
    {
        int width = header.Width, height = header.Height;
        var planes = new Jpeg2000Planes();
        byte* packed = (byte*)pixels.GetAreaPointer(0, 0, (uint)width, (uint)height);
        int channels = (int)pixels.Channels, count = width * height;
        for (int i = 0; i < 3; i++)
        {
            if (_samples[i].Length < count)
                _samples[i] = GC.AllocateUninitializedArray<int>(count, pinned: true);
            for (int p = 0, at = Math.Min(i, header.Components - 1); p < count; p++, at += channels)
                _samples[i][p] = packed[at];
            planes[i] = new Jpeg2000Plane((int*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_samples[i], 0),
                width, height);
        }
        return planes;
    }
}
