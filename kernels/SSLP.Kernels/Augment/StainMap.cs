namespace SSLP.Kernels;

/// <summary>
/// An affine map of natural optical density, d = −ln(transmittance) of red, green and blue: d′ = M d + o.
/// </summary>
/// <param name="M00">Row by row.</param>
internal readonly record struct StainMap(
    float M00, float M01, float M02,
    float M10, float M11, float M12,
    float M20, float M21, float M22,
    float O0, float O1, float O2)
{
    public static StainMap Identity { get; } = new(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0);

    // Optical density vectors of haematoxylin and eosin: Ruifrok and Johnston (2001), table 1. The third is their cross product,
    // what neither stain explains, and it is left as it is.
    private static readonly double[] Haematoxylin = Unit([0.65, 0.70, 0.29]);
    private static readonly double[] Eosin = Unit([0.07, 0.99, 0.11]);
    private static readonly double[] Residual = Unit(Cross(Haematoxylin, Eosin));

    // Rows of the inverse of [h e r]: the dual basis.
    private static readonly double Volume = Dot(Haematoxylin, Cross(Eosin, Residual));
    private static readonly double[] HaematoxylinDual = Cross(Eosin, Residual);
    private static readonly double[] EosinDual = Cross(Residual, Haematoxylin);

    /// <summary>
    /// Densities h and e of the two stains become <c>scale · density + shift</c>; the residual stays. With d = h·H + e·E + r·R this is
    /// d′ = d + ((scaleH − 1) h + shiftH) H + ((scaleE − 1) e + shiftE) E.
    /// </summary>
    public static StainMap Jitter(double haematoxylinScale, double haematoxylinShift, double eosinScale, double eosinShift)
    {
        Span<double> m = stackalloc double[9];
        Span<double> o = stackalloc double[3];
        for (int row = 0; row < 3; row++)
        {
            for (int column = 0; column < 3; column++)
                m[row * 3 + column] = (row == column ? 1 : 0)
                    + (haematoxylinScale - 1) * Haematoxylin[row] * HaematoxylinDual[column] / Volume
                    + (eosinScale - 1) * Eosin[row] * EosinDual[column] / Volume;
            o[row] = haematoxylinShift * Haematoxylin[row] + eosinShift * Eosin[row];
        }

        return new StainMap(
            (float)m[0], (float)m[1], (float)m[2], (float)m[3], (float)m[4], (float)m[5], (float)m[6], (float)m[7], (float)m[8],
            (float)o[0], (float)o[1], (float)o[2]);
    }

    private static double Dot(double[] a, double[] b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

    private static double[] Cross(double[] a, double[] b) =>
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

    private static double[] Unit(double[] a)
    {
        double norm = Math.Sqrt(Dot(a, a));
        return [a[0] / norm, a[1] / norm, a[2] / norm];
    }
}
