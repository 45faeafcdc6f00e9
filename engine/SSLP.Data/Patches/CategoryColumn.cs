namespace SSLP.Data.Patches;

/// <summary>One name per patch out of a few, kept as indices: classes, splits.</summary>
/// <param name="Names">The names, in ordinal order where <see cref="FromNames"/> made them.</param>
/// <param name="Of">Per patch, an index into <paramref name="Names"/> or <see cref="PatchTable.None"/>.</param>
public sealed record CategoryColumn(IReadOnlyList<string> Names, ReadOnlyMemory<int> Of)
{
    /// <summary>Indexes names; empty or null means none. Null when no patch has a name.</summary>
    public static CategoryColumn? FromNames(IReadOnlyList<string?> nameOf)
    {
        string[] names = [.. nameOf.Where(name => !string.IsNullOrEmpty(name)).Distinct().Order(StringComparer.Ordinal)!];
        if (names.Length == 0)
            return null;
        var index = names.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i);
        return new(names, nameOf.Select(name => string.IsNullOrEmpty(name) ? PatchTable.None : index[name]).ToArray());
    }
}
