using SSLP.Engine.Objective;
using SSLP.Engine.Weights;
using static TorchSharp.torch;

namespace SSLP.Engine.Runs;

/// <summary>The tensors of a checkpoint as a run goes on from them, whether it is whole or changes over another one.</summary>
internal static class CheckpointTensors
{
    private const string ChangedSuffix = ".changed";

    /// <summary>Their names.</summary>
    public static IEnumerable<string> Names(SafetensorsFile file) =>
        file.Entries.Keys.Where(name => !name.Contains(ChangedSuffix, StringComparison.Ordinal)).Union(file.Base?.Entries.Keys ?? []);

    /// <summary>One of them, of the caller's.</summary>
    public static Tensor Read(SafetensorsFile file, string name) =>
        file.Entries.ContainsKey(BankState.RowsOf(name)) ? BankState.ReadBank(file, name)
        : file.Entries.ContainsKey(name) ? file.ReadTensor(name)
        : file.Base!.ReadTensor(name);
}
