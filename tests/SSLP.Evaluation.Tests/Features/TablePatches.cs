using SSLP.Data.Patches;
using SSLP.Evaluation.Features;

namespace SSLP.Evaluation.Tests.Features;

/// <summary>The patches of a table of features, whose pixels nobody asks for, and the table written by the sinks that embed writes
/// by.</summary>
internal sealed class TablePatches(FeatureTable features) : IPatchSource
{
    public PatchTable Table => features.Patches;

    public int PatchSize => 8;

    public double? Mpp => null;

    public string Describe => features.Source;

    public (long X, long Y)? OriginLevel0(int patch) => features.Level0 is { } level0 ? (level0[2 * patch], level0[(2 * patch) + 1]) : null;

    public void Read(int patch, Span<byte> rgb) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public static void WriteHdf5(string path, FeatureTable features)
    {
        using var source = new TablePatches(features);
        using var sink = new SingleFileSink(path, source, features.Width, features.Source);
        Write(sink, features);
    }

    public static void WriteNpy(string path, FeatureTable features)
    {
        using var sink = new NpySink(path, features.Width);
        Write(sink, features);
    }

    private static void Write(IFeatureSink sink, FeatureTable features)
    {
        sink.Add([.. Enumerable.Range(0, features.Count)], features.Values, Enumerable.Repeat(true, features.Count).ToArray());
        sink.Complete();
    }
}
