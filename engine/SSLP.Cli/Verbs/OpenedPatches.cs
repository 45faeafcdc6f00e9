using SSLP.Data.Patches;

namespace SSLP.Cli.Verbs;

/// <summary>A source that wraps others, with what was opened for it: the command line opened that, so disposing this closes it.</summary>
/// <param name="source">What is read.</param>
/// <param name="opened">What it reads from.</param>
internal sealed class OpenedPatches(IPatchSource source, params IDisposable[] opened) : IPatchSource
{
    public PatchTable Table => source.Table;

    public int PatchSize => source.PatchSize;

    public double? Mpp => source.Mpp;

    public string Describe => source.Describe;

    public bool IsCheapAtRandom => source.IsCheapAtRandom;

    public SlideGeometry? GeometryOf(int slide) => source.GeometryOf(slide);

    public (long X, long Y)? OriginLevel0(int patch) => source.OriginLevel0(patch);

    public void Read(int patch, Span<byte> rgb) => source.Read(patch, rgb);

    public void Dispose()
    {
        source.Dispose();
        foreach (IDisposable one in opened)
            one.Dispose();
    }
}
