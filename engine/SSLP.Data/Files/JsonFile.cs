using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace SSLP.Data.Files;

/// <summary>JSON that this program wrote and somebody may have changed since: read whole, of bounded size, or a fault that names
/// it.</summary>
public static class JsonFile
{
    /// <summary>More than any record of a run has.</summary>
    public const long MostBytes = 64 << 20;

    /// <param name="path">The file.</param>
    /// <param name="type">How it is read; what its form says must be there has to be.</param>
    /// <param name="what">What the file is, as in "no record of a run".</param>
    /// <exception cref="Fault">It is too large, no JSON, or JSON of another form.</exception>
    public static T Read<T>(string path, JsonTypeInfo<T> type, string what)
    {
        using FileStream stream = File.OpenRead(path);
        if (stream.Length > MostBytes)
            throw new Fault(FaultKind.Data, $"'{path}' has {stream.Length} bytes, which {what} never has: it is another file.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return Parse(bytes, type) is var (value, reason) && reason is null ? value!
            : throw new Fault(FaultKind.Data, $"'{path}' is no {what}: {reason}");
    }

    /// <summary>A value, or why there is none, on one line.</summary>
    public static (T? Value, string? Reason) Parse<T>(ReadOnlySpan<byte> utf8, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, type) is { } value ? (value, null) : (default, "it is null.");
        }
        catch (Exception e) when (
            e is JsonException or NotSupportedException or InvalidOperationException or FormatException or ArgumentException)
        {
            return (default, e.Message.ReplaceLineEndings(" "));
        }
    }
}
