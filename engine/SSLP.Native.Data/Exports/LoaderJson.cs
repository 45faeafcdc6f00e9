using System.Text.Json.Serialization;
using SSLP.Data.Loading;

namespace SSLP.Native;

/// <summary>Lines of a loader's faults, with the names that slides.jsonl of a run has.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SlideFaults))]
internal sealed partial class LoaderJson : JsonSerializerContext;
