namespace SSLP.Kernels;

/// <summary>Writes the bank: <see cref="MemoryBank.Update"/> is its definition, whatever computes it.</summary>
public interface IMemoryBankUpdate : IDisposable
{
    /// <inheritdoc cref="MemoryBank.Update"/>
    void Update(ReadOnlySpan<int> rows, MatrixView features, float momentum);
}

/// <summary><see cref="IMemoryBankUpdate"/> by the bank itself.</summary>
/// <param name="bank">Borrowed.</param>
public sealed class MemoryBankUpdate(MemoryBank bank) : IMemoryBankUpdate
{
    public void Update(ReadOnlySpan<int> rows, MatrixView features, float momentum) => bank.Update(rows, features, momentum);

    public void Dispose() { }
}
