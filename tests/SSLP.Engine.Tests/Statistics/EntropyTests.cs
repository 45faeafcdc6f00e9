using SSLP.Engine.Statistics;
using Xunit;

namespace SSLP.Engine.Tests.Statistics;

public sealed class EntropyTests
{
    [Fact]
    public void Even_shares_have_the_logarithm_of_their_number() =>
        Assert.Equal(Math.Log(4), Entropy.Of([2, 2, 0, 2, 2, -1], 8), 12);

    [Theory]
    [InlineData(1.0, 3, 3, 3)]
    [InlineData(0.0, 9, 0, 0)]
    [InlineData(0.0, 0, 0, 0)]
    [InlineData(0.0, 1, 0, 0)]
    [InlineData(1.0, 1, 1, 0)] // two takings of three cannot be shared out more evenly
    public void Evenness_is_1_where_all_are_taken_alike_and_0_where_one_is(double expected, int a, int b, int c) =>
        Assert.Equal(expected, Entropy.Evenness([a, b, c]), 12);
}
