namespace SSLP.Kernels;

/// <summary>Writes the bank: <see cref="MemoryBank.Update"/> is its definition, whatever computes it.</summary>
public interface IMemoryBankUpdate : IDisposable
{
    /// <inheritdoc cref="MemoryBank.Update"/>
    void Update(ReadOnlySpan<int> rows, MatrixView features, float momentum);
}
