using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class CounterRandomTests
{
    /// <summary>Known answers of philox4x32-10 that the authors publish with Random123 (kat_vectors).</summary>
    [Theory]
    [InlineData(0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu,
        0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u,
        0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u,
        0x24126ea1u)]
    public void Gives_the_published_known_answers(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x, uint y, uint z, uint w) =>
        Assert.Equal(new RandomWords(x, y, z, w), CounterRandom.Block(c0, c1, c2, c3, k0, k1));

    [Fact]
    public void The_64_bit_form_orders_its_words_low_first() =>
        Assert.Equal(
            CounterRandom.Block(5, 6, 3, 4, 1, 2),
            CounterRandom.Block(key: 0x0000_0002_0000_0001, stream: 0x0000_0004_0000_0003, index: 0x0000_0006_0000_0005));

    [Fact]
    public void Purposes_of_one_seed_draw_different_numbers()
    {
        RandomPurpose[] purposes = Enum.GetValues<RandomPurpose>();
        var firstWords = new HashSet<RandomWords>();
        foreach (RandomPurpose purpose in purposes)
            firstWords.Add(CounterRandom.Block(CounterRandom.Key(7, purpose), 0, 0));
        Assert.Equal(purposes.Length, firstWords.Count);
    }

    [Fact]
    public void Uniform_stays_inside_its_interval_at_the_extreme_words()
    {
        Assert.Equal(0f, CounterRandom.Uniform(0));
        Assert.True(CounterRandom.Uniform(uint.MaxValue) < 1f);
        Assert.True(CounterRandom.UniformAboveZero(0) > 0);
        Assert.Equal(1.0, CounterRandom.UniformAboveZero(uint.MaxValue));
        Assert.Equal(6u, CounterRandom.Below(uint.MaxValue, 7));
        Assert.Equal(0u, CounterRandom.Below(0, 7));
    }

    [Fact]
    public void Every_order_of_a_shuffle_is_as_likely_and_a_function_of_key_and_stream()
    {
        const int Draws = 24_000;
        var seen = new Dictionary<string, int>();
        for (int draw = 0; draw < Draws; draw++)
        {
            char[] items = ['a', 'b', 'c', 'd'], again = [.. items];
            CounterRandom.Shuffle(items.AsSpan(), 7, (ulong)draw);
            CounterRandom.Shuffle(again.AsSpan(), 7, (ulong)draw);
            Assert.Equal(items, again);
            seen[new string(items)] = seen.GetValueOrDefault(new string(items)) + 1;
        }
        Assert.Equal(24, seen.Count);
        // Five standard errors of a count with p = 1/24.
        Assert.All(seen.Values, count => Assert.InRange(count, 1000 - 155, 1000 + 155));
    }

    [Fact]
    public void Gaussian_values_have_the_moments_of_a_standard_normal()
    {
        const int Pairs = 50_000;
        double sum = 0, squares = 0, fourth = 0;
        for (int i = 0; i < Pairs; i++)
        {
            RandomWords words = CounterRandom.Block(99, 0, (ulong)i);
            (float a, float b) = CounterRandom.Gaussian(words.X, words.Y);
            sum += a + b;
            squares += a * a + b * b;
            fourth += Math.Pow(a, 4) + Math.Pow(b, 4);
        }
        // Five standard errors of each moment over n = 2·Pairs draws: var(x)=1, var(x²)=2, var(x⁴)=96.
        double n = 2.0 * Pairs;
        Assert.InRange(sum / n, -5 * Math.Sqrt(1 / n), 5 * Math.Sqrt(1 / n));
        Assert.InRange(squares / n, 1 - 5 * Math.Sqrt(2 / n), 1 + 5 * Math.Sqrt(2 / n));
        Assert.InRange(fourth / n, 3 - 5 * Math.Sqrt(96 / n), 3 + 5 * Math.Sqrt(96 / n));
    }
}
