namespace SSLP.Data.Patches;

/// <summary>
/// A source made from another one. What it does not say otherwise is the other's, whatever a source is asked: another one around it changes
/// no order of reading and no scale. It owns nothing: the source under it stays its opener's.
/// </summary>
public abstract class PatchesOver : IPatchSource
{
    /// <param name="under">The source under it; must stay open as long as this is read.</param>
    protected PatchesOver(IPatchSource under)
    {
        ArgumentNullException.ThrowIfNull(under);
        Under = under;
    }

    public virtual PatchTable Table => Under.Table;

    public int PatchSize => Under.PatchSize;

    public double? Mpp => Under.Mpp;

    public virtual string Describe => Under.Describe;

    public bool IsCheapAtRandom => Under.IsCheapAtRandom;

    /// <summary>The source under it.</summary>
    protected IPatchSource Under { get; }

    public SlideGeometry? GeometryOf(int slide) => Under.GeometryOf(slide);

    public virtual (long X, long Y)? OriginLevel0(int patch) => Under.OriginLevel0(patch);

    public virtual void Read(int patch, Span<byte> rgb) => Under.Read(patch, rgb);

    public virtual void Dispose() { }
}
