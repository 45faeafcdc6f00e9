using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// The register tile under every pass over the bank: C[6, 2V] = A[6, depth] · B[depth, 2V], V floats to a vector.
/// Twelve accumulators, two vectors of B and one broadcast of A: 15 of AVX2's 16 registers. For scores A is six queries and B a
/// packed panel; for gradients A is six rows of weights and B the bank's own rows. Nothing is called while accumulators live,
/// or the JIT would spill them all. Each C element is one chain of fused multiply-adds in ascending depth: the same bits for every
/// instruction set, thread count and place in the tile.
/// </summary>
internal static unsafe class ScoreTile
{
    /// <summary>Rows of A (queries) in one tile.</summary>
    public const int Queries = 6;

    /// <summary>C[q, 0..2V) = Σ_k A[q, k]·B[k, 0..2V). Strides in floats. Meanwhile what the next tiles need comes nearer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<TLanes, TVector>(
        float* a, nint aStride, float* b, nint bStride, nint depth, float* c, nint cStride, ref Prefetch ahead)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct => Run<TLanes, TVector, FromZero<TVector>>(a, aStride, b, bStride, depth, c, cStride, ref ahead);

    /// <summary>C[q, 0..2V) += Σ_k A[q, k]·B[k, 0..2V).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TLanes, TVector>(
        float* a, nint aStride, float* b, nint bStride, nint depth, float* c, nint cStride, ref Prefetch ahead)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct => Run<TLanes, TVector, FromTarget<TLanes, TVector>>(a, aStride, b, bStride, depth, c, cStride, ref ahead);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run<TLanes, TVector, TStart>(
        float* a, nint aStride, float* b, nint bStride, nint depth, float* c, nint cStride, ref Prefetch ahead)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
        where TStart : struct, IStart<TVector>
    {
        if (ahead.NextIsLong)
        {
            Run<TLanes, TVector, TStart, Fetching>(a, aStride, b, bStride, depth, c, cStride, ahead.Take(depth));
            return;
        }
        ahead.FetchShort();
        Run<TLanes, TVector, TStart, Nothing>(a, aStride, b, bStride, depth, c, cStride, default);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run<TLanes, TVector, TStart, TAhead>(
        float* a, nint aStride, float* b, nint bStride, nint depth, float* c, nint cStride, Prefetch.Share share)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
        where TStart : struct, IStart<TVector>
        where TAhead : struct, IAhead
    {
        byte* ahead = share.Start;
        nint step = share.Step;
        int second = TLanes.Count;
        float* c3 = c + 3 * cStride;
        TVector c00 = TStart.At(c), c01 = TStart.At(c + second);
        TVector c10 = TStart.At(c + cStride), c11 = TStart.At(c + cStride + second);
        TVector c20 = TStart.At(c + 2 * cStride), c21 = TStart.At(c + 2 * cStride + second);
        TVector c30 = TStart.At(c3), c31 = TStart.At(c3 + second);
        TVector c40 = TStart.At(c3 + cStride), c41 = TStart.At(c3 + cStride + second);
        TVector c50 = TStart.At(c3 + 2 * cStride), c51 = TStart.At(c3 + 2 * cStride + second);
        float* a3 = a + 3 * aStride;
        for (nint k = 0; k < depth; k++)
        {
            TVector b0 = TLanes.Load(b), b1 = TLanes.Load(b + TLanes.Count);
            TVector q = TLanes.Broadcast(a[k]);
            c00 = TLanes.MultiplyAdd(q, b0, c00);
            c01 = TLanes.MultiplyAdd(q, b1, c01);
            q = TLanes.Broadcast(a[aStride + k]);
            c10 = TLanes.MultiplyAdd(q, b0, c10);
            c11 = TLanes.MultiplyAdd(q, b1, c11);
            q = TLanes.Broadcast(a[2 * aStride + k]);
            c20 = TLanes.MultiplyAdd(q, b0, c20);
            c21 = TLanes.MultiplyAdd(q, b1, c21);
            q = TLanes.Broadcast(a3[k]);
            c30 = TLanes.MultiplyAdd(q, b0, c30);
            c31 = TLanes.MultiplyAdd(q, b1, c31);
            q = TLanes.Broadcast(a3[aStride + k]);
            c40 = TLanes.MultiplyAdd(q, b0, c40);
            c41 = TLanes.MultiplyAdd(q, b1, c41);
            q = TLanes.Broadcast(a3[2 * aStride + k]);
            c50 = TLanes.MultiplyAdd(q, b0, c50);
            c51 = TLanes.MultiplyAdd(q, b1, c51);
            b += bStride;
            ahead = TAhead.Step(ahead, step);
        }
        TLanes.Store(c, c00);
        TLanes.Store(c + second, c01);
        TLanes.Store(c + cStride, c10);
        TLanes.Store(c + cStride + second, c11);
        TLanes.Store(c + 2 * cStride, c20);
        TLanes.Store(c + 2 * cStride + second, c21);
        TLanes.Store(c3, c30);
        TLanes.Store(c3 + second, c31);
        TLanes.Store(c3 + cStride, c40);
        TLanes.Store(c3 + cStride + second, c41);
        TLanes.Store(c3 + 2 * cStride, c50);
        TLanes.Store(c3 + 2 * cStride + second, c51);
    }

    /// <summary>One inner product by the tile's own chain: the same bits as the score in a tile.</summary>
    public static float Dot(float* a, float* b, int depth)
    {
        float sum = 0;
        for (int d = 0; d < depth; d++)
            sum = MathF.FusedMultiplyAdd(a[d], b[d], sum);
        return sum;
    }

    /// <summary>
    /// Bit q is set where a score of row q of a stored panel C[6, 32] exceeds thresholds[q]. −∞ lets every score pass, +∞ none.
    /// </summary>
    public static uint RowsAbove<TLanes, TVector>(float* c, float* thresholds)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        uint rows = 0;
        for (int q = 0; q < Queries; q++, c += MemoryBank.PanelRows)
        {
            TVector largest = TLanes.Max(TLanes.Load(c), TLanes.Load(c + TLanes.Count));
            for (int i = 2 * TLanes.Count; i < MemoryBank.PanelRows; i += 2 * TLanes.Count)
                largest = TLanes.Max(largest, TLanes.Max(TLanes.Load(c + i), TLanes.Load(c + i + TLanes.Count)));
            rows |= (TLanes.GreaterMask(largest, TLanes.Broadcast(thresholds[q])) != 0 ? 1u : 0u) << q;
        }
        return rows;
    }

    /// <summary>Bit i is set where scores[i], i = 0 … 31, exceeds the threshold.</summary>
    public static uint LanesAbove<TLanes, TVector>(float* scores, float threshold)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        uint lanes = 0;
        for (int i = 0; i < MemoryBank.PanelRows; i += TLanes.Count)
            lanes |= TLanes.GreaterMask(TLanes.Load(scores + i), TLanes.Broadcast(threshold)) << i;
        return lanes;
    }

    /// <summary>What happens beside a step of depth.</summary>
    private interface IAhead
    {
        static abstract byte* Step(byte* at, nint step);
    }

    private readonly struct Nothing : IAhead
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Step(byte* at, nint step) => at;
    }

    private readonly struct Fetching : IAhead
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Step(byte* at, nint step)
        {
            if (Sse.IsSupported)
                Sse.Prefetch1(at);
            return at + step;
        }
    }

    /// <summary>What an accumulator starts from.</summary>
    private interface IStart<TVector> where TVector : struct
    {
        static abstract TVector At(float* c);
    }

    private readonly struct FromZero<TVector> : IStart<TVector> where TVector : struct
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector At(float* c) => default;
    }

    private readonly struct FromTarget<TLanes, TVector> : IStart<TVector>
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector At(float* c) => TLanes.Load(c);
    }
}
