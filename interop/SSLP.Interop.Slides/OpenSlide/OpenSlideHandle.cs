using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>An openslide_t. Calls in flight keep it alive; it is closed after the last of them.</summary>
internal sealed class OpenSlideHandle : SafeHandle
{
    public OpenSlideHandle(nint osr)
        : base(0, ownsHandle: true) => SetHandle(osr);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeOpenSlide.openslide_close(handle);
        return true;
    }
}
