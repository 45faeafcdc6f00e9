using System.Numerics;

namespace SSLP.Kernels;

/// <summary>
/// The colour steps on one row that stays in the first-level cache: three planes of <c>stride</c> floats (a multiple of 16), red at
/// <c>row</c>. Values are in [0, 1] and every step clamps to it, as torchvision's functional transforms of a float image do. A register
/// holds <see cref="Vector{T}"/>.Count neighbouring pixels of one plane.
/// </summary>
internal static unsafe class ColourRows
{
    // torchvision's rgb_to_grayscale.
    public const float GrayRed = 0.2989f, GrayGreen = 0.587f, GrayBlue = 0.114f;

    /// <summary>Darkest transmittance that has an optical density: one step of a byte.</summary>
    public const float DarkestTransmittance = 1f / 255f;

    /// <summary>x′ = clamp(factor · x).</summary>
    public static void Brightness(float* row, int stride, float factor)
    {
        for (int x = 0; x < 3 * stride; x += Vector<float>.Count)
            Store(Clamp(factor * Vector.Load(row + x)), row + x);
    }

    /// <summary>x′ = clamp(factor · x + (1 − factor) · mean), mean being the whole view's mean gray.</summary>
    public static void Contrast(float* row, int stride, float factor, float mean)
    {
        Vector<float> offset = new((1 - factor) * mean), f = new(factor);
        for (int x = 0; x < 3 * stride; x += Vector<float>.Count)
            Store(Clamp(Vector.FusedMultiplyAdd(f, Vector.Load(row + x), offset)), row + x);
    }

    /// <summary>x′ = clamp(factor · x + (1 − factor) · gray), gray being the pixel's own.</summary>
    public static void Saturation(float* row, int stride, float factor)
    {
        Vector<float> f = new(factor), rest = new(1 - factor);
        for (int x = 0; x < stride; x += Vector<float>.Count)
        {
            Load(row + x, stride, out Vector<float> r, out Vector<float> g, out Vector<float> b);
            Vector<float> gray = rest * Gray(r, g, b);
            Store(Clamp(Vector.FusedMultiplyAdd(f, r, gray)), row + x);
            Store(Clamp(Vector.FusedMultiplyAdd(f, g, gray)), row + x + stride);
            Store(Clamp(Vector.FusedMultiplyAdd(f, b, gray)), row + x + 2 * stride);
        }
    }

    /// <summary>
    /// Adds <paramref name="turns"/> to the hue and leaves value and saturation (HSV hexcone). With h the hue in sixths, v the largest
    /// channel and c the chroma, a channel is v − c · clamp(min(k, 4 − k)), k = (n + h) mod 6, n = 5, 3, 1 for red, green, blue:
    /// saturation, c / v, cancels.
    /// </summary>
    public static void Hue(float* row, int stride, float turns)
    {
        Vector<float> shift = new(6 * turns);
        for (int x = 0; x < stride; x += Vector<float>.Count)
        {
            Load(row + x, stride, out Vector<float> r, out Vector<float> g, out Vector<float> b);
            Vector<float> value = Vector.Max(r, Vector.Max(g, b)), chroma = value - Vector.Min(r, Vector.Min(g, b));
            Vector<float> inverse = Vector<float>.One / Vector.ConditionalSelect(Vector.Equals(chroma, Vector<float>.Zero),
                Vector<float>.One, chroma);
            Vector<float> hue = Vector.ConditionalSelect(
                Vector.Equals(value, r), (g - b) * inverse,
                Vector.ConditionalSelect(
                    Vector.Equals(value, g),
                    Vector.FusedMultiplyAdd(b - r, inverse, new Vector<float>(2f)),
                    Vector.FusedMultiplyAdd(r - g, inverse, new Vector<float>(4f)))) + shift;
            Store(HexconeChannel(hue + new Vector<float>(5f), value, chroma), row + x);
            Store(HexconeChannel(hue + new Vector<float>(3f), value, chroma), row + x + stride);
            Store(HexconeChannel(hue + Vector<float>.One, value, chroma), row + x + 2 * stride);
        }
    }

