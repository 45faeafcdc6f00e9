namespace SSLP.Interop.Slides;

/// <summary>Units of length as metadata name them.</summary>
internal static class LengthUnit
{
    /// <summary>A unit in micrometres; null where it is no length ("pixel", "reference frame") or unknown.</summary>
    public static double? Micrometres(string unit)
    {
        ReadOnlySpan<char> plain = unit.AsSpan().Trim();
        foreach (string per in (string[])["pixels", "pixel", "px"])
        {
            if (plain.EndsWith(per, StringComparison.OrdinalIgnoreCase) && Before(plain[..^per.Length].TrimEnd()) is { Length: > 0 } length)
                plain = length;
        }
        string name = plain.ToString();
        // Letters mean something (mm, Mm) where they are a unit as they stand; else they are those of a writer in capitals.
        return Exact(name) ?? Exact(name.ToLowerInvariant()) ?? Exact(name.ToLowerInvariant().TrimEnd('s'));
    }

    /// <summary>What stands before "per" or its sign; nothing where neither ends the text.</summary>
    private static string Before(ReadOnlySpan<char> text) =>
        text.EndsWith("/") ? text[..^1].TrimEnd().ToString()
        : text.EndsWith("per", StringComparison.OrdinalIgnoreCase) ? text[..^3].TrimEnd().ToString() : "";

    private static double? Exact(string unit) => unit switch
    {
        // The micro sign, the Greek letter, and what stands where the encoding was lost.
        "µm" or "\u03BCm" or "\uFFFDm" or "Âµm" or "um" or "µ" or "micron" or "micrometer" or "micrometre" => 1,
        "nm" or "nanometer" or "nanometre" => 1e-3,
        "Å" or "\u212B" or "A" or "angstrom" => 1e-4,
        "pm" or "picometer" or "picometre" => 1e-6,
        "fm" => 1e-9,
        "mm" or "millimeter" or "millimetre" => 1e3,
        "cm" or "centimeter" or "centimetre" => 1e4,
        "dm" or "decimeter" or "decimetre" => 1e5,
        "m" or "meter" or "metre" => 1e6,
        "dam" => 1e7,
        "hm" => 1e8,
        "km" => 1e9,
        "Mm" => 1e12,
        "in" or "inch" or "inches" => 25_400,
        "ft" or "foot" => 304_800,
        "yd" => 914_400,
        "thou" or "mil" => 25.4,
        "li" or "line" => 25_400 / 12.0,
        "pt" or "point" => 25_400 / 72.0,
        _ => null,
    };
}
