using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>libjpeg-turbo of the machine, through its TurboJPEG interface (stable across 2.x and 3.x).</summary>
internal sealed unsafe class TurboJpegDecoder : JpegDecoder
{
    // A warning means that part of the tile was made up; a limit on scans keeps a hostile progressive stream from taking minutes.
    private const int Flags = NativeTurboJpeg.TJFLAG_ACCURATEDCT | NativeTurboJpeg.TJFLAG_STOPONWARNING | NativeTurboJpeg.TJFLAG_LIMITSCANS;

    /// <summary>What libjpeg says of bytes that mean nothing before a marker: every block was read, up to there.</summary>
    private const string LeftOver = "extraneous bytes before marker 0x";

    private readonly TurboJpegHandle _handle = new();
    private JpegDecoder? _strict;

    public override string Name => "libjpeg-turbo (system)";

    public override void Dispose()
    {
        _handle.Dispose();
        _strict?.Dispose();
    }

    private protected override string? DecodeWhole(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb, int stride)
    {
        fixed (byte* source = jpeg, target = rgb)
        {
            // TurboJPEG takes the largest of its scales that fits in width × height and writes no more, whatever the stream turns out to
            // hold.
            int status = NativeTurboJpeg.tjDecompress2(
                _handle, source, new CULong((uint)jpeg.Length), target, width, stride, height, NativeTurboJpeg.TJPF_RGB, Flags);
            if (status == 0)
                return null;
        }
        string fault = Marshal.PtrToStringUTF8((nint)NativeTurboJpeg.tjGetErrorStr2(_handle)) ?? "unknown fault";
        // It stops at every warning and can't be told to pass over this one: a decoder that tells harmless bytes from damage goes on in
        // its place.
        return fault.Contains(LeftOver, StringComparison.Ordinal)
            ? (_strict ??= VectorJpegDecoder.IsSupported ? new VectorJpegDecoder() : new SkiaJpegDecoder())
                .Decode(jpeg, width, height, rgb, stride)
            : fault;
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
