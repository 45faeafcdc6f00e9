namespace SSLP.Kernels;

/// <summary>
/// The random numbers of one view of one patch in one step: blocks of four uniforms in [0, 1), each at a fixed counter, so that
/// adding or skipping one purpose changes no other.
/// </summary>
internal readonly struct AugmentDraws(ulong seed, long step, long patchId, int view)
{
    // Blocks 0 … 9 are the attempts at a crop.
    public const int CropAttempts = 10, Choices = 10, Factors = 11, OrderAndBlur = 12, Stain = 13;

    public (double X, double Y, double Z, double W) Block(int purpose)
    {
        ulong index = ((ulong)step << 16) | (ulong)(byte)view << 8 | (byte)purpose;
        RandomWords words = CounterRandom.Block(CounterRandom.Key(seed, RandomPurpose.Augment), (ulong)patchId, index);
        return (CounterRandom.Uniform(words.X), CounterRandom.Uniform(words.Y), CounterRandom.Uniform(words.Z),
            CounterRandom.Uniform(words.W));
    }
}
