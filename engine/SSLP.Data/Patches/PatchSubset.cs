namespace SSLP.Data.Patches;

/// <summary>Some patches of a source, as a source: a split, or a sample. It owns nothing: the source behind it stays its
/// opener's.</summary>
public sealed class PatchSubset : IPatchSource
{
    private readonly IPatchSource _whole;
    private readonly int[] _patches;

    /// <param name="whole">The source behind; must stay open as long as this is read.</param>
    /// <param name="patches">Ids in <paramref name="whole"/>, in the order wanted.</param>
    /// <param name="what">A word for what was chosen, for logs: "split train".</param>
    public PatchSubset(IPatchSource whole, int[] patches, string what)
    {
        (_whole, _patches) = (whole, patches);
        Describe = $"{what} of {whole.Describe}";
        Table = whole.Table.Select(patches);
    }

    public PatchTable Table { get; }

    public int PatchSize => _whole.PatchSize;

    public double? Mpp => _whole.Mpp;

    public string Describe { get; }

    public bool IsCheapAtRandom => _whole.IsCheapAtRandom;

    public SlideGeometry? GeometryOf(int slide) => _whole.GeometryOf(slide);

    public (long X, long Y)? OriginLevel0(int patch) => _whole.OriginLevel0(_patches[patch]);

    public void Read(int patch, Span<byte> rgb) => _whole.Read(_patches[patch], rgb);

    public void Dispose() { }
}
