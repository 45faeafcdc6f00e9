using System.Globalization;

namespace SSLP.Data.Files;

/// <summary>A number with what it counts.</summary>
internal static class Counted
{
    /// <summary>"1 slide", "2 slides", "17,242 patches".</summary>
    /// <param name="count">How many.</param>
    /// <param name="one">What one of them is called.</param>
    /// <param name="many">What several are called; null for an s more.</param>
    public static string Of(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? one : many ?? one + "s")}");

    /// <summary>"1 patch", "2 patches".</summary>
    public static string Patches(long count) => Of(count, "patch", "patches");

    /// <summary>"1 slide", "2 slides".</summary>
    public static string Slides(long count) => Of(count, "slide");
}
