using SSLP.Data.Patches;

namespace SSLP.Cli.Verbs;

/// <summary>A source that wraps others, with what was opened for it: the command line opened that, so disposing this closes it.</summary>
/// <param name="source">What is read.</param>
/// <param name="opened">What it reads from.</param>
internal sealed class OpenedPatches(IPatchSource source, params IDisposable[] opened) : PatchesOver(source)
{
    public override void Dispose()
    {
        Under.Dispose();
        foreach (IDisposable one in opened)
            one.Dispose();
    }
}
