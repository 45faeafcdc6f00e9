using System.Runtime.CompilerServices;

namespace SSLP.Kernels;

/// <summary>
/// 2ʸ for y ≤ 0, written once for every vector width. y is split into a whole part, which becomes the exponent, and a part in
/// [−½, ½], for which a polynomial of degree 6 (Chebyshev interpolation of 2ˣ, relative error 1.9e-8 with these coefficients) is
/// evaluated. At most 2 ulp from the exact value (a test looks); below y = −126 the answer stays 2⁻¹²⁶ ≈ 1.2e-38.
/// </summary>
internal static class LanesExp
{
    private const float Shift = 12582912f;  // 1.5·2²³: adding it rounds to a whole number and leaves that in the low bits

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp2<TLanes, TVector>(TVector y)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        y = TLanes.Max(y, TLanes.Broadcast(-126f));
        TVector shifted = TLanes.Add(y, TLanes.Broadcast(Shift));
        TVector part = TLanes.Subtract(y, TLanes.Subtract(shifted, TLanes.Broadcast(Shift)));
        TVector value = TLanes.Broadcast(0.00015461445f);
        value = TLanes.MultiplyAdd(value, part, TLanes.Broadcast(0.0013400428f));
        value = TLanes.MultiplyAdd(value, part, TLanes.Broadcast(0.009618057f));
        value = TLanes.MultiplyAdd(value, part, TLanes.Broadcast(0.05550327f));
        value = TLanes.MultiplyAdd(value, part, TLanes.Broadcast(0.2402265f));
        value = TLanes.MultiplyAdd(value, part, TLanes.Broadcast(0.6931472f));
        value = TLanes.MultiplyAdd(value, part, TLanes.Broadcast(1f));
        return TLanes.Multiply(value, TLanes.PowerOfTwo(shifted));
    }
}