    /// <summary>All three channels become the pixel's gray.</summary>
    public static void Grayscale(float* row, int stride)
    {
        for (int x = 0; x < stride; x += Vector<float>.Count)
        {
            Load(row + x, stride, out Vector<float> r, out Vector<float> g, out Vector<float> b);
            Vector<float> gray = Gray(r, g, b);
            Store(gray, row + x);
            Store(gray, row + x + stride);
            Store(gray, row + x + 2 * stride);
        }
    }

    /// <summary>x′ = clamp(exp(−(M d + o))) with d = −ln max(x, 1/255): the affine map of optical density that jitters the
    /// stains.</summary>
    public static void Stain(float* row, int stride, in StainMap map)
    {
        Vector<float> darkest = new(DarkestTransmittance);
        for (int x = 0; x < stride; x += Vector<float>.Count)
        {
            Load(row + x, stride, out Vector<float> r, out Vector<float> g, out Vector<float> b);
            // Signs cancel: with l = ln x = −d, ln x′ = M l − o.
            r = Vector.Log(Vector.Max(r, darkest));
            g = Vector.Log(Vector.Max(g, darkest));
            b = Vector.Log(Vector.Max(b, darkest));
            Store(Transmittance(map.M00 * r + map.M01 * g + map.M02 * b - new Vector<float>(map.O0)), row + x);
            Store(Transmittance(map.M10 * r + map.M11 * g + map.M12 * b - new Vector<float>(map.O1)), row + x + stride);
            Store(Transmittance(map.M20 * r + map.M21 * g + map.M22 * b - new Vector<float>(map.O2)), row + x + 2 * stride);
        }
    }

    /// <summary>Sum of gray over the first <paramref name="width"/> pixels (the padding is left out).</summary>
    public static float SumGray(float* row, int stride, int width)
    {
        Vector<float> sum = Vector<float>.Zero;
        int x = 0;
        for (; x + Vector<float>.Count <= width; x += Vector<float>.Count)
        {
            Load(row + x, stride, out Vector<float> r, out Vector<float> g, out Vector<float> b);
            sum += Gray(r, g, b);
        }

        float total = Vector.Sum(sum);
        for (; x < width; x++)
            total += GrayRed * row[x] + GrayGreen * row[x + stride] + GrayBlue * row[x + 2 * stride];
        return total;
    }

    /// <summary>One plane: x′ = x · scale + offset.</summary>
    public static void Normalise(float* plane, int stride, float scale, float offset)
    {
        Vector<float> s = new(scale), o = new(offset);
        for (int x = 0; x < stride; x += Vector<float>.Count)
            Store(Vector.FusedMultiplyAdd(Vector.Load(plane + x), s, o), plane + x);
    }

    private static Vector<float> HexconeChannel(Vector<float> k, Vector<float> value, Vector<float> chroma)
    {
        Vector<float> six = new(6f);
        k -= six * Vector.Floor(k * new Vector<float>(1f / 6f));
        return value - chroma * Clamp(Vector.Min(k, new Vector<float>(4f) - k));
    }

    private static Vector<float> Transmittance(Vector<float> logarithm) => Vector.Min(Vector.Exp(logarithm), Vector<float>.One);

    private static Vector<float> Gray(Vector<float> r, Vector<float> g, Vector<float> b) =>
        Vector.FusedMultiplyAdd(r, new Vector<float>(GrayRed), Vector.FusedMultiplyAdd(g, new Vector<float>(GrayGreen), b * GrayBlue));

    private static Vector<float> Clamp(Vector<float> x) => Vector.Min(Vector.Max(x, Vector<float>.Zero), Vector<float>.One);

    private static void Load(float* row, int stride, out Vector<float> r, out Vector<float> g, out Vector<float> b)
    {
        r = Vector.Load(row);
        g = Vector.Load(row + stride);
        b = Vector.Load(row + 2 * stride);
    }

    private static void Store(Vector<float> value, float* destination) => Vector.Store(value, destination);
}
