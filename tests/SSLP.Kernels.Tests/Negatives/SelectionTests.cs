using CsCheck;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class SelectionTests
{
    [Fact]
    public void Finds_what_sorting_would_put_there_for_values_full_of_ties() =>
        Gen.Int[-3, 6].Array[1, 60].Sample(values =>
        {
            int[] sorted = [.. values.Order()];
            for (int index = 0; index < values.Length; index++)
                Assert.Equal(sorted[index], Selection.Smallest((int[])values.Clone(), index));
        });

    [Fact]
    public void Finds_ranks_of_floats_in_any_order() =>
        Gen.Float[-1e3f, 1e3f].Array[1, 400].Sample(values =>
        {
            float[] sorted = [.. values.Order()];
            Assert.Equal(sorted[values.Length / 3], Selection.Smallest((float[])values.Clone(), values.Length / 3));
        });
}
