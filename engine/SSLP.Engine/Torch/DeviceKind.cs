using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace SSLP.Engine.Torch;

/// <summary>Where the network runs.</summary>
public enum DeviceKind
{
    /// <summary>CUDA where libtorch sees a device, else the CPU.</summary>
    Auto,
    Cpu,
    Cuda,
}

/// <summary>A device as the option says it: auto, cpu, cuda, or cuda:1 for the second one.</summary>
/// <param name="Kind">Which sort.</param>
/// <param name="Number">Of a CUDA device, as libtorch counts, from 0.</param>
public readonly record struct DeviceChoice(DeviceKind Kind, int Number = 0)
{
    /// <summary>What its text may be.</summary>
    internal const string Takes = "auto | cpu | cuda | cuda:N, the device's number from 0";

    private const string Numbered = "cuda:";

    /// <summary>The first device of its kind.</summary>
    public static implicit operator DeviceChoice(DeviceKind kind) => new(kind);

    /// <summary>As the option is written.</summary>
    public override string ToString() =>
        Number > 0 ? string.Create(CultureInfo.InvariantCulture, $"{Numbered}{Number}") : Kind.ToString().ToLowerInvariant();

    /// <summary>The choice of a text; false where it is none.</summary>
    internal static bool TryParse(string text, [NotNullWhen(true)] out DeviceChoice? choice)
    {
        choice = text switch
        {
            "auto" => DeviceKind.Auto,
            "cpu" => DeviceKind.Cpu,
            "cuda" => DeviceKind.Cuda,
            _ when text.StartsWith(Numbered, StringComparison.Ordinal)
                && int.TryParse(text.AsSpan(Numbered.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                => new DeviceChoice(DeviceKind.Cuda, number),
            _ => null,
        };
        return choice is not null;
    }
}
