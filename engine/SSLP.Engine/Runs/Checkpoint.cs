using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Engine.Weights;

namespace SSLP.Engine.Runs;

/// <summary>Where a run stands, besides its tensors.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Inputs">Fingerprint of the patches.</param>
/// <param name="Options">Every option as text, by key.</param>
/// <param name="Init">SHA-256 of the file that the run began with; null where it began with random weights.</param>
/// <param name="Faults">Patches that did not read and slides that are read no more; null where every patch read.</param>
/// <param name="BaseSha256">Checksum of the checkpoint that this one's changes are laid over; null where it is whole.</param>
internal sealed record CheckpointState(
    int Step, string Inputs, Dictionary<string, string> Options, string? Init = null, LoaderFaults? Faults = null,
    string? BaseSha256 = null);

[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CheckpointState))]
internal sealed partial class CheckpointJson : JsonSerializerContext;

/// <summary>
/// Checkpoints of a run: one safetensors file each (network, optimizer, bank, clusters; the rest in its metadata), written to a temporary
/// name, flushed and renamed, with a checksum that is verified when it is read. The order of the patches and every draw are functions of
/// the seed and the step, so the step is all there is to say of them.
/// <para>step-A.safetensors is whole. step-B.over-A.safetensors holds all but the bank's rows that are the same as in step-A.safetensors,
/// without which it cannot be read; that one is kept as long.</para>
/// </summary>
/// <param name="folder">The run's folder.</param>
/// <param name="keep">The newest so many are kept.</param>
internal sealed partial class Checkpoint(RunFolder folder, int keep)
{
    private const string StateKey = "sslp.checkpoint";

