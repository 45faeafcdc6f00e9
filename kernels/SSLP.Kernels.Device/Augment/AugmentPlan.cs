using System.Runtime.InteropServices;

namespace SSLP.Kernels.Device;

/// <summary>The layout of the host's plan of one view: 28 values of 4 bytes. Meanings are given there.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public struct AugmentPlan
{
    public int Left, Top, Width, Height, ResizedSide, WindowOffset, FlipX, FlipY, Grayscale, Order;
    public float Brightness, Contrast, Saturation, Hue, BlurSigma;
    public int JitterStain;
    public float M00, M01, M02, M10, M11, M12, M20, M21, M22, O0, O1, O2;
}
