using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Sorts by a whole group in place, of any length, in shared or global memory: a bitonic network in which every comparison puts the same
/// one first (Batcher 1968, with each merge's second half mirrored), so that what lies beyond the end counts as last and is never looked
/// at.
/// n·log²n / 4 comparisons, a barrier for each of its log²n / 2 layers. Elements are ready for all threads on return.
/// </summary>
public static class GroupSort
{
    /// <summary>Larger keys first.</summary>
    public static void Descending(ArrayView<ulong> keys, long first, int count)
    {
        for (int level = 0; 1 << level < count; level++)
        {
            for (int layer = level; layer >= 0; layer--)
            {
                for (int pair = Group.IdxX; Low(pair, layer) < count; pair += Group.DimX)
                {
                    int low = Low(pair, layer), high = High(pair, layer, layer == level);
                    if (high >= count)
                        continue;
                    ulong a = keys[first + low], b = keys[first + high];
                    if (a < b)
                    {
                        keys[first + low] = b;
                        keys[first + high] = a;
                    }
                }

                Group.Barrier();
            }
        }
    }

    /// <summary>Smaller numbers first.</summary>
    public static void Ascending(ArrayView<int> numbers, long first, int count)
    {
        for (int level = 0; 1 << level < count; level++)
        {
            for (int layer = level; layer >= 0; layer--)
            {
                for (int pair = Group.IdxX; Low(pair, layer) < count; pair += Group.DimX)
                {
                    int low = Low(pair, layer), high = High(pair, layer, layer == level);
                    if (high >= count)
                        continue;
                    int a = numbers[first + low], b = numbers[first + high];
                    if (a > b)
                    {
                        numbers[first + low] = b;
                        numbers[first + high] = a;
                    }
                }

                Group.Barrier();
            }
        }
    }

    // Pairs lie in blocks of 2·2^layer; the first layer of a level compares a block's first half with its second one mirrored.
    private static int Low(int pair, int layer) => (pair >> layer << (layer + 1)) + (pair & ((1 << layer) - 1));

    private static int High(int pair, int layer, bool mirrored) =>
        mirrored ? ((pair >> layer) + 1 << (layer + 1)) - 1 - (pair & ((1 << layer) - 1)) : Low(pair, layer) + (1 << layer);
}
