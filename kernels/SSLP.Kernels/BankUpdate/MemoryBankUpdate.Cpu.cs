namespace SSLP.Kernels;

/// <summary><see cref="IMemoryBankUpdate"/> by the bank itself.</summary>
/// <param name="bank">Borrowed.</param>
internal sealed class MemoryBankUpdateCpu(MemoryBank bank) : IMemoryBankUpdate
{
    public void Update(ReadOnlySpan<int> rows, MatrixView features, float momentum) => bank.Update(rows, features, momentum);

    public void Dispose() { }
}
