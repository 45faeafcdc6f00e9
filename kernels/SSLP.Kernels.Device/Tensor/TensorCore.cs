using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace SSLP.Kernels.Device;

/// <summary>Sixteen bytes that are moved at once: eight bf16 values, the first in the low half of <see cref="X"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 16)]
public struct UInt4
{
    public uint X, Y, Z, W;
}

/// <summary>
/// The instructions of the tensor cores (PTX ISA, "Matrix multiply-accumulate operation using mma instruction", m16n8k16 with bf16; sm_80 and
/// later) and of the copies that feed them. Each has a second body in plain code for devices without them: a product then finds what ldmatrix
/// would have put into each lane's registers from the addresses that the lanes would have named, and combines them as the layout of fragments
/// says. So all but the instructions themselves is seen on ILGPU's CPU accelerator.
/// </summary>
public static class TensorCore
{
    private const int HeldOperands = 4;

    /// <summary>C + A·B for one warp: products of bf16 are exact, sums are kept in float32.</summary>
    /// <param name="fromA">Where A was loaded from; of held fragments, where plain code finds other lanes' registers.</param>
    /// <param name="a">A[16, 16].</param>
    /// <param name="fromB">Where B was loaded from.</param>
    /// <param name="b">Two B[16, 8] side by side.</param>
    /// <param name="tile">Which of the two: 0 or 1, a constant.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 MultiplyAdd(ArrayView<UInt4> fromA, Fragments a, ArrayView<UInt4> fromB, Fragments b, int tile, Float4 c)
    {
        if (!CudaAsm.IsSupported)
            return MultiplyAddPlain(fromA, a, fromB, b, tile, c);
        uint b0 = tile == 0 ? b.R0 : b.R2, b1 = tile == 0 ? b.R1 : b.R3;
        // An instruction with four results, of which Emit hands out one: they pass through registers of their own, which ptxas takes out again.
        CudaAsm.Emit("{");
        CudaAsm.Emit(".reg .f32 r0, r1, r2, r3;");
        CudaAsm.Emit(
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {r0, r1, r2, r3}, {%0, %1, %2, %3}, {%4, %5}, {%6, %7, %8, %9};",
            a.R0, a.R1, a.R2, a.R3, b0, b1, c.X, c.Y, c.Z, c.W);
        CudaAsm.Emit("mov.f32 %0, r0;", out float x);
        CudaAsm.Emit("mov.f32 %0, r1;", out float y);
        CudaAsm.Emit("mov.f32 %0, r2;", out float z);
        CudaAsm.Emit("mov.f32 %0, r3;", out float w);
        CudaAsm.Emit("}");
        Float4 sum;
        (sum.X, sum.Y, sum.Z, sum.W) = (x, y, z, w);
        return sum;
    }

    /// <summary>
    /// Four 8 × 8 matrices of bf16 from shared memory: lane l names the 16 bytes of row l%8 of matrix l/8, and receives of each matrix the pair
    /// of row l/4 at columns 2·(l%4).
    /// </summary>
    /// <param name="staged">The kernel's first shared allocation.</param>
    /// <param name="fragments">Where they lie; comes back with its registers.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Fragments Load(ArrayView<UInt4> staged, Fragments fragments)
    {
        if (!CudaAsm.IsSupported)
            return fragments;
        int at = 16 * Fragments.At(fragments, Warp.LaneIdx);
        CudaAsm.Emit("{");
        CudaAsm.Emit(".reg .b32 r0, r1, r2, r3, base;");
        CudaAsm.Emit("mov.u32 base, __shared_alloca0;");
        CudaAsm.Emit("add.u32 base, base, %0;", at);
        CudaAsm.Emit("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {r0, r1, r2, r3}, [base];");
        CudaAsm.Emit("mov.b32 %0, r0;", out uint x);
        CudaAsm.Emit("mov.b32 %0, r1;", out uint y);
        CudaAsm.Emit("mov.b32 %0, r2;", out uint z);
        CudaAsm.Emit("mov.b32 %0, r3;", out uint w);
        CudaAsm.Emit("}");
        fragments.R0 = x;
        fragments.R1 = y;
        fragments.R2 = z;
        fragments.R3 = w;
        return fragments;
    }

