using System.Globalization;
using System.Text;
using SSLP.Kernels.Device;
using SSLP.PtxMachine;
using SSLP.PtxMachine.Counting;
using SSLP.PtxMachine.Driver;
using SSLP.PtxMachine.Program;

namespace SSLP.Kernels.Tests.Device;

/// <summary>What the kernels are counted on.</summary>
/// <param name="Rows">N.</param>
/// <param name="Batch">B.</param>
/// <param name="Width">D.</param>
/// <param name="Negatives">M.</param>
/// <param name="NearestKeys">K.</param>
/// <param name="Clusters">C.</param>
/// <param name="Patch">P, px.</param>
/// <param name="Side">S, px.</param>
/// <param name="Weights">n.</param>
internal sealed record KernelShape(
    int Rows, int Batch, int Width, int Negatives, int NearestKeys, int Clusters, int Patch, int Side, int Weights)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"N {Rows:N0}, B {Batch}, D {Width}, M {Negatives}, K {NearestKeys}, C {Clusters}")
        + (Weights == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", P {Patch}, S {Side}, {Weights:N0} weights"));
}

/// <summary>Counts of every kernel's largest launch at a shape, through the product's launchers, as bench/results/ptx has them.</summary>
internal static unsafe class KernelTable
{
    public static readonly KernelShape[] Shapes =
    [
        new(4_517, 48, 128, 256, 64, 16, 96, 64, 40_000),
        new(9_001, 128, 64, 512, 200, 33, 70, 48, 100_004),
    ];

    /// <summary>Few anchors of a bank that is large beside the ranks drawn from it, as in a step of the paper's size: M/N and K/N are
    /// the same.</summary>
    public static readonly KernelShape OfLists = new(60_000, 4, 16, 360, 360, 16, 0, 0, 0);

    /// <summary>What is done with the candidates, whose lists are as long as M and K are far below N.</summary>
    public static readonly string[] ListKernels =
    [
        "CountBuckets", "DealBuckets", "SortCutBuckets", "FindFeatureNeighbours", "ExcludeRows", "DropExcluded", "CutRanks",
        "TakeNegatives", "SumNegatives", "TakeThreeTermLoss", "SumWeightedRows",
    ];

    /// <summary>Null where the tests run outside of the repository.</summary>
    public static string? Path { get; } = Above(AppContext.BaseDirectory) is { } repository
        ? System.IO.Path.Combine(repository, "bench", "results", "ptx", "kernels.md") : null;

    /// <summary>Names of the kernels that score queries against rows, which are counted by the score.</summary>
    private static readonly HashSet<string> Scoring =
    [
        "ScoreSamples", "ScoreSplitSamples", "CollectCandidates", "CollectRoundedCandidates", "CollectSplitCandidates", "CountRanks",
        "CountSplitRanks", "AccumulateWholeBank", "AccumulateSplitWholeBank", "AssignClusters",
    ];

    public static string Compose()
    {
        var text = new StringBuilder();
        text.Append("""
            # What each kernel moves and does

            Every kernel's largest launch at two shapes, executed by the PTX machine through the product's launchers. Counts, not times:
            nothing here has run on a card. Made by

                dotnet run -c Release --project tests/SSLP.Kernels.Tests -- --filter-method '*Writes_the_table_of_kernels' --explicit only

            KB = 1024 bytes. "asked": what threads ask of global memory, 16 lanes that want one word asking 16 times. "sectors": the
            32-byte sectors of their requests, which go between a multiprocessor and its caches. "floor": the different sectors that the
            launch reads and those that it writes, each once, which is what memory has to move. "x": sectors over floor; above 1.2 a note
            says why. "passes": over the banks of shared memory, and "free" without conflicts; where they differ a note says why.
            "instructions": of warps, without moves, which an assembler takes out for the most part. "a score": of threads over scores of
            (query, row); tiles are whole, and what they do for queries and rows that are not there counts, too: the second shape fills
            them.

            """);
        foreach (KernelShape shape in Shapes)
            AppendTable(text, shape, [.. DeviceKernels.All.Select(kernel => kernel.Name)], scene => scene.Run());
        text.Append("""

            ## The lists of a step

            A bank that is large beside M and K, which have the paper's share of it, so that a bucket holds as many drawn ranks as there.

            """);
        AppendTable(text, OfLists, ListKernels, scene => scene.RunStep());

        text.Append("\n## Notes\n\n");
        foreach ((string kernel, string note) in KernelNotes.All)
            text.Append(CultureInfo.InvariantCulture, $"- {kernel}: {note}\n");
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void AppendTable(StringBuilder text, KernelShape shape, string[] kernels, Action<KernelScene> launch)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n## {shape}\n\n");
        text.Append("| kernel | grid × block | asked, KB | sectors, KB | floor, KB | x | passes | free | atomics | instructions | ")
            .Append("a score |\n");
        text.Append("|---|---|---|---|---|---|---|---|---|---|---|\n");
        Dictionary<string, LaunchCounts> counted = Count(shape, launch);
        foreach (string kernel in kernels)
            text.Append(Line(kernel, counted[kernel], shape)).Append('\n');
    }

    private static string Line(string kernel, LaunchCounts c, KernelShape shape)
    {
        TrafficCounts t = c.Traffic!;
        long floor = t.ReadSectors + t.WrittenSectors;
        double scores = kernel switch
        {
            "ScoreSamples" or "ScoreSplitSamples" => 2.0 * shape.Batch * 1024, // of the sample, with one auxiliary anchor each
            "CollectCandidates" or "CollectSplitCandidates" => 2.0 * shape.Batch * shape.Rows,
            "AssignClusters" => (double)shape.Rows * shape.Clusters,
            _ => (double)shape.Rows * shape.Batch,
        };
        long instructions = c.WarpInstructions - c[InstructionClass.Move];
        string score = Scoring.Contains(kernel) ? (32 * instructions / scores).ToString("F0", CultureInfo.InvariantCulture) : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"| {kernel} | {c.Grid.X}·{c.Grid.Y} × {c.Block.X} | {t.GlobalBytes / 1024.0:N1} | {t.GlobalSectors / 32.0:N1} | "
            + $"{floor / 32.0:N1} | {t.GlobalSectors / (double)floor:F2} | {t.SharedWavefronts:N0} | {t.SharedIdeal:N0} | "
            + $"{t.GlobalAtomics + t.SharedAtomics:N0} | {instructions:N0} | {score} |");
    }

    /// <summary>The largest launch of each kernel.</summary>
    private static Dictionary<string, LaunchCounts> Count(KernelShape shape, Action<KernelScene> launch)
    {
        using var machine = new MachineDriver(new MachineOptions { CountTraffic = true });
        using (var device = new CudaComputeDevice(driver: machine.Driver))
            launch(new KernelScene(device, shape));
        return machine.Machine.Launches.GroupBy(launch => launch.Kernel["Kernel_".Length..])
            .ToDictionary(group => group.Key, group => group.MaxBy(launch => launch.WarpInstructions)!);
    }

    private static string? Above(string? folder) =>
        folder is null || File.Exists(System.IO.Path.Combine(folder, "SSLP.Engine.sln")) ? folder
            : Above(System.IO.Path.GetDirectoryName(folder));
}
