using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Running sums over a group of whole warps, at most 32 of them. <c>partial</c> is shared memory for one value a warp; it may be used
/// again at once.
/// </summary>
public static class GroupScan
{
    /// <summary>The values of this thread and of all before it.</summary>
    public static int InclusiveSum(int value, ArrayView<int> partial)
    {
        int lane = Warp.LaneIdx, warp = Group.IdxX / 32;
        for (int step = 1; step < 32; step *= 2)
        {
            int before = Warp.ShuffleUp(value, step);
            value += lane >= step ? before : 0;
        }

        Group.Barrier();
        if (lane == 31)
            partial[warp] = value;
        Group.Barrier();
        for (int earlier = 0; earlier < warp; earlier++)
            value += partial[earlier];
        return value;
    }
}
