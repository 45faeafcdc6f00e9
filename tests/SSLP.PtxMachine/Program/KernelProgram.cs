using System.Runtime.InteropServices;
using SSLP.PtxMachine.Text;

namespace SSLP.PtxMachine.Program;

/// <summary>An entry of a PTX text, decoded: what the machine runs.</summary>
internal sealed unsafe class KernelProgram : IDisposable
{
    /// <exception cref="PtxRefusedException">An instruction is not known, or its operands are not what it takes.</exception>
    public KernelProgram(PtxKernelText text)
    {
        Text = text;
        Registers = new RegisterFile(text);
        Shared = new SharedLayout(text.Shared);
        var decoder = new Decoder(text, Registers, Shared);
        Blocks = decoder.Decode();
        PostDominators.Find(Blocks);
        Count = decoder.Instructions.Count;
        Instructions = (Instruction*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, Count) * (nuint)sizeof(Instruction), 64);
        for (int i = 0; i < Count; i++)
            Instructions[i] = decoder.Instructions[i];
    }

    ~KernelProgram() => Dispose();

    public PtxKernelText Text { get; }

    public RegisterFile Registers { get; }

    public SharedLayout Shared { get; }

    public BasicBlock[] Blocks { get; }

    public int Count { get; }

    public Instruction* Instructions { get; private set; }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Instructions);
        Instructions = null;
        GC.SuppressFinalize(this);
    }
}
