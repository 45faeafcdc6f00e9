namespace SSLP.Data.Annotations;

/// <summary>Classes that say "not this"; QuPath's own is "Ignore*".</summary>
internal static class IgnoredClass
{
    private static readonly string[] Names = ["Ignore*", "Ignore", "Ignored", "Exclude", "Excluded", "Exclusion", "Artefact", "Artefacts",
        "Artifact", "Artifacts"];

    /// <param name="className">Of a derived class, "Stroma: Ignore*", any part; null for none.</param>
    public static bool Is(string? className) => className is not null
        && className.Split(':', StringSplitOptions.TrimEntries).Any(part => Names.Contains(part, StringComparer.OrdinalIgnoreCase));
}