    /// <summary>
    /// The same of <see cref="Fragments.OfRowsAcross"/>: each matrix is handed out transposed, lane l receives of column l/4 the rows 2·(l%4) and
    /// the next.
    /// </summary>
    /// <inheritdoc cref="Load"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Fragments LoadAcross(ArrayView<UInt4> staged, Fragments fragments)
    {
        if (!CudaAsm.IsSupported)
            return fragments;
        int at = 16 * Fragments.At(fragments, Warp.LaneIdx);
        CudaAsm.Emit("{");
        CudaAsm.Emit(".reg .b32 r0, r1, r2, r3, base;");
        CudaAsm.Emit("mov.u32 base, __shared_alloca0;");
        CudaAsm.Emit("add.u32 base, base, %0;", at);
        CudaAsm.Emit("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {r0, r1, r2, r3}, [base];");
        CudaAsm.Emit("mov.b32 %0, r0;", out uint x);
        CudaAsm.Emit("mov.b32 %0, r1;", out uint y);
        CudaAsm.Emit("mov.b32 %0, r2;", out uint z);
        CudaAsm.Emit("mov.b32 %0, r3;", out uint w);
        CudaAsm.Emit("}");
        fragments.R0 = x;
        fragments.R1 = y;
        fragments.R2 = z;
        fragments.R3 = w;
        return fragments;
    }

    /// <summary>
    /// Where plain code looks for what other lanes of the warp hold; nothing on CUDA, where instructions find it themselves. Not a kernel's first
    /// shared allocation. Whole: the compiler takes it out of the PTX only where nothing is computed from its address.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayView<UInt4> ExchangeForPlainCode()
    {
        if (CudaAsm.IsSupported)
            return ArrayView<UInt4>.Empty;
        return SharedMemory.Allocate<UInt4>(DeviceMath.GroupSize * HeldOperands);
    }

    /// <summary>The warp's first element of what <see cref="ExchangeForPlainCode"/> gave.</summary>
    public static int FirstExchanged => Group.IdxX / 32 * 32 * HeldOperands;

    /// <summary>
    /// Lays down four operands that each lane holds, for plain code: at 0, 32, 64 and 96 from the warp's first on, a lane after the other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LayDownForPlainCode(ArrayView<UInt4> exchange, UInt4 a, UInt4 b, UInt4 c, UInt4 d)
    {
        if (CudaAsm.IsSupported)
            return;
        int own = FirstExchanged + Warp.LaneIdx;
        Warp.Barrier();  // all lanes are done with what is there
        exchange[own] = a;
        exchange[own + 32] = b;
        exchange[own + 64] = c;
        exchange[own + 96] = d;
        Warp.Barrier();
    }

    /// <summary>Starts a copy of sixteen bytes of the kernel's parameter <c>queries</c> to shared memory.</summary>
    /// <param name="staged">The kernel's first shared allocation.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StartCopyOfQuery(ArrayView<UInt4> staged, int to, ArrayView<UInt4> queries, long from)
    {
        if (!CudaAsm.IsSupported)
        {
            staged[to] = queries[from];
            return;
        }

        int toByte = 16 * to;
        long fromByte = 16 * from;
        // ILGPU gives no address of a view's element away: the compiler puts the parameter's name for &queries.
        CudaAsm.Emit("{");
        CudaAsm.Emit(".reg .b32 to;");
        CudaAsm.Emit(".reg .b64 from;");
        CudaAsm.Emit("mov.u32 to, __shared_alloca0;");
        CudaAsm.Emit("add.u32 to, to, %0;", toByte);
        CudaAsm.Emit("ld.param.u64 from, [&queries];");
        CudaAsm.Emit("cvta.to.global.u64 from, from;");
        CudaAsm.Emit("add.u64 from, from, %0;", fromByte);
        CudaAsm.Emit("cp.async.cg.shared.global [to], [from], 16;");
        CudaAsm.Emit("}");
    }

