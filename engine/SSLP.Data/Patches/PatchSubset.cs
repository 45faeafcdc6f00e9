using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>Some patches of a source, as a source: a split, or a sample. It owns nothing: the source behind it stays its
/// opener's.</summary>
public sealed class PatchSubset : PatchesOver
{
    private readonly int[] _patches;

    /// <param name="whole">The source behind; must stay open as long as this is read.</param>
    /// <param name="patches">Ids in <paramref name="whole"/>, in the order wanted.</param>
    /// <param name="what">A word for what was chosen, for logs: "split train".</param>
    public PatchSubset(IPatchSource whole, int[] patches, string what)
        : base(whole)
    {
        _patches = patches;
        Table = whole.Table.Select(patches);
        int slides = new HashSet<int>(Table.SlideOf.ToArray()).Count;
        Describe = $"{what}, {Counted.Patches(patches.Length)} on {Counted.Slides(slides)} of {whole.Describe}";
    }

    public override PatchTable Table { get; }

    public override string Describe { get; }

    public override (long X, long Y)? OriginLevel0(int patch) => Under.OriginLevel0(_patches[patch]);

    public override void Read(int patch, Span<byte> rgb) => Under.Read(_patches[patch], rgb);
}
