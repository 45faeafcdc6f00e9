using System.Reflection;
using System.Runtime.InteropServices;
using SSLP.Kernels;

namespace SSLP.Engine.Torch;

/// <summary>What ran, for the heading of a table: the machine and the commit.</summary>
internal static class ThisProcess
{
    /// <summary>This process's processor, as a table's heading.</summary>
    public static string Machine(int threads) =>
        $"{ProcessorName()}, {Environment.ProcessorCount} cores, {threads} threads, {InstructionSets.Best}, " +
        $"{RuntimeInformation.FrameworkDescription}";

    /// <summary>The part of the informational version behind the plus sign, which the SDK sets to the commit.</summary>
    public static string Commit()
    {
        string version = typeof(ThisProcess).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? "";
        int plus = version.IndexOf('+');
        return plus < 0 ? "unknown" : version[(plus + 1)..];
    }

    private static string ProcessorName()
    {
        const string CpuInfo = "/proc/cpuinfo";
        if (!File.Exists(CpuInfo))
            return RuntimeInformation.ProcessArchitecture.ToString();
        string? line = File.ReadLines(CpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':') + 1)..].Trim();
    }
}