    /// <summary>The same of the kernel's parameter <c>bank</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StartCopyOfRow(ArrayView<UInt4> staged, int to, ArrayView<UInt4> bank, long from)
    {
        if (!CudaAsm.IsSupported)
        {
            staged[to] = bank[from];
            return;
        }

        int toByte = 16 * to;
        long fromByte = 16 * from;
        CudaAsm.Emit("{");
        CudaAsm.Emit(".reg .b32 to;");
        CudaAsm.Emit(".reg .b64 from;");
        CudaAsm.Emit("mov.u32 to, __shared_alloca0;");
        CudaAsm.Emit("add.u32 to, to, %0;", toByte);
        CudaAsm.Emit("ld.param.u64 from, [&bank];");
        CudaAsm.Emit("cvta.to.global.u64 from, from;");
        CudaAsm.Emit("add.u64 from, from, %0;", fromByte);
        CudaAsm.Emit("cp.async.cg.shared.global [to], [from], 16;");
        CudaAsm.Emit("}");
    }

    /// <summary>Closes the batch of copies that the thread has started since the last one; an empty batch counts too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CloseCopies()
    {
        if (CudaAsm.IsSupported)
            CudaAsm.Emit("cp.async.commit_group;");
    }

    /// <summary>Waits until all the thread's batches but the last have arrived.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAllCopiesButOneBatch()
    {
        if (CudaAsm.IsSupported)
            CudaAsm.Emit("cp.async.wait_group 1;");
    }

    /// <summary>Two floats as bf16, rounded to the nearest and ties to even: <paramref name="low"/> in the low half.</summary>
    public static uint Round(float low, float high) => Round(low) | Round(high) << 16;

    /// <summary>What rounding two floats to <paramref name="rounded"/> left of them, as bf16.</summary>
    public static uint Rest(float low, float high, uint rounded) => Round(low - Widen(rounded & 0xFFFFu), high - Widen(rounded >> 16));

    /// <summary>The value of a bf16.</summary>
    public static float Widen(uint half) => Interop.IntAsFloat(half << 16);

    private static uint Round(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        // A NaN whose bits are all set, as a device makes them, would carry over to a zero.
        return (bits & 0x7FFFFFFFu) > 0x7F800000u ? 0x7FFFu : (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
    }

    // Not inlined: ILGPU carries it through every pass of a compilation for CUDA too, which would take minutes.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float4 MultiplyAddPlain(ArrayView<UInt4> fromA, Fragments a, ArrayView<UInt4> fromB, Fragments b, int tile, Float4 c)
    {
        int lane = Warp.LaneIdx;
        c.X += DotPlain(fromA, a, fromB, b, tile, FragmentLayout.RowOfC(lane, 0), FragmentLayout.ColumnOfC(lane, 0));
        c.Y += DotPlain(fromA, a, fromB, b, tile, FragmentLayout.RowOfC(lane, 1), FragmentLayout.ColumnOfC(lane, 1));
        c.Z += DotPlain(fromA, a, fromB, b, tile, FragmentLayout.RowOfC(lane, 2), FragmentLayout.ColumnOfC(lane, 2));
        c.W += DotPlain(fromA, a, fromB, b, tile, FragmentLayout.RowOfC(lane, 3), FragmentLayout.ColumnOfC(lane, 3));
        return c;
    }

    private static float DotPlain(ArrayView<UInt4> fromA, Fragments a, ArrayView<UInt4> fromB, Fragments b, int tile, int row, int column)
    {
        float sum = 0f;
        for (int k = 0; k < 16; k++)
        {
            uint x = Fragments.RegisterOf(fromA, a, FragmentLayout.LaneOfA(row, k), FragmentLayout.RegisterOfA(row, k));
            uint y = Fragments.RegisterOf(fromB, b, FragmentLayout.LaneOfB(k, column), 2 * tile + FragmentLayout.RegisterOfB(k));
            int shift = 16 * (k % 2);
            sum += Widen(x >> shift & 0xFFFFu) * Widen(y >> shift & 0xFFFFu);
        }

        return sum;
    }
}
