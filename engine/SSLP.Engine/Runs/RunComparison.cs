using SSLP.Engine.Torch;
using SSLP.Engine.Weights;

namespace SSLP.Engine.Runs;

/// <summary>Whether two runs are the same to the last bit: what was learned, and every step on the way.</summary>
internal static class RunComparison
{
    /// <returns>The first difference as a sentence; null where there is none.</returns>
    /// <param name="a">A finished run.</param>
    /// <param name="b">Another one of the same options and patches.</param>
    /// <exception cref="Data.Files.Fault">A file of either is damaged or missing.</exception>
    public static string? Difference(RunFolder a, RunFolder b)
    {
        IReadOnlyList<StepMetrics> left = MetricsLog.Read(a.Metrics), right = MetricsLog.Read(b.Metrics);
        if (left.Count != right.Count)
            return $"{left.Count} steps are in '{a.Metrics}' and {right.Count} in '{b.Metrics}'.";
        for (int i = 0; i < left.Count; i++)
            if (Learned(left[i]) != Learned(right[i]))
                return $"Step {left[i].Step} differs: {Learned(left[i])} and {Learned(right[i])}.";
        (CheckpointState State, SafetensorsFile File)? first = new Checkpoint(a, 1).OpenNewest(),
            second = new Checkpoint(b, 1).OpenNewest();
        using SafetensorsFile? firstFile = first?.File, secondFile = second?.File;
        if (firstFile is null || secondFile is null)
            return "One of them has no checkpoint.";
        return Different(firstFile, secondFile);
    }

    /// <summary>What a step learned, without how long it took.</summary>
    private static StepMetrics Learned(StepMetrics step) =>
        step with
        {
            PatchesPerSecond = 0,
            DataWait = 0,
            ProbeSeconds = null,
            SlowestProcess = null,
            SlowestProcessSeconds = null,
            CommunicatedBytes = null
        };

    private static string? Different(SafetensorsFile a, SafetensorsFile b)
    {
        string[] names = [.. Names(a)], others = [.. Names(b)];
        if (!names.SequenceEqual(others))
            return $"'{a.Path}' holds {string.Join(", ", names.Except(others).Concat(others.Except(names)).Take(3))}, or '{b.Path}' " +
                $"does, and the other one not.";
        foreach (string name in names)
        {
            using TorchSharp.torch.Tensor left = CheckpointTensors.Read(a, name), right = CheckpointTensors.Read(b, name);
            if (!HaveSameBits(left, right))
                return $"'{name}' differs between '{a.Path}' and '{b.Path}'.";
        }
        return null;
    }

    private static bool HaveSameBits(TorchSharp.torch.Tensor a, TorchSharp.torch.Tensor b)
    {
        const int block = 1 << 24;
        long bytes = a.numel() * a.element_size();
        if (a.dtype != b.dtype || !a.shape.SequenceEqual(b.shape))
            return false;
        for (long at = 0; at < bytes; at += block)
        {
            int count = (int)Math.Min(block, bytes - at);
            if (!KernelBridge.Bytes(a, at, count).SequenceEqual(KernelBridge.Bytes(b, at, count)))
                return false;
        }
        return true;
    }

    private static IEnumerable<string> Names(SafetensorsFile file) => CheckpointTensors.Names(file).Order(StringComparer.Ordinal);
}
