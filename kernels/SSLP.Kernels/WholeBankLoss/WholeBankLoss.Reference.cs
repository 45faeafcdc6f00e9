namespace SSLP.Kernels;

/// <summary>The meaning of <see cref="IWholeBankLoss"/>: a row of B × N at a time, in double.</summary>
internal sealed class WholeBankLossReference(MemoryBank bank) : IWholeBankLoss
{
    public double Evaluate(MatrixView queries, ReadOnlySpan<int> positiveRows, float temperature, Span<float> losses, MatrixView gradient)
    {
        WholeBankLossChecks.Check(bank, queries, positiveRows, temperature, losses, gradient);
        double[][] keys = [.. Enumerable.Range(0, bank.RowCount).Select(row => ToDouble(bank.Row(row)))];
        double total = 0;
        for (int i = 0; i < queries.Rows; i++)
            total += losses[i] = (float)One(queries, i, keys, positiveRows[i], temperature, gradient);
        return queries.Rows == 0 ? 0 : total / queries.Rows;
    }

    public double Evaluate(MatrixView queries, MatrixView positives, float temperature, Span<float> losses, MatrixView gradient)
    {
        WholeBankLossChecks.Check(bank, queries, positives, temperature, losses, gradient);
        double[][] keys = [.. Enumerable.Range(0, bank.RowCount).Select(row => ToDouble(bank.Row(row))), []];
        double total = 0;
        for (int i = 0; i < queries.Rows; i++)
        {
            keys[^1] = ToDouble(positives.Row(i));
            total += losses[i] = (float)One(queries, i, keys, keys.Length - 1, temperature, gradient);
        }
        return queries.Rows == 0 ? 0 : total / queries.Rows;
    }

    public void Dispose() { }

    /// <summary>Loss of query i with key <paramref name="positive"/>; writes its row of the gradient.</summary>
    private static double One(MatrixView queries, int i, double[][] keys, int positive, double temperature, MatrixView gradient)
    {
        double[] f = ToDouble(queries.Row(i));
        double[] logits = [.. keys.Select(key => key.Zip(f, (v, x) => v * x).Sum() / temperature)];
        double largest = logits.Max();
        double[] weights = [.. logits.Select(logit => Math.Exp(logit - largest))];
        double z = weights.Sum();
        for (int d = 0; d < f.Length; d++)
        {
            double sum = -keys[positive][d];
            for (int j = 0; j < keys.Length; j++)
                sum += weights[j] / z * keys[j][d];
            gradient.Row(i)[d] = (float)(sum / temperature / queries.Rows);
        }
        return largest + Math.Log(z) - logits[positive];
    }

    private static double[] ToDouble(ReadOnlySpan<float> row)
    {
        double[] values = new double[row.Length];
        for (int d = 0; d < row.Length; d++)
            values[d] = row[d];
        return values;
    }
}
