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
/// The instructions of the tensor cores (PTX ISA, "Matrix multiply-accumulate operation using mma instruction", m16n8k16 with bf16; sm_80
/// and later) and of the copies that feed them.
/// </summary>
public static class TensorCore
{
    /// <summary>C + A·B for one warp: products of bf16 are exact, sums are kept in float32.</summary>
    /// <param name="a">A[16, 16].</param>
    /// <param name="b">Two B[16, 8] side by side.</param>
    /// <param name="tile">Which of the two: 0 or 1, a constant.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 MultiplyAdd(Fragments a, Fragments b, int tile, Float4 c)
    {
        uint b0 = tile == 0 ? b.R0 : b.R2, b1 = tile == 0 ? b.R1 : b.R3;
        // An instruction with four results, of which Emit hands out one: they pass through registers of their own, which ptxas takes out
        // again.
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
    /// Four 8 × 8 matrices of bf16 from shared memory: lane l names the 16 bytes of row l%8 of matrix l/8, and receives of each matrix the
    /// pair of row l/4 at columns 2·(l%4).
    /// </summary>
    /// <param name="fragments">Where they lie in the kernel's first shared allocation; comes back with its registers.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Fragments Load(Fragments fragments) => Load(Fragments.At(fragments, Warp.LaneIdx));

    /// <summary>The same of the sixteen bytes that the lane names.</summary>
    /// <param name="part">Which sixteen bytes of the kernel's first shared allocation.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Fragments Load(int part)
    {
        int at = 16 * part;
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
        Fragments fragments = default;
        fragments.R0 = x;
        fragments.R1 = y;
        fragments.R2 = z;
        fragments.R3 = w;
        return fragments;
    }

    /// <summary>
    /// The same of <see cref="Fragments.OfRowsAcross"/>: each matrix is handed out transposed, lane l receives of column l/4 the rows
    /// 2·(l%4) and the next.
    /// </summary>
    /// <inheritdoc cref="Load(Fragments)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Fragments LoadAcross(Fragments fragments)
    {
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

    /// <summary>Starts a copy of sixteen bytes of the kernel's parameter <c>queries</c> to its first shared allocation.</summary>
    /// <param name="to">Where, in sixteen bytes.</param>
    /// <param name="from">Which of the parameter's.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StartCopyOfQuery(int to, long from)
    {
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
    public static void StartCopyOfRow(int to, long from)
    {
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
        CudaAsm.Emit("cp.async.commit_group;");
    }

    /// <summary>Waits until all the thread's batches but the last have arrived.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAllCopiesButOneBatch()
    {
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
}
