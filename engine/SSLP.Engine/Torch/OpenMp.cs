using System.Globalization;

namespace SSLP.Engine.Torch;

/// <summary>What libtorch's OpenMP (libgomp) is told before it loads: it reads the environment once.</summary>
internal static class OpenMp
{
    private const string SpinsName = "GOMP_SPINCOUNT";

    /// <summary>
    /// How often a waiting thread looks before it sleeps. A number that is set already stays; elsewhere than on Linux nothing is done.
    /// </summary>
    public static void SetSpins(int spins) =>
        LibcEnvironment.SetWhereUnset(SpinsName, spins.ToString(CultureInfo.InvariantCulture));

    /// <summary>The number that libgomp finds, or found; null where there is none.</summary>
    public static string? Spins => LibcEnvironment.Get(SpinsName);

    /// <summary>The same in words.</summary>
    public static string Describe => Spins is { } spins ? $"look {spins} times, then sleep" : "wait as libgomp has it";
}
