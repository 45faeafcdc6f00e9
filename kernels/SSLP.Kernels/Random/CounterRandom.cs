namespace SSLP.Kernels;

/// <summary>Four 32-bit random words: one output of <see cref="CounterRandom"/>.</summary>
public readonly record struct RandomWords(uint X, uint Y, uint Z, uint W);

/// <summary>What a stream of random numbers is for: two purposes with one seed never draw the same numbers.</summary>
public enum RandomPurpose
{
    BankRows = 1,
    NegativeRanks = 2,
    SpatialSample = 3,
    Augment = 4,
    KMeansStart = 5,
    KMeansReseed = 6,
    RunOrder = 7,
    PatchOrder = 8,
    SlideBalance = 9,
    Replacement = 10,
    BatchShuffle = 11,
    ScoreSample = 12,
    Judging = 13,
    Test = 255,
}

/// <summary>
/// Philox4x32-10: random words as a pure function of a 64-bit key and a 128-bit counter, so that any thread or device can draw the n-th
/// number on its own and a seed gives the same stream everywhere. Integer arithmetic only; the device code has the same in its own terms.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
/// </summary>
public static class CounterRandom
{
    private const uint MultiplierA = 0xD2511F53, MultiplierB = 0xCD9E8D57;
    private const uint KeyStepA = 0x9E3779B9, KeyStepB = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The four words at a counter. Streams that must not meet use different keys or different counter words.</summary>
    public static RandomWords Block(uint counter0, uint counter1, uint counter2, uint counter3, uint key0, uint key1)
    {
        for (int round = 0; round < Rounds; round++)
        {
            ulong a = (ulong)MultiplierA * counter0;
            ulong b = (ulong)MultiplierB * counter2;
            (counter0, counter1, counter2, counter3) =
                ((uint)(b >> 32) ^ counter1 ^ key0, (uint)b, (uint)(a >> 32) ^ counter3 ^ key1, (uint)a);
            key0 += KeyStepA;
            key1 += KeyStepB;
        }
        return new RandomWords(counter0, counter1, counter2, counter3);
    }

    /// <summary>The same with the key and the two halves of the counter as 64-bit numbers.</summary>
    public static RandomWords Block(ulong key, ulong stream, ulong index) =>
        Block((uint)index, (uint)(index >> 32), (uint)stream, (uint)(stream >> 32), (uint)key, (uint)(key >> 32));

    /// <summary>The key of one purpose under a run's seed: the purpose is the top byte, so seeds below 2⁵⁶ never collide.</summary>
    public static ulong Key(ulong seed, RandomPurpose purpose) => seed ^ ((ulong)purpose << 56);

    /// <summary>Uniform in [0, 1), a multiple of 2⁻²⁴: each value is exact in float32.</summary>
    public static float Uniform(uint word) => (word >> 8) * (1f / (1 << 24));

    /// <summary>Uniform in (0, 1], a multiple of 2⁻³²: safe under a logarithm.</summary>
    public static double UniformAboveZero(uint word) => (word + 1.0) * (1.0 / 4294967296.0);

    /// <summary>A uniform integer in [0, bound): the high half of word × bound (bias below bound / 2³²).</summary>
    public static uint Below(uint word, uint bound) => (uint)(((ulong)word * bound) >> 32);

    /// <summary>Fisher and Yates: every order as likely, a word a swap, the i-th from index i of the stream.</summary>
    public static void Shuffle<T>(Span<T> items, ulong key, ulong stream)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = (int)Below(Block(key, stream, (ulong)i).X, (uint)(i + 1));
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Two independent standard normal values from two words (Box and Muller, 1958), evaluated in double.</summary>
    public static (float First, float Second) Gaussian(uint word0, uint word1)
    {
        double radius = Math.Sqrt(-2.0 * Math.Log(UniformAboveZero(word0)));
        double angle = 2.0 * Math.PI / 4294967296.0 * word1;
        return ((float)(radius * Math.Cos(angle)), (float)(radius * Math.Sin(angle)));
    }
}