    /// <returns>The checksum of its data, by which changes over it name it.</returns>
    /// <param name="state">Where the run stands.</param>
    /// <param name="items">Its tensors.</param>
    /// <param name="baseStep">Step of the whole checkpoint that <paramref name="items"/> are changes over; null where they are
    /// whole.</param>
    /// <exception cref="Fault">The file could not be written; the checkpoint before it is untouched.</exception>
    public string Save(CheckpointState state, IReadOnlyList<SafetensorsItem> items, int? baseStep = null)
    {
        string path = PathOf(state.Step, baseStep), checksum;
        try
        {
            checksum = Write(path, state, items);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            string last = All().LastOrDefault() is { } before ? $"'{before}' is intact" : "no checkpoint was written before it";
            throw new Fault(FaultKind.Space,
                $"The checkpoint '{path}' could not be written: {fault.Message.TrimEnd('.')}; {last}. Make room and go on with --resume.",
                fault);
        }
        string[] all = All(), kept = [.. all.TakeLast(keep)];
        foreach (string old in all.Except(kept).Except(kept.Select(BaseOf).OfType<string>()))
            File.Delete(old);
        return checksum;
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
            // The fault may be that of the whole one below it, which others may need, too.
            string? before = all.SkipLast(1).LastOrDefault(other => !IsNamed(other) && (BaseOf(other) is not { } whole || !IsNamed(whole)));
            bool IsNamed(string path) => fault.Message.Contains($"'{path}'", StringComparison.Ordinal);
            string goOn = before is null ? string.Empty : $" Delete '{all[^1]}' to go on from '{before}', or name it with --resume-from.";
            throw new Fault(FaultKind.Data, $"{fault.Message.TrimEnd('.')}.{goOn}", fault);
        }
    }

    /// <summary>Removes what a process that was killed while it wrote left behind. Only for who holds the run's lock.</summary>
    public void RemovePartial()
    {
        if (!Directory.Exists(folder.Checkpoints))
            return;
        foreach (string partial in Directory.EnumerateFiles(folder.Checkpoints, "step-*.partial"))
            File.Delete(partial);
    }

    /// <summary>Puts checkpoints of later steps into a folder of their own, so that the newest one is that of the step gone back
    /// to.</summary>
    /// <param name="from">The checkpoint gone back to; it stays.</param>
    /// <param name="step">Its step.</param>
    /// <returns>Where they are now.</returns>
    public IReadOnlyList<string> SetAsideLater(string from, int step)
    {
        string[] later = [.. All().Where(path => Path.GetFullPath(path) != Path.GetFullPath(from) && StepOf(path) >= step)];
        var moved = new List<string>();
        foreach (string path in later)
        {
            string aside = Path.Combine(folder.Checkpoints, "set-aside", Path.GetFileName(path));
            Directory.CreateDirectory(Path.GetDirectoryName(aside)!);
            File.Move(path, aside, overwrite: true);
            moved.Add(aside);
        }
        return moved;
    }

    /// <summary>Step of a checkpoint by its name; null where that says none.</summary>
    public static int? StepOf(string path) => StepName().Match(Path.GetFileName(path)) is { Success: true } match
        ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
        : null;

    /// <summary>One file in the form of a checkpoint, wherever it lies; whole or not at all.</summary>
    /// <returns>The checksum of its data.</returns>
    public static string Write(string path, CheckpointState state, IReadOnlyList<SafetensorsItem> items) => SafetensorsWriter.Write(
        path, items, new Dictionary<string, string>
        {
            [StateKey] = JsonSerializer.Serialize(state, CheckpointJson.Default.CheckpointState)
        });

    /// <summary>Opens what <see cref="Write"/> wrote and verifies it, with the one that its changes are over.</summary>
    /// <exception cref="Fault">It is damaged, or no checkpoint.</exception>
    public static (CheckpointState State, SafetensorsFile File) Open(string path)
    {
        var file = SafetensorsFile.Open(path);
        try
        {
            if (StateOf(file) is not { } state)
                throw new Fault(FaultKind.Data, $"'{path}' is no checkpoint of this program.");
            if (!file.Metadata.ContainsKey(SafetensorsFile.ChecksumKey))
                throw new Fault(FaultKind.Data, $"'{path}' carries no checksum, as every checkpoint does: it is damaged.");
            if (state.BaseSha256 is { } checksum)
                file.Base = OpenBase(path, checksum);
            return (state, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Checkpoints of the run, oldest first.</summary>
    public string[] All() => Directory.Exists(folder.Checkpoints)
        ? [.. Directory.EnumerateFiles(folder.Checkpoints, "step-*.safetensors").Order(StringComparer.Ordinal)]
        : [];

    /// <summary>The whole checkpoint that one holds changes over; null where it is whole.</summary>
    public static string? BaseOf(string path) => OverName().Match(Path.GetFileName(path)) is { Success: true } match
        ? Path.Combine(Path.GetDirectoryName(path)!, $"step-{match.Groups[1].Value}.safetensors")
        : null;

    private static CheckpointState? StateOf(SafetensorsFile file)
    {
        if (!file.Metadata.TryGetValue(StateKey, out string? json))
            return null;
        try
        {
            return JsonSerializer.Deserialize(json, CheckpointJson.Default.CheckpointState);
        }
        catch (JsonException fault)
        {
            throw new Fault(FaultKind.Data, $"'{file.Path}' says where its run stands in no valid JSON: {fault.Message}", fault);
        }
    }

    private static SafetensorsFile OpenBase(string path, string checksum)
    {
        string whole = BaseOf(path)
            ?? throw new Fault(FaultKind.Data, $"'{path}' holds changes over another checkpoint, which its name no longer says.");
        if (!File.Exists(whole))
            throw new Fault(FaultKind.Data, $"'{path}' holds changes over '{whole}', which is not there.");
        var file = SafetensorsFile.Open(whole);
        if (file.Metadata.TryGetValue(SafetensorsFile.ChecksumKey, out string? found) && found == checksum)
            return file;
        file.Dispose();
        throw new Fault(FaultKind.Data, $"'{path}' holds changes over another file than '{whole}' is now.");
    }

    private string PathOf(int step, int? baseStep) => Path.Combine(folder.Checkpoints, baseStep is { } of
        ? string.Create(CultureInfo.InvariantCulture, $"step-{step:D9}.over-{of:D9}.safetensors")
        : string.Create(CultureInfo.InvariantCulture, $"step-{step:D9}.safetensors"));

    [GeneratedRegex(@"^step-(\d+)\.(over-\d+\.)?safetensors$", RegexOptions.CultureInvariant)]
    private static partial Regex StepName();

    [GeneratedRegex(@"^step-\d+\.over-(\d+)\.safetensors$", RegexOptions.CultureInvariant)]
    private static partial Regex OverName();
}
