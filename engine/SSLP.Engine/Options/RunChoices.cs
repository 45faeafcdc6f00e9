namespace SSLP.Engine.Options;

/// <summary>What is learned; each is a file of its own in Methods.</summary>
public enum MethodKind
{
    /// <summary>Self, intra and inter against semi-hard negatives (Li, Lin, Xu, MICCAI 2021).</summary>
    Sslp,

    /// <summary>The self term alone against random negatives of the bank (Wu et al. 2018).</summary>
    InstDisc,

    /// <summary>Two views, momentum encoder, queue (He et al. 2020; Chen et al. 2020b).</summary>
    MoCoV2,

    /// <summary>Two views, every other patch of the batch a negative (Chen et al. 2020a).</summary>
    SimClr,

    /// <summary>A classifier on the labels: no self-supervision, but the ceiling for it.</summary>
    Supervised,
}

/// <summary>What of the memory bank a checkpoint holds.</summary>
public enum CheckpointBank
{
    /// <summary>The rows that changed since the last whole checkpoint, where the bank is large and they are less than half of it; else
    /// all.</summary>
    Auto,

    /// <summary>The rows that changed, however small the bank is, while they are less than half of it.</summary>
    Changes,

    /// <summary>All of it: every file can be read alone.</summary>
    Whole,
}

/// <summary>Where the memory bank's rows lie when several processes train.</summary>
public enum BankPlacement
{
    /// <summary>Every process holds all of them.</summary>
    Replicated,

    /// <summary>Every process holds its part, and searches it for all.</summary>
    Sharded,
}
