using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

/// <summary>
/// Dot products of a block of queries with a range of bank rows, into a caller's buffer: scores[q, j] = ⟨query q, v_(first+j)⟩.
/// Multiply-adds: Q·R·D; reads Q·D floats of queries once a panel and each panel once; writes Q·R floats. float32, each score one
/// chain of fused multiply-adds in ascending d: the same bits for every <see cref="InstructionSet"/>.
/// </summary>
internal static unsafe class ScorePass
{
    /// <summary>Queries of a register tile: blocks are multiples of this (pad with zero rows).</summary>
    public const int QueryMultiple = ScoreTile.Queries;

    /// <param name="bank">The bank, N × D.</param>
    /// <param name="queries">[queryCount, D] row-major, queryCount a multiple of <see cref="QueryMultiple"/>, finite.</param>
    /// <param name="queryStride">Floats from a query to the next.</param>
    /// <param name="queryCount">Q.</param>
    /// <param name="firstPanel">The first bank panel; its first row is 32·firstPanel.</param>
    /// <param name="panelCount">Panels to score: R = 32·panelCount scores a query; lanes beyond row N score 0.</param>
    /// <param name="scores">[queryCount, R].</param>
    /// <param name="scoreStride">Floats from a query's scores to the next one's, at least R.</param>
    /// <param name="isa">Vectors to use.</param>
    public static void Scores(
        MemoryBank bank, float* queries, nint queryStride, int queryCount, int firstPanel, int panelCount,
        float* scores, nint scoreStride, InstructionSet isa)
    {
        if (queryCount % QueryMultiple != 0)
            throw new ArgumentException(
                $"A block of queries must be a multiple of {QueryMultiple}, not {queryCount}; pad it with zero rows.");
        if (firstPanel < 0 || panelCount < 0 || firstPanel > bank.PanelCount - panelCount)
            throw new ArgumentException($"Panels {firstPanel} to {firstPanel + panelCount} are outside the bank's {bank.PanelCount}.");
        var job = new Block(queries, queryStride, queryCount, scores, scoreStride);
        for (int p = 0; p < panelCount; p++, job.Scores += MemoryBank.PanelRows)
            Panel(bank.Panel(firstPanel + p), bank.Width, job, isa);
    }

    private static void Panel(float* panel, int width, in Block block, InstructionSet isa)
    {
        switch (isa)
        {
            case InstructionSet.Vector512:
                Panel<Lanes512, Vector512<float>>(panel, width, block, fetchNext: true);
                break;
            case InstructionSet.Vector256:
                Panel<Lanes256, Vector256<float>>(panel, width, block, fetchNext: true);
                break;
            case InstructionSet.Vector128:
                Panel<Lanes128, Vector128<float>>(panel, width, block, fetchNext: true);
                break;
            default:
                Panel<ScalarLanes, float>(panel, width, block, fetchNext: true);
                break;
        }
    }

    /// <summary>
    /// One panel against all queries of the block: the panel stays in the first-level cache, the queries stream past. The next panel is
    /// fetched meanwhile if <paramref name="fetchNext"/>, which a caller that comes by again with other queries says only once.
    /// </summary>
    internal static void Panel<TLanes, TVector>(float* panel, int width, in Block block, bool fetchNext)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        Prefetch ahead = fetchNext
            ? Prefetch.NextPanel(panel, width, block.QueryCount / QueryMultiple * (MemoryBank.PanelRows / (2 * TLanes.Count))) : default;
        for (nint q = 0; q < block.QueryCount; q += QueryMultiple)
        {
            for (int lane = 0; lane < MemoryBank.PanelRows; lane += 2 * TLanes.Count)
            {
                ScoreTile.Multiply<TLanes, TVector>(
                    block.Queries + q * block.QueryStride, block.QueryStride, panel + lane, MemoryBank.PanelRows, width,
                    block.Scores + q * block.ScoreStride + lane, block.ScoreStride, ref ahead);
            }
        }
    }

    /// <summary>A block of queries and where its scores go.</summary>
    internal struct Block(float* queries, nint queryStride, int queryCount, float* scores, nint scoreStride)
    {
        public readonly float* Queries = queries;
        public readonly nint QueryStride = queryStride;
        public readonly int QueryCount = queryCount;
        public readonly nint ScoreStride = scoreStride;
        public float* Scores = scores;
    }
}
