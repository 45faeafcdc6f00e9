namespace SSLP.Kernels;

/// <summary>The meaning of <see cref="MemoryBank.Update"/>, in double and plain loops.</summary>
internal static class MemoryBankReference
{
    /// <summary>v ← unit((1−m)·v + m·f); a blend of length 0 leaves v.</summary>
    public static void Update(Span<double> row, ReadOnlySpan<double> feature, double momentum)
    {
        double squared = 0;
        for (int d = 0; d < row.Length; d++)
            squared += Math.Pow((1 - momentum) * row[d] + momentum * feature[d], 2);
        if (squared == 0)
            return;
        for (int d = 0; d < row.Length; d++)
            row[d] = ((1 - momentum) * row[d] + momentum * feature[d]) / Math.Sqrt(squared);
    }
}
