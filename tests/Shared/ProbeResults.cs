using System.Text.Json;
using SSLP.Evaluation.Probes;

namespace SSLP.Tests.Shared;

/// <summary>What a probe printed with --json.</summary>
internal static class ProbeResults
{
    public static ProbeResult[] Read(string json) => JsonSerializer.Deserialize(json, ProbeJson.Default.ProbeResultArray) ?? [];
}
