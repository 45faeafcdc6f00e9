using CsCheck;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class RankedKeyTests
{
    /// <summary>From one key to more than are compared all with all; similarities tie, and the row decides.</summary>
    [Fact]
    public void The_largest_keys_come_first_and_the_least_of_them_last() =>
        Gen.Select(Gen.Int[-4, 4].Select(v => v / 4f).Array[1, 150], Gen.Int[0, 149]).Sample((similarities, pick) =>
        {
            int count = 1 + pick % similarities.Length;
            ulong[] keys = [.. similarities.Select(RankedKey.Of)];
            ulong[] expected = [.. keys.OrderDescending().Take(count)];
            RankedKey.SelectLargest(keys, count);
            Assert.Equal(expected[^1], keys[count - 1]);
            Assert.Equal(expected, keys.Take(count).OrderDescending());
        }, iter: 1000);

    [Fact]
    public void A_key_gives_back_its_similarity_and_row_and_orders_like_them()
    {
        float[] similarities = [float.NegativeInfinity, -1, -float.Epsilon, 0, float.Epsilon, 0.5f, float.PositiveInfinity];
        for (int i = 0; i < similarities.Length; i++)
        {
            ulong key = RankedKey.Of(similarities[i], i);
            Assert.Equal(similarities[i], RankedKey.Similarity(key));
            Assert.Equal(i, RankedKey.Row(key));
            Assert.True(key > RankedKey.Of(similarities[i], i + 1));
            Assert.True(i == 0 || key > RankedKey.Of(similarities[i - 1], 0));
        }
        Assert.Equal(RankedKey.Of(0f, 3), RankedKey.Of(-0f, 3));
    }
}
