namespace SSLP.Interop.Slides;

/// <summary>Units of length as metadata name them.</summary>
internal static class LengthUnit
{
    /// <summary>A unit in micrometres; null where it is no length ("pixel", "reference frame") or unknown.</summary>
    public static double? Micrometres(string unit)
    {
        string plain = unit.Trim();
        return Exact(plain) ?? (plain.Length > 3 ? Exact(plain.ToLowerInvariant()) : null);
    }

    // Letters of short units mean something (mm, Mm); those of words do not.
    private static double? Exact(string unit) => unit switch
    {
        // The micro sign, the Greek letter, and what stands where the encoding was lost.
        "µm" or "\u03BCm" or "\uFFFDm" or "Âµm" or "um" or "micron" or "microns" or "micrometer" or "micrometre" or "micrometers" => 1,
        "nm" or "nanometer" or "nanometre" => 1e-3,
        "Å" or "\u212B" or "A" or "angstrom" => 1e-4,
        "pm" => 1e-6,
        "mm" or "millimeter" or "millimetre" => 1e3,
        "cm" or "centimeter" or "centimetre" => 1e4,
        "dm" => 1e5,
        "m" or "meter" or "metre" => 1e6,
        "km" => 1e9,
        "in" or "inch" or "inches" => 25_400,
        "ft" or "foot" => 304_800,
        "yd" => 914_400,
        "thou" or "mil" => 25.4,
        "li" or "line" => 25_400 / 12.0,
        "pt" or "point" => 25_400 / 72.0,
        _ => null,
    };
}
