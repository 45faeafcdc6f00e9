using System.Globalization;
using SSLP.Engine.Stages;

namespace SSLP.Bench.Profile;

/// <summary>The one line of a profile: what holds the run up, by how much, and what to do.</summary>
internal static class ProfileVerdict
{
    /// <summary>Below this share of the step's time waiting is noise.</summary>
    private const double WorthNaming = 0.1;

    /// <param name="share">Of the stepping thread's time, by stage; of the readers' threads for read and decode.</param>
    /// <param name="readers">Threads that read.</param>
    /// <param name="cores">Processors of the machine.</param>
    /// <param name="onDevice">The network is not on the CPU.</param>
    public static string Of(Func<Stage, double> share, int readers, int cores, bool onDevice)
    {
        if (share(Stage.Wait) >= WorthNaming)
            return $"waits for {(share(Stage.Decode) >= share(Stage.Read) ? "decode" : "read")} {Percent(share(Stage.Wait))}: " +
                WaitingFor(share, readers, cores, onDevice);
        (string Name, double Share, string Advice)[] groups =
        [
            ("the network", share(Stage.Forward) + share(Stage.Backward),
                onDevice ? "precision=bfloat16, a smaller input_size, or a larger batch_size"
                    : "a GPU, a smaller input_size, or more cores"),
            ("the bank", share(Stage.BankStep) + share(Stage.BankRead) + share(Stage.BankUpdate),
                "fewer nearest_keys or negatives, or a larger batch_size over fewer steps"),
            ("clustering", share(Stage.Cluster), "a higher cluster_every, or fewer clusters or cluster_iterations"),
            ("augmenting", share(Stage.Augment), "more threads, or a smaller input_size"),
            ("upload", share(Stage.Upload), "kernels=cuda, which sends bytes in place of views"),
            ("the device", share(Stage.DeviceWait), "its own time is in nsys"),
            ("writing checkpoints", share(Stage.Checkpoint), "a higher checkpoint_every or checkpoint_minutes, or a faster disk"),
            ("the optimizer", share(Stage.Optimizer) + share(Stage.KeyEncoder), "a larger batch_size"),
            ("guarding against numbers that are not finite", share(Stage.Guard), "a larger batch_size"),
            ("the rest of the step: log, watches and draws", share(Stage.Step), "a higher probe_every"),
        ];
        (string name, double most, string advice) = groups.MaxBy(group => group.Share);
        return $"does not wait for patches ({Percent(share(Stage.Wait))}); {name} takes {Percent(most)}: {advice}";
    }

    private static string WaitingFor(Func<Stage, double> share, int readers, int cores, bool onDevice)
    {
        if (readers < cores)
            return $"add readers (--threads is {readers}, the machine has {cores} processors)";
        if (share(Stage.Decode) + share(Stage.Read) < 0.5)
            return "the readers rest half of the time: raise prefetch";
        string readersFirst = onDevice ? "" : ", which train, too";
        return share(Stage.Decode) >= share(Stage.Read)
            ? $"all {cores} processors decode{readersFirst}: add processors, or cut the patches once (sslp tile --pixels, then --patches)"
            : $"all {readers} readers wait for the disk: a faster disk, or a copy of the slides on a local one";
    }

    private static string Percent(double share) => share.ToString("P0", CultureInfo.InvariantCulture);
}
