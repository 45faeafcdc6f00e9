namespace SSLP.PtxMachine;

/// <summary>Which of two schedules a machine runs blocks, warps, lanes of an atomic and sides of a branch in. A right kernel gives the same
/// in both.</summary>
public enum ExecutionOrder
{
    Forward,

    /// <summary>The last block, warp and lane first, and the taken side of a branch before the other.</summary>
    Backward,
}

/// <summary>How a machine runs kernels.</summary>
public sealed record MachineOptions
{
    public ExecutionOrder Order { get; init; }

    /// <summary>Whether sectors, bank conflicts and the bytes that a launch touches are counted; costs about as much again as
    /// running.</summary>
    public bool CountTraffic { get; init; }

    /// <summary>Basic blocks that a warp may run between two barriers.</summary>
    public long MaxBlocksBetweenBarriers { get; init; } = 1L << 32;
}
