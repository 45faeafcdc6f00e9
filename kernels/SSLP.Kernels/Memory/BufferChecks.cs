using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace SSLP.Kernels;

/// <summary>
/// Whether buffers watch over their ownership: use after disposal, disposal by two owners, and none at all. On in Debug builds; in a
/// Release build a program that sets the runtime option <see cref="Switch"/> has them, as this library's tests do. Off, they cost nothing:
/// the compiler sees a constant.
/// </summary>
internal static class BufferChecks
{
    /// <summary>The option's name, for runtimeconfig.json.</summary>
    public const string Switch = "SSLP.Kernels.BufferChecks";

    /// <summary>Does not change while a process lives.</summary>
    [FeatureSwitchDefinition(Switch)]
    public static bool Enabled { get; } = AppContext.TryGetSwitch(Switch, out bool on) ? on : IsDebugBuild;

    private static bool IsDebugBuild =>
#if DEBUG
        true;
#else
        false;
#endif

    /// <summary>A finalizer found memory that nobody disposed. It is freed all the same; the trace says where it came from.</summary>
    public static void ReportLeak(string buffer, long bytes, string? origin) =>
        Trace.WriteLine($"{buffer} of {bytes} bytes was never disposed. It was made{Environment.NewLine}{origin}");

    /// <summary>Whoever disposes for the second time took the buffer for its own.</summary>
    [DoesNotReturn]
    public static void RefuseSecondOwner(string buffer, string? origin) => throw new InvalidOperationException(
        $"{buffer} is disposed twice: it has two owners. It was made{Environment.NewLine}{origin}");
}
