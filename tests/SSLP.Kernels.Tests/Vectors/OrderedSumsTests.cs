using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class OrderedSumsTests
{
    public static TheoryData<int> Lengths => [0, 1, 7, 8, 9, 15, 16, 24, 31, 32, 33, 63, 128, 130, 511, 2048];

    [Theory, MemberData(nameof(Lengths))]
    public void Matches_the_reference(int length)
    {
        float[] a = Values(length, 1), b = Values(length, 2);
        double dot = 0, squares = 0, sum = 0, ofDot = 0, ofSum = 0;
        for (int i = 0; i < length; i++)
        {
            dot += (double)a[i] * b[i];
            squares += (double)a[i] * a[i];
            sum += a[i];
            ofDot += Math.Abs((double)a[i] * b[i]);
            ofSum += Math.Abs(a[i]);
        }
        double bound = ((length / 32.0) + 12) * Math.Pow(2, -24);
        Assert.Equal(dot, OrderedSums.Dot(a, b), bound * ofDot);
        Assert.Equal(squares, OrderedSums.Squares(a), bound * squares);
        Assert.Equal(sum, OrderedSums.Sum(a), bound * ofSum);
    }

    [Theory, MemberData(nameof(Lengths))]
    public void Adds_in_the_order_that_is_written_down_at_any_address(int length)
    {
        float[] a = Values(length, 1), b = Values(length, 2);
        float dot = InOrder(length, (sum, i) => MathF.FusedMultiplyAdd(a[i], b[i], sum)), total = InOrder(length, (sum, i) => sum + a[i]);
        for (int offset = 0; offset < 17; offset++)
        {
            float[] moved = [.. new float[offset], .. a], other = [.. new float[16 - offset], .. b];
            Assert.Equal(dot, OrderedSums.Dot(moved.AsSpan(offset), other.AsSpan(16 - offset)));
            Assert.Equal(total, OrderedSums.Sum(moved.AsSpan(offset)));
        }
    }

    [Fact]
    public void Nan_and_infinity_are_not_lost()
    {
        float[] a = Values(40, 1), b = Values(40, 2);
        (a[39], b[3]) = (float.NaN, 0);
        Assert.True(float.IsNaN(OrderedSums.Dot(a, b)) && float.IsNaN(OrderedSums.Sum(a)) && float.IsNaN(OrderedSums.Squares(a)));
        (a[39], a[3]) = (1, float.PositiveInfinity);
        Assert.True(float.IsNaN(OrderedSums.Dot(a, b)));
        Assert.Equal(float.PositiveInfinity, OrderedSums.Squares(a));
    }

    [Fact]
    public void Rows_of_two_lengths_have_no_product() =>
        Assert.Contains("3 floats", Assert.Throws<ArgumentException>(() => OrderedSums.Dot(new float[3], new float[4])).Message,
            StringComparison.Ordinal);

    private static float[] Values(int length, ulong seed)
    {
        using KernelTestData.Matrix matrix = KernelTestData.Gaussian(1, Math.Max(1, length), seed);
        return matrix.View.Row(0)[..length].ToArray();
    }

    private static float InOrder(int length, Func<float, int, float> add)
    {
        float[] lanes = new float[32];
        int whole = length - (length % 8);
        for (int i = 0; i < whole; i++)
            lanes[i % 32] = add(lanes[i % 32], i);
        float[] eight = [.. Enumerable.Range(0, 8).Select(l => lanes[l] + lanes[l + 16] + (lanes[l + 8] + lanes[l + 24]))];
        float[] four = [.. Enumerable.Range(0, 4).Select(l => eight[l] + eight[l + 4])];
        float sum = four[0] + four[2] + (four[1] + four[3]);
        for (int i = whole; i < length; i++)
            sum = add(sum, i);
        return sum;
    }
}
