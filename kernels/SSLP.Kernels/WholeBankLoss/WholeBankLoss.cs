namespace SSLP.Kernels;

/// <summary>
/// InfoNCE of each query against the whole bank, with its gradient, in one pass:
/// <code>
/// L = mean_i L_i,   L_i = −log( exp(⟨f_i, v_p⟩/τ) / Z_i )
/// ∂L/∂f_i = (1/(B·τ)) ( Σ_j w_ij v_j − v_p ),   w_ij = exp(⟨f_i, v_j⟩/τ) / Z_i
/// </code>
/// Two forms. Positive row: p is a bank row and Z_i sums over all N rows (instance discrimination with the full softmax; Wu et al.,
/// CVPR 2018). Positive vector: p is given and Z_i sums over it and all N rows (a queue of negatives; He et al., "MoCo", CVPR 2020).
/// Work: 2·B·N·D multiply-adds, B·N exponentials, 4·N·D bytes of bank; nothing of size B × N exists. Safe for any τ and scale of
/// similarity: sums are kept relative to a running maximum. Deterministic whatever the thread count. NaN and ±∞ are refused by number.
/// </summary>
public interface IWholeBankLoss : IDisposable
{
    /// <summary>The positive of query i is bank row positiveRows[i].</summary>
    /// <param name="queries">f [B, D].</param>
    /// <param name="positiveRows">B bank rows.</param>
    /// <param name="temperature">τ &gt; 0.</param>
    /// <param name="losses">Out [B]: L_i.</param>
    /// <param name="gradient">Out [B, D]: ∂L/∂f_i of the mean.</param>
    /// <returns>L, 0 for an empty batch.</returns>
    /// <exception cref="ArgumentException">Shapes, a row or τ are impossible, or a query is not finite.</exception>
    double Evaluate(MatrixView queries, ReadOnlySpan<int> positiveRows, float temperature, Span<float> losses, MatrixView gradient);

    /// <summary>The positive of query i is row i of <paramref name="positives"/>, [B, D], which gets no gradient.</summary>
    /// <inheritdoc cref="Evaluate(MatrixView, ReadOnlySpan{int}, float, Span{float}, MatrixView)"/>
    double Evaluate(MatrixView queries, MatrixView positives, float temperature, Span<float> losses, MatrixView gradient);
}

/// <summary>The checks that every implementation of <see cref="IWholeBankLoss"/> makes first.</summary>
internal static class WholeBankLossChecks
{
    public static void Check(
        MemoryBank bank, MatrixView queries, ReadOnlySpan<int> positiveRows, float temperature, Span<float> losses, MatrixView gradient)
    {
        CheckShapes(bank, queries, positiveRows.Length, temperature, losses, gradient);
        foreach (int row in positiveRows)
        {
            if ((uint)row >= (uint)bank.RowCount)
                throw new ArgumentException($"Positive row {row} is outside the bank's {bank.RowCount} rows.");
        }
    }

    public static void Check(
        MemoryBank bank, MatrixView queries, MatrixView positives, float temperature, Span<float> losses, MatrixView gradient)
    {
        CheckShapes(bank, queries, positives.Rows, temperature, losses, gradient);
        if (positives.Rows > 0 && positives.Width != bank.Width)
            throw new ArgumentException($"Positives of width {positives.Width} do not fit a bank of width {bank.Width}.");
        if (positives.FirstNonFiniteRow() is >= 0 and var bad)
            throw new ArgumentException($"Positive {bad} holds a value that is not finite.");
    }

    private static void CheckShapes(
        MemoryBank bank, MatrixView queries, int positives, float temperature, Span<float> losses, MatrixView gradient)
    {
        NearestKeysLimits.CheckQueries(bank, queries, ownRows: []);
        if (positives != queries.Rows)
            throw new ArgumentException($"{positives} positives were given for {queries.Rows} queries.");
        if (!(temperature > 0) || !float.IsFinite(1 / temperature))
            throw new ArgumentException($"The temperature must be positive; it is {temperature}.");
        if (losses.Length != queries.Rows)
            throw new ArgumentException($"The output 'losses' holds {losses.Length} values; it must hold {queries.Rows}.");
        if (gradient.Rows != queries.Rows || (queries.Rows > 0 && gradient.Width != queries.Width))
        {
            throw new ArgumentException(
                $"The gradient is {gradient.Rows} × {gradient.Width}; the queries are {queries.Rows} × {queries.Width}.");
        }
    }
}
