using SSLP.Engine.Stages;

namespace SSLP.Bench.Profile;

/// <summary>The command lines of NVIDIA's profilers for the run that was profiled.</summary>
internal static class ProfilerCommands
{
    /// <summary>Nsight Systems: on a device it collects between cuProfilerStart and cuProfilerStop alone.</summary>
    /// <param name="command">The program's own command line, quoted.</param>
    /// <param name="folder">Where the report goes.</param>
    /// <param name="onDevice">The run has a device; without one nothing would start the capture.</param>
    public static string Nsys(string command, string folder, bool onDevice) =>
        $"nsys profile --trace={(onDevice ? "cuda,nvtx,osrt --capture-range=cudaProfilerApi --capture-range-end=stop" : "nvtx,osrt")} " +
        $"--force-overwrite=true --output={Quoted(Path.Combine(folder, "nsys"))} {command}";

    /// <summary>Nsight Compute: the kernels of the bank's steps in the window, on a machine with a device.</summary>
    /// <inheritdoc cref="Nsys"/>
    public static string Ncu(string command, string folder) =>
        $"ncu --profile-from-start off --nvtx --nvtx-include {Quoted($"{StageWatch.Domain}@{Stage.BankStep.Name()}/")} --set full " +
        $"--target-processes all --force-overwrite --export {Quoted(Path.Combine(folder, "ncu"))} {command}";

    /// <summary>An argument as a POSIX shell takes it.</summary>
    public static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+%".Contains(c, StringComparison.Ordinal))
            ? argument : $"'{argument.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
