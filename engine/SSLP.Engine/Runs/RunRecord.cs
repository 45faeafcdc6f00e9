using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using SSLP.Data.Files;

namespace SSLP.Engine.Runs;

/// <summary>run.json: all that is needed to say what a run was, and to make it again.</summary>
/// <param name="Command">The command line.</param>
/// <param name="Started">When, UTC.</param>
/// <param name="Source">What the patches are.</param>
/// <param name="Patches">How many, N.</param>
/// <param name="Slides">From how many slides.</param>
/// <param name="InputsSha256">Fingerprint of slides, places and patch size.</param>
/// <param name="Options">Every option by key, the scaled ones as asked.</param>
/// <param name="Resolved">What the options that scale with the data came to.</param>
/// <param name="Versions">Of the engine, .NET, TorchSharp and what it runs on.</param>
public sealed record RunRecord(
    string Command, DateTime Started, string Source, int Patches, int Slides, string InputsSha256,
    Dictionary<string, string> Options, Dictionary<string, string> Resolved, Dictionary<string, string> Versions)
{
    /// <summary>SHA-256 of the file that the backbone began with; null where it began with random weights.</summary>
    public string? InitSha256 { get; init; }

    /// <summary>Writes it, whole or not at all.</summary>
    public void Save(string path) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, RunRecordJson.Default.RunRecord));

    /// <exception cref="Fault">The folder holds no run, or a damaged record of one.</exception>
    public static RunRecord Load(string path)
    {
        if (!File.Exists(path))
            throw new Fault(FaultKind.Input, $"'{path}' is not there: the folder holds no run of sslp pretrain.");
        return JsonFile.Read(path, RunRecordJson.Default.RunRecord, "record of a run");
    }

    /// <summary>An option of the run.</summary>
    /// <exception cref="Fault">The record does not name it.</exception>
    public string Option(string key) => Options.GetValueOrDefault(key) ?? throw Missing($"the option {key}");

    /// <summary>What an option that scales with the data came to.</summary>
    /// <exception cref="Fault">The record does not name it.</exception>
    public string Result(string key) => Resolved.GetValueOrDefault(key) ?? throw Missing(key);

    /// <summary>An option of the run that is a number.</summary>
    /// <exception cref="Fault">The record does not name it, or it is no number.</exception>
    public double Number(string key) => double.TryParse(Option(key), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
        ? number
        : throw new Fault(FaultKind.Data,
            $"run.json says that {key} is '{Options[key]}', which is no number: it was changed after it was written.");

    private static Fault Missing(string what) => new(FaultKind.Data, $"run.json does not say {what}: it was changed after it was written.");
}

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RunRecord))]
internal sealed partial class RunRecordJson : JsonSerializerContext;
