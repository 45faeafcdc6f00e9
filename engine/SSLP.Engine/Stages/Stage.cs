namespace SSLP.Engine.Stages;

/// <summary>Where the time of pretraining goes. A reading thread's stages nest in one another, and so do the stepping thread's.</summary>
internal enum Stage
{
    /// <summary>Readers: a patch, without what is <see cref="Decode"/> in it.</summary>
    Read,

    /// <summary>Readers: streams become pixels.</summary>
    Decode,

    /// <summary>One step of training, whole; without the stages in it: the log, the draws of a step, the watches.</summary>
    Step,

    /// <summary>k-means over the bank.</summary>
    Cluster,

    /// <summary>The step waits for its patches.</summary>
    Wait,

    /// <summary>Pixels become views.</summary>
    Augment,

    /// <summary>Bytes go to a device.</summary>
    Upload,

    /// <summary>The networks' forward passes.</summary>
    Forward,

    /// <summary>Sets, terms and gradient against the bank or the queue.</summary>
    BankStep,

    /// <summary>What a watched step compared is read from the bank.</summary>
    BankRead,

    /// <summary>Rows of the bank, or of the queue, follow.</summary>
    BankUpdate,

    /// <summary>The network's backward pass.</summary>
    Backward,

    /// <summary>Numbers that are not finite are looked for; gradients are cleared.</summary>
    Guard,

    /// <summary>The host waits for a device's report.</summary>
    DeviceWait,

    /// <summary>Weights follow.</summary>
    Optimizer,

    /// <summary>The slowly following encoder follows.</summary>
    KeyEncoder,

    /// <summary>A checkpoint's state is taken, or the one before it waited for.</summary>
    Checkpoint,

    /// <summary>Beside training: a checkpoint is written.</summary>
    CheckpointFile,
}

/// <summary>Which threads a stage is of.</summary>
internal enum StageThreads
{
    /// <summary>The one that trains.</summary>
    Stepping,

    /// <summary>Those that read patches.</summary>
    Readers,

    /// <summary>The one that writes checkpoints.</summary>
    Writer,
}

/// <summary>Names, colours and threads of the stages.</summary>
internal static class StageNames
{
    /// <summary>How many stages there are.</summary>
    public const int Count = (int)Stage.CheckpointFile + 1;

    private static readonly string[] Names =
    [
        "read", "decode", "step", "cluster", "wait for patches", "augment", "upload", "forward", "bank step", "bank read", "bank update",
        "backward", "guard", "wait for device", "optimizer", "key encoder", "checkpoint", "checkpoint file",
    ];

    // ARGB: reading green, waiting red, the network blue, the bank orange, the rest grey.
    private static readonly uint[] Colours =
    [
        0xFF7FB77E, 0xFF4E9F3D, 0xFFB0B0B0, 0xFFE07A1F, 0xFFD7263D, 0xFF8E6BBF, 0xFFB79CED, 0xFF2E86DE, 0xFFF39C12, 0xFFF8C471, 0xFFF5B041,
        0xFF1B4F9C, 0xFF9AA5B1, 0xFFE55353, 0xFF16A085, 0xFF48C9B0, 0xFF6B7280, 0xFF4B5563,
    ];

    public static string Name(this Stage stage) => Names[(int)stage];

    public static uint Colour(this Stage stage) => Colours[(int)stage];

    public static StageThreads Threads(this Stage stage) => stage switch
    {
        Stage.Read or Stage.Decode => StageThreads.Readers,
        Stage.CheckpointFile => StageThreads.Writer,
        _ => StageThreads.Stepping,
    };
}
