namespace SSLP.Data.Patches;

/// <summary>The pixels of a source under another table of the same patches: with patients, say. Owns nothing.</summary>
public sealed class RegroupedPatches : IPatchSource
{
    private readonly IPatchSource _patches;

    /// <param name="patches">The source behind; must stay open as long as this is read.</param>
    /// <param name="table">A row for each of its patches, in their order.</param>
    /// <param name="what">What the table adds, for logs.</param>
    /// <exception cref="ArgumentException">Another number of patches.</exception>
    public RegroupedPatches(IPatchSource patches, PatchTable table, string what)
    {
        if (table.Count != patches.Table.Count)
            throw new ArgumentException($"A table of {table.Count} patches for {patches.Table.Count}.", nameof(table));
        (_patches, Table, Describe) = (patches, table, $"{patches.Describe}, {what}");
    }

    public PatchTable Table { get; }

    public int PatchSize => _patches.PatchSize;

    public double? Mpp => _patches.Mpp;

    public string Describe { get; }

    public bool IsCheapAtRandom => _patches.IsCheapAtRandom;

    public SlideGeometry? GeometryOf(int slide) => _patches.GeometryOf(slide);

    public (long X, long Y)? OriginLevel0(int patch) => _patches.OriginLevel0(patch);

    public void Read(int patch, Span<byte> rgb) => _patches.Read(patch, rgb);

    public void Dispose() { }
}
