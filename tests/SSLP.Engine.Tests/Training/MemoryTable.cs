using System.Text;
using SSLP.Engine.Options;
using SSLP.Engine.Training;
using SSLP.Kernels;

namespace SSLP.Engine.Tests.Training;

/// <summary>What a run of the paper's options takes for 1, 10 and 100 million rows, as bench/results/memory has it.</summary>
internal static class MemoryTable
{
    private static readonly int[] Rows = [1_000_000, 10_000_000, 100_000_000];

    public static string Repository { get; } = Above(AppContext.BaseDirectory);

    public static string Compose()
    {
        RunPlan[] plans = [.. Rows.Select(n => RunPlan.Of(new TrainingOptions { Kernels = KernelBackend.Cuda }, n, 256))];
        var text = new StringBuilder();
        text.AppendLine("# Memory by rows of the bank");
        text.AppendLine();
        text.AppendLine("""
            SSLP with every option at its default (ResNet-18, D = 128, batch 128, 224 px, patches of 256 px), by the formulas of the run's
            own plan: `sslp pretrain … --plan` prints it for a run's options, and what cannot fit is refused with the option to change.
            N rows, D width, ⌈x⌉₁₆ to a multiple of 16, B batch, R k-means runs, C clusters, A auxiliary anchors, M negatives, K nearest
            keys, P side of a patch, S side of the input. Computed, not measured; the network's own memory on the device comes on top.
            """);
        Append(text, "Host", [.. plans.Select(plan => plan.Memory)]);
        Append(text, "Device, with kernels=cuda", [.. plans.Select(plan => plan.Device)]);
        Append(text, "Disk", [.. plans.Select(plan => plan.Disk)]);
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void Append(StringBuilder text, string where, IReadOnlyList<PlannedBuffer>[] plans)
    {
        text.AppendLine();
        text.AppendLine($"| {where} | {string.Join(" | ", Rows.Select(n => $"{n / 1_000_000} M rows"))} |");
        text.AppendLine("|---|---|---|---|");
        for (int buffer = 0; buffer < plans[0].Count; buffer++)
        {
            string what = plans[0][buffer].What + (plans[0][buffer].IsEstimate ? " (estimate)" : string.Empty);
            text.AppendLine($"| {what} | {string.Join(" | ", plans.Select(plan => RunPlan.Text(plan[buffer].Bytes)))} |");
        }
        text.AppendLine($"| in all | {string.Join(" | ", plans.Select(plan => RunPlan.Text(plan.Sum(buffer => buffer.Bytes))))} |");
    }

    private static string Above(string folder) =>
        File.Exists(Path.Combine(folder, "SSLP.Engine.sln")) ? folder : Above(Path.GetDirectoryName(folder)!);
}
