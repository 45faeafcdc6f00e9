using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// A bank cut into pieces of whole tiles, so that a pass over it fills a device; one group takes one piece past one block of queries. A
/// function of the sizes alone: results do not depend on the device.
/// </summary>
/// <param name="Rows">Rows of a split.</param>
/// <param name="Count">Splits.</param>
/// <param name="Blocks">Blocks of queries.</param>
internal readonly record struct BankSplits(long Rows, int Count, uint Blocks)
{
    /// <summary>Groups wanted where several share a multiprocessor of a large device.</summary>
    public const int SeveralAMultiprocessor = 1024;

    /// <summary>Where one fills it.</summary>
    public const int OneAMultiprocessor = 256;

    /// <summary>The query blocks of one split side by side, so that they share its rows in the cache.</summary>
    public LaunchGrid Grid => new(checked((uint)Count * Blocks));

    /// <param name="rows">N.</param>
    /// <param name="tileRows">Rows that a group takes at a time.</param>
    /// <param name="blocks">Blocks of queries.</param>
    /// <param name="groups">Groups wanted.</param>
    public static BankSplits Of(long rows, int tileRows, uint blocks, int groups)
    {
        long tiles = tileRows.GroupsOf(rows), tilesASplit = Math.Max(1, tiles * blocks / groups);
        return new BankSplits(tilesASplit * tileRows, checked((int)((tiles + tilesASplit - 1) / tilesASplit)), blocks);
    }
}
