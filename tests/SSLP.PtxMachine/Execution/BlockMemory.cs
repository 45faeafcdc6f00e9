using System.Runtime.InteropServices;
using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;
using SSLP.PtxMachine.Text;

namespace SSLP.PtxMachine.Execution;

/// <summary>A block's shared memory, used by one block after the other: whose word it is tells its cell.</summary>
internal sealed unsafe class BlockMemory : IDisposable
{
    /// <summary>Where the shared window begins among generic addresses: no host memory is there.</summary>
    public const ulong GenericBase = 1ul << 60;

    public BlockMemory(SharedLayout layout)
    {
        Size = layout.Bytes;
        Bytes = (byte*)NativeMemory.AlignedAlloc((nuint)Size, 128);
        new Span<byte>(Bytes, Size).Fill(0xA5);
        Cells = (ulong*)NativeMemory.AllocZeroed((nuint)Size / 4, sizeof(ulong));
        new Span<ulong>(Cells, Size / 4).Fill(History.NoVariable);
        foreach (SharedVariable variable in layout.Variables)
            new Span<ulong>(Cells + layout.AddressOf(variable) / 4, (variable.Bytes + 3) / 4).Clear();
    }

    public byte* Bytes { get; }

    public ulong* Cells { get; }

    public int Size { get; }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Bytes);
        NativeMemory.Free(Cells);
    }
}
