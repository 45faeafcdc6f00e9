namespace SSLP.Kernels.Tests;

/// <summary>Banks whose similarities a test can predict.</summary>
internal static class TestBanks
{
    /// <summary>
    /// Rows whose values are small multiples of 1/16, scaled by a power of two to length about 1: every dot product is exact in float32 in
    /// any order of summation, so two implementations must rank alike, and equal similarities abound.
    /// </summary>
    public static MemoryBank Exact(int rows, int width, ulong seed)
    {
        var bank = new MemoryBank(rows, width);
        for (int j = 0; j < rows; j++)
            bank.LoadRows(j, ExactVector(width, seed, j));
        return bank;
    }

    /// <summary>A vector of the same kind.</summary>
    public static float[] ExactVector(int width, ulong seed, int index)
    {
        float scale = 1f / 16;
        while (scale * scale * width * 4 > 1)
            scale /= 2;
        float[] vector = new float[width];
        for (int d = 0; d < width; d++)
        {
            RandomWords words = CounterRandom.Block(CounterRandom.Key(seed, RandomPurpose.Test), (ulong)index, (ulong)d);
            vector[d] = scale * ((int)CounterRandom.Below(words.X, 9) - 4);
        }
        return vector;
    }

    /// <summary>Plain sum of products.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float sum = 0;
        for (int d = 0; d < a.Length; d++)
            sum += a[d] * b[d];
        return sum;
    }
}
