namespace SSLP.Data.Patches;

/// <summary>The pixels of a source under another table of the same patches: with patients, say. Owns nothing.</summary>
public sealed class RegroupedPatches : PatchesOver
{
    /// <param name="patches">The source behind; must stay open as long as this is read.</param>
    /// <param name="table">A row for each of its patches, in their order.</param>
    /// <param name="what">What the table adds, for logs.</param>
    /// <exception cref="ArgumentException">Another number of patches.</exception>
    public RegroupedPatches(IPatchSource patches, PatchTable table, string what)
        : base(patches)
    {
        if (table.Count != patches.Table.Count)
            throw new ArgumentException($"A table of {table.Count} patches for {patches.Table.Count}.", nameof(table));
        (Table, Describe) = (table, $"{patches.Describe}, {what}");
    }

    public override PatchTable Table { get; }

    public override string Describe { get; }
}
