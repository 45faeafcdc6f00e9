using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using SSLP.Data.Files;
using SSLP.Engine.Weights;

namespace SSLP.Engine.Runs;

/// <summary>Where a run stands, besides its tensors.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Inputs">Fingerprint of the patches.</param>
/// <param name="Options">Every option as text, by key.</param>
/// <param name="Init">SHA-256 of the file that the run began with; null where it began with random weights.</param>
public sealed record CheckpointState(int Step, string Inputs, Dictionary<string, string> Options, string? Init = null);

[JsonSerializable(typeof(CheckpointState))]
internal sealed partial class CheckpointJson : JsonSerializerContext;

/// <summary>
/// Checkpoints of a run: one safetensors file each (network, optimizer, bank, clusters; the rest in its metadata), written to a temporary
/// name, flushed and renamed, with a checksum that is verified when it is read. The order of the patches and every draw are functions of
/// the seed and the step, so the step is all there is to say of them.
/// </summary>
/// <param name="folder">The run's folder.</param>
/// <param name="keep">The newest so many are kept.</param>
public sealed class Checkpoint(RunFolder folder, int keep)
{
    private const string StateKey = "sslp.checkpoint";

    /// <exception cref="Fault">The file could not be written; the checkpoint before it is untouched.</exception>
    public void Save(CheckpointState state, IReadOnlyList<SafetensorsItem> items)
    {
        string path = PathOf(state.Step);
        try
        {
            Write(path, state, items);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            string last = All().LastOrDefault() is { } before ? $"'{before}' is intact" : "no checkpoint was written before it";
            throw new Fault(FaultKind.Input,
                $"The checkpoint '{path}' could not be written: {fault.Message.TrimEnd('.')}; {last}. Make room and go on with --resume.", fault);
        }
        foreach (string old in All().SkipLast(keep))
            File.Delete(old);
    }

    /// <summary>The newest checkpoint, opened and verified; null where there is none.</summary>
    /// <exception cref="Fault">The newest one is damaged; says which, and which one before it there is.</exception>
    public (CheckpointState State, SafetensorsFile File)? OpenNewest()
    {
        string[] all = All();
        if (all.Length == 0)
            return null;
        try
        {
            return Open(all[^1]);
        }
        catch (Fault fault)
        {
            string before = all.Length > 1 ? $" Delete it to go on from '{all[^2]}'." : string.Empty;
            throw new Fault(FaultKind.Data, $"{fault.Message.TrimEnd('.')}.{before}", fault);
        }
    }

    /// <summary>One file in the form of a checkpoint, wherever it lies; whole or not at all.</summary>
    public static void Write(string path, CheckpointState state, IReadOnlyList<SafetensorsItem> items) => SafetensorsWriter.Write(
        path, items, new Dictionary<string, string> { [StateKey] = JsonSerializer.Serialize(state, CheckpointJson.Default.CheckpointState) });

    /// <summary>Opens what <see cref="Write"/> wrote and verifies it.</summary>
    /// <exception cref="Fault">It is damaged, or no checkpoint.</exception>
    public static (CheckpointState State, SafetensorsFile File) Open(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Metadata.TryGetValue(StateKey, out string? json) && JsonSerializer.Deserialize(json, CheckpointJson.Default.CheckpointState) is { } state)
            return (state, file);
        file.Dispose();
        throw new Fault(FaultKind.Data, $"'{path}' is no checkpoint of this program.");
    }

    /// <summary>Checkpoints of the run, oldest first.</summary>
    public string[] All() => Directory.Exists(folder.Checkpoints)
        ? [.. Directory.EnumerateFiles(folder.Checkpoints, "step-*.safetensors").Order(StringComparer.Ordinal)]
        : [];

    private string PathOf(int step) => Path.Combine(folder.Checkpoints, string.Create(CultureInfo.InvariantCulture, $"step-{step:D9}.safetensors"));
}
