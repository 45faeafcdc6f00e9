using System.Text.Json;

namespace SSLP.Kernels;

/// <summary>A kernel as it is embedded.</summary>
/// <param name="Name">The device method's name.</param>
/// <param name="Entry">The .entry in its text.</param>
/// <param name="GroupSize">Threads of a group.</param>
/// <param name="SharedBytes">Shared memory that the entry declares.</param>
internal sealed record EmbeddedKernel(string Name, string Entry, int GroupSize, int SharedBytes);

/// <summary>The PTX that the build made of the device code, embedded in this assembly with a manifest.</summary>
internal static class PtxLibrary
{
    private const string Folder = "ptx/";

    /// <summary>Every embedded kernel by name.</summary>
    public static IReadOnlyDictionary<string, EmbeddedKernel> Kernels { get; } = ReadManifest();

    /// <summary>The text of one, ASCII.</summary>
    /// <exception cref="ArgumentException">There is no such kernel.</exception>
    public static byte[] Text(string kernel)
    {
        if (!Kernels.ContainsKey(kernel))
            throw new ArgumentException($"No kernel named {kernel} is embedded.");
        return Read($"{kernel}.ptx");
    }

    private static Dictionary<string, EmbeddedKernel> ReadManifest()
    {
        using var manifest = JsonDocument.Parse(Read("manifest.json"));
        return manifest.RootElement.EnumerateArray()
            .Select(kernel => new EmbeddedKernel(
                kernel.GetProperty("name").GetString()!,
                kernel.GetProperty("entry").GetString()!,
                kernel.GetProperty("groupSize").GetInt32(),
                kernel.GetProperty("sharedBytes").GetInt32()))
            .ToDictionary(kernel => kernel.Name);
    }

    private static byte[] Read(string file)
    {
        using Stream stream = typeof(PtxLibrary).Assembly.GetManifestResourceStream(Folder + file)
            ?? throw new InvalidOperationException(
                $"The resource {Folder}{file} is missing from {typeof(PtxLibrary).Assembly.GetName().Name}.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
