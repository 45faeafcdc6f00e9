using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>libjpeg-turbo of the machine, through its TurboJPEG interface (stable across 2.x and 3.x).</summary>
internal sealed unsafe class TurboJpegDecoder : JpegDecoder
{
    // A warning means that part of the tile was made up; a limit on scans keeps a hostile progressive stream from taking minutes.
    private const int Flags = NativeTurboJpeg.TJFLAG_ACCURATEDCT | NativeTurboJpeg.TJFLAG_STOPONWARNING | NativeTurboJpeg.TJFLAG_LIMITSCANS;

    private readonly TurboJpegHandle handle = new();

    public override string Name => "libjpeg-turbo (system)";

    public override string? Decode(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb, int stride)
    {
        if (rgb.Length < ((height - 1L) * stride) + (3L * width))
            throw new ArgumentException($"{rgb.Length} bytes can't hold {width} × {height} RGB pixels.", nameof(rgb));
        fixed (byte* source = jpeg, target = rgb)
        {
            // TurboJPEG takes the largest of its scales that fits in width × height and writes no more, whatever the stream turns out to hold.
            int status = NativeTurboJpeg.tjDecompress2(
                handle, source, new CULong((uint)jpeg.Length), target, width, stride, height, NativeTurboJpeg.TJPF_RGB, Flags);
            return status == 0 ? null : Marshal.PtrToStringUTF8((nint)NativeTurboJpeg.tjGetErrorStr2(handle)) ?? "unknown fault";
        }
    }
}

/// <summary>A tjhandle for decompression.</summary>
internal sealed class TurboJpegHandle : SafeHandle
{
    public TurboJpegHandle()
        : base(0, ownsHandle: true)
    {
        SetHandle(NativeTurboJpeg.tjInitDecompress());
        if (IsInvalid)
            throw new OutOfMemoryException("libjpeg-turbo could not make a decoder.");
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => NativeTurboJpeg.tjDestroy(handle) == 0;
}
