using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>One pixel in [0, 1] and the colour steps on it: the same formulas as the CPU's, each clamped to [0, 1].</summary>
public struct Colour
{
    public float R, G, B;

    public Colour(float r, float g, float b)
    {
        R = r;
        G = g;
        B = b;
    }

    public readonly float Gray => 0.2989f * R + 0.587f * G + 0.114f * B;

    /// <summary>All channels the pixel's gray.</summary>
    public readonly Colour ToGray() => new(Gray, Gray, Gray);

    public static float Clamp(float x) => IntrinsicMath.Min(IntrinsicMath.Max(x, 0f), 1f);

    /// <summary>factor · x + (1 − factor) · anchor.</summary>
    public readonly Colour Blend(float factor, float anchor)
    {
        float rest = (1f - factor) * anchor;
        return new Colour(Clamp(factor * R + rest), Clamp(factor * G + rest), Clamp(factor * B + rest));
    }

    /// <summary>One colour step but contrast: 0 brightness, 2 saturation, 3 hue.</summary>
    public readonly Colour Step(int step, AugmentPlan plan)
    {
        if (step == 0)
            return Blend(plan.Brightness, 0f);
        if (step == 2)
            return Blend(plan.Saturation, Gray);
        return step == 3 && plan.Hue != 0f ? ShiftHue(plan.Hue) : this;
    }

    /// <summary>The affine map of optical density.</summary>
    public readonly Colour Stain(AugmentPlan plan)
    {
        const float darkest = 1f / 255f;
        float r = DeviceMath.Log(IntrinsicMath.Max(R, darkest)), g = DeviceMath.Log(IntrinsicMath.Max(G, darkest));
        float b = DeviceMath.Log(IntrinsicMath.Max(B, darkest));
        return new Colour(
            IntrinsicMath.Min(DeviceMath.Exp(plan.M00 * r + plan.M01 * g + plan.M02 * b - plan.O0), 1f),
            IntrinsicMath.Min(DeviceMath.Exp(plan.M10 * r + plan.M11 * g + plan.M12 * b - plan.O1), 1f),
            IntrinsicMath.Min(DeviceMath.Exp(plan.M20 * r + plan.M21 * g + plan.M22 * b - plan.O2), 1f));
    }

    private readonly Colour ShiftHue(float turns)
    {
        float value = IntrinsicMath.Max(R, IntrinsicMath.Max(G, B)), chroma = value - IntrinsicMath.Min(R, IntrinsicMath.Min(G, B));
        float inverse = chroma == 0f ? 1f : 1f / chroma;
        float sixths = value == R ? (G - B) * inverse : value == G ? 2f + (B - R) * inverse : 4f + (R - G) * inverse;
        sixths += 6f * turns;
        return new Colour(Hexcone(sixths + 5f, value, chroma), Hexcone(sixths + 3f, value, chroma), Hexcone(sixths + 1f, value, chroma));
    }

    private static float Hexcone(float k, float value, float chroma)
    {
        k -= 6f * MathF.Floor(k * (1f / 6f));
        return value - chroma * Clamp(IntrinsicMath.Min(k, 4f - k));
    }
}
