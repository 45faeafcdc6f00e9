using System.Text.Json;
using SSLP.Data.Files;

namespace SSLP.Engine.Weights;

/// <summary>One tensor of a file: where it lies and how it is read.</summary>
/// <param name="Name">Its key, unique within the file.</param>
/// <param name="Dtype">Element type.</param>
/// <param name="Shape">Row-major extents; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">One past the last byte.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsDtype Dtype, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>Size in bytes.</summary>
    public long Bytes => End - Begin;
}

/// <summary>
/// The JSON at the head of a safetensors file: <c>{"__metadata__": {k: v}, name: {"dtype", "shape", "data_offsets"}, …}</c>.
/// Parsing trusts nothing: sizes, overlaps, holes, overflow, duplicates and nesting are all checked before a byte of data is read.
/// Source: the format's page, https://github.com/huggingface/safetensors#format.
/// </summary>
public sealed class SafetensorsHeader
{
    /// <summary>Longest header accepted, in bytes: the limit of the format's own reader.</summary>
    public const int MaxBytes = 100_000_000;

    /// <summary>More axes than any tensor has.</summary>
    public const int MaxRank = 64;

    internal const string MetadataKey = "__metadata__";

    private readonly Dictionary<string, SafetensorsEntry> _entries = [];
    private readonly Dictionary<string, string> _metadata = [];
    private bool _metadataSeen;

    private SafetensorsHeader()
    {
    }

    /// <summary>The tensors, by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>Free text pairs of the writer.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <param name="json">The header's bytes, without the length before them.</param>
    /// <param name="dataBytes">Bytes that follow the header in the file.</param>
    /// <exception cref="Fault">The header breaks a rule of the format; the message says which and for what tensor.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataBytes)
    {
        SafetensorsHeader header = new();
        try
        {
            // Object, tensor, array: a fourth level is no safetensors header.
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 3 });
            header.ReadRoot(ref reader);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or FormatException)
        {
            throw new Fault(FaultKind.Data, $"The header is no valid JSON of a safetensors file: {fault.Message}", fault);
        }

        header.CheckLayout(dataBytes);
        return header;
    }

    private void ReadRoot(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject, "the header");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (name == MetadataKey)
                ReadMetadata(ref reader);
            else if (!_entries.TryAdd(name, ReadEntry(ref reader, name)))
                throw Broken(name, "appears twice");
        }

        if (reader.Read())
            throw new Fault(FaultKind.Data, "The header holds more than one JSON object.");
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (_metadataSeen)
            throw new Fault(FaultKind.Data, $"{MetadataKey} appears twice.");
        _metadataSeen = true;
        Expect(ref reader, JsonTokenType.StartObject, MetadataKey);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String, $"metadata '{Printable(key)}'");
            if (!_metadata.TryAdd(key, reader.GetString()!))
                throw new Fault(FaultKind.Data, $"Metadata '{Printable(key)}' appears twice.");
        }
    }

    private static SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartObject, $"tensor '{Printable(name)}'");
        SafetensorsDtype? dtype = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = reader.GetString()!;
            if (field == "dtype" && dtype is null)
            {
                Expect(ref reader, JsonTokenType.String, $"dtype of '{Printable(name)}'");
                string text = reader.GetString()!;
                dtype = SafetensorsDtypes.TryParse(text, out SafetensorsDtype parsed) ? parsed
                    : throw Broken(name, $"has the unknown dtype '{Printable(text)}'");
            }
            else if (field == "shape" && shape is null)
                shape = ReadNumbers(ref reader, name, MaxRank);
            else if (field == "data_offsets" && offsets is null)
                offsets = ReadNumbers(ref reader, name, 2);
            else
                throw Broken(name, $"has the unknown or repeated field '{Printable(field)}'");
        }

        if (dtype is null || shape is null || offsets is not [long begin, long end])
            throw Broken(name, "needs dtype, shape and two data_offsets");
        return new SafetensorsEntry(name, dtype.Value, shape, begin, end);
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, string name, int most)
    {
        Expect(ref reader, JsonTokenType.StartArray, $"a list of '{Printable(name)}'");
        List<long> numbers = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (numbers.Count == most || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
                throw Broken(name, "has a shape or offset that is no whole number from 0 up, or too many of them");
            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>Every tensor's bytes match its shape; together they cover the data exactly: no overlap, no hole, nothing beyond the
    /// end.</summary>
    private void CheckLayout(long dataBytes)
    {
        long covered = 0;
        foreach (SafetensorsEntry entry in _entries.Values.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.End < entry.Begin || entry.End > dataBytes)
                throw Broken(entry.Name, $"claims the bytes {entry.Begin}..{entry.End} of {dataBytes}");
            if (entry.Begin < covered)
                throw Broken(entry.Name, "overlaps another");
            if (entry.Begin > covered)
                throw Broken(entry.Name, $"leaves a hole of {entry.Begin - covered} bytes before it");
            if (ByteCount(entry) != entry.Bytes)
                throw Broken(
                    entry.Name, $"holds {entry.Bytes} bytes, which is not the size of {entry.Dtype} [{string.Join(", ", entry.Shape)}]");
            covered = entry.End;
        }

        if (covered != dataBytes)
            throw new Fault(FaultKind.Data,
                $"The file ends {Math.Abs(dataBytes - covered)} bytes after its last tensor; it belongs to another format or was cut and " +
                $"joined.");
    }

    private static long ByteCount(SafetensorsEntry entry)
    {
        Int128 bytes = entry.Dtype.Size();
        // A zero anywhere makes the size zero, whatever the other extents are; an overflow before it must not hide that.
        if (entry.Shape.Contains(0))
            return 0;
        foreach (long extent in entry.Shape)
        {
            bytes *= extent;
            if (bytes > long.MaxValue)
                throw Broken(entry.Name, "has a shape whose size overflows 64 bits");
        }

        return (long)bytes;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw new Fault(FaultKind.Data, $"The header is malformed at {what}: expected {type}, found {reader.TokenType}.");
    }

    private static Fault Broken(string name, string how) => new(FaultKind.Data, $"Tensor '{Printable(name)}' {how}.");

    /// <summary>A name from a file may hold anything; what goes to a terminal is short and has no control characters.</summary>
    private static string Printable(string name)
    {
        string visible = new([.. name.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);
        return name.Length > 80 ? visible + "…" : visible;
    }
}
