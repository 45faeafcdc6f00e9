using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace SSLP.Bench.Profile;

/// <summary>One stage of the window.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Threads">step, readers or writer.</param>
/// <param name="Seconds">On all those threads together, without the stages within it.</param>
/// <param name="Share">Of the time of those threads: the stepping thread's shares add up to 1.</param>
/// <param name="PatchesPerSecond">What the stage alone would let through.</param>
/// <param name="Bytes">What it moved.</param>
/// <param name="ShareOfFloor">The least time that this machine allows over what was taken; null where it is not known.</param>
/// <param name="Count">How often it came.</param>
internal sealed record ProfileStage(
    string Stage, string Threads, double Seconds, double Share, double PatchesPerSecond, long Bytes, double? ShareOfFloor, long Count);

/// <summary>What <c>sslp profile</c> found.</summary>
/// <param name="Machine">Processor, cores, threads.</param>
/// <param name="Commit">Commit that was built.</param>
/// <param name="Device">Where the network ran.</param>
/// <param name="Method">The method, as its constants came out.</param>
/// <param name="Steps">Of the window.</param>
/// <param name="Warmup">Steps before it.</param>
/// <param name="Batch">Patches of a step.</param>
/// <param name="Seconds">Of the window.</param>
/// <param name="PatchesPerSecond">In the window.</param>
/// <param name="Readers">Threads that read.</param>
/// <param name="Stages">Where the time went.</param>
/// <param name="Verdict">What to do about it, in one line.</param>
/// <param name="Nsys">The same run under Nsight Systems.</param>
/// <param name="Ncu">The bank's kernels under Nsight Compute.</param>
/// <param name="Trace">The file that Perfetto opens.</param>
/// <param name="Notes">What a reader must know.</param>
internal sealed record ProfileReport(
    string Machine, string Commit, string Device, string Method, int Steps, int Warmup, int Batch, double Seconds, double PatchesPerSecond,
    int Readers, IReadOnlyList<ProfileStage> Stages, string Verdict, string Nsys, string Ncu, string Trace, IReadOnlyList<string> Notes)
{
    /// <summary>The report as Markdown.</summary>
    public string Text()
    {
        var text = new StringBuilder();
        Line($"{Steps} steps of {Batch} patches on {Device} after {Warmup} to warm up");
        Line($"{PatchesPerSecond:F1} patches/s, {1e3 * Seconds / Steps:F1} ms a step");
        Line($"{Machine}; commit {Commit}");
        Line($"{Method}");
        Line($"");
        Line($"| stage | threads | ms a step | share | patches/s | MB a step | share of the floor |");
        Line($"|---|---|---|---|---|---|---|");
        foreach (ProfileStage s in Stages)
        {
            string floor = s.ShareOfFloor is { } share ? share.ToString("P0", CultureInfo.InvariantCulture) : "–";
            double ms = 1e3 * s.Seconds / Steps, megabytes = s.Bytes / 1e6 / Steps;
            Line($"| {s.Stage} | {s.Threads} | {ms:F2} | {s.Share:P1} | {s.PatchesPerSecond:F0} | {megabytes:F2} | {floor} |");
        }
        Line($"");
        Line($"{Verdict}");
        Line($"");
        Line($"trace: {Trace} (https://ui.perfetto.dev opens it)");
        Line($"nsys:  {Nsys}");
        Line($"ncu:   {Ncu}");
        foreach (string note in Notes)
            Line($"- {note}");
        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(FormattableString.Invariant(line));
    }
}

/// <summary>JSON of <see cref="ProfileReport"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ProfileReport))]
internal sealed partial class ProfileJson : JsonSerializerContext;
