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

    /// <exception cref="Fault">The folder holds no run.</exception>
    public static RunRecord Load(string path)
    {
        if (!File.Exists(path))
            throw new Fault(FaultKind.Input, $"'{path}' is not there: the folder holds no run of sslp pretrain.");
        using FileStream stream = File.OpenRead(path);
        return JsonSerializer.Deserialize(stream, RunRecordJson.Default.RunRecord)
            ?? throw new Fault(FaultKind.Input, $"'{path}' is empty.");
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RunRecord))]
internal sealed partial class RunRecordJson : JsonSerializerContext;
