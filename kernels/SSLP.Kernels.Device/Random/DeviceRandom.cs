namespace SSLP.Kernels.Device;

/// <summary>Philox4x32-10 (Salmon et al., SC 2011) on the device: the same words at the same counter as the host's CounterRandom.</summary>
public static class DeviceRandom
{
    private const uint MultiplierA = 0xD2511F53, MultiplierB = 0xCD9E8D57;
    private const uint KeyStepA = 0x9E3779B9, KeyStepB = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The first two words at (key, stream, index), the first one high.</summary>
    public static ulong Pair(ulong key, ulong stream, ulong index)
    {
        uint c0 = (uint)index, c1 = (uint)(index >> 32), c2 = (uint)stream, c3 = (uint)(stream >> 32);
        uint key0 = (uint)key, key1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong a = (ulong)MultiplierA * c0, b = (ulong)MultiplierB * c2;
            c0 = (uint)(b >> 32) ^ c1 ^ key0;
            c1 = (uint)b;
            c2 = (uint)(a >> 32) ^ c3 ^ key1;
            c3 = (uint)a;
            key0 += KeyStepA;
            key1 += KeyStepB;
        }

        return (ulong)c0 << 32 | c1;
    }
}
