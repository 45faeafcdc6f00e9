using System.Runtime.Intrinsics;
using SSLP.PtxMachine.Execution;

namespace SSLP.PtxMachine.Operations;

// PTX ISA 8.0, "Generic Addressing" and "Data Movement and Conversion Instructions: cvta": a generic address in the shared window is the
// window's base plus the shared address. The base is one that no host memory has, so that neither is ever taken for the other.

internal readonly struct SharedToGeneric : IUnary<ulong>
{
    public static Vector256<ulong> Of(Vector256<ulong> a) => a + Vector256.Create(BlockMemory.GenericBase);
}

internal readonly struct GenericToShared : IUnary<ulong>
{
    public static Vector256<ulong> Of(Vector256<ulong> a) => a - Vector256.Create(BlockMemory.GenericBase);
}
