using System.Text.Json.Serialization;

namespace SSLP.Bench.Jobs;

/// <summary>What <c>sslp bench JOB --json</c> prints. Times are medians in milliseconds, all taken in one run.</summary>
/// <param name="Job">knn, loss, …</param>
/// <param name="Machine">Processor, cores, vectors.</param>
/// <param name="Commit">Commit that was built, where the build knew it.</param>
/// <param name="Shape">Sizes of the problem.</param>
/// <param name="OursMs">Our time.</param>
/// <param name="FloorMs">The least time that the machine's measured peak allows.</param>
/// <param name="ShareOfFloor">FloorMs / OursMs: 1 is the machine's limit.</param>
/// <param name="PeakBytes">Memory that ours took beyond the bank and its packed copy (growth of the process's resident set; an upper
/// bound).</param>
/// <param name="Baselines">What a user would pick instead.</param>
/// <param name="Notes">What a reader must know: the measured peak, agreement of the answers, a baseline that is missing.</param>
/// <param name="Measures">Further numbers by name, the unit in the name; none in most jobs.</param>
/// <param name="Series">The same over the course of a run, a row a look.</param>
public sealed record BenchReport(
    string Job, string Machine, string Commit, IReadOnlyDictionary<string, long> Shape, double OursMs, double FloorMs, double ShareOfFloor,
    long PeakBytes, IReadOnlyList<BenchBaseline> Baselines, IReadOnlyList<string> Notes,
    IReadOnlyDictionary<string, double>? Measures = null, IReadOnlyList<IReadOnlyDictionary<string, double>>? Series = null);

/// <summary>One other way to do the job.</summary>
/// <param name="Name">Begins with libtorch, sdpa, faiss, objective, openslide, libvips or decoder, or is "ours through sslp.h".</param>
/// <param name="Ms">Its median time.</param>
/// <param name="Speedup">Its time over ours.</param>
public sealed record BenchBaseline(string Name, double Ms, double Speedup);

/// <summary>JSON of <see cref="BenchReport"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BenchReport))]
public sealed partial class BenchJson : JsonSerializerContext;
