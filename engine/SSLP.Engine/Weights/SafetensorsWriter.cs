using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Engine.Torch;
using static TorchSharp.torch;

namespace SSLP.Engine.Weights;

/// <summary>One tensor to be written; its bytes are asked for only when their turn comes.</summary>
/// <param name="Name">Its key, unique within the file.</param>
/// <param name="Dtype">Element type.</param>
/// <param name="Shape">Row-major extents; empty for a scalar.</param>
/// <param name="Emit">Writes exactly the tensor's bytes, little endian and row-major.</param>
public sealed record SafetensorsItem(string Name, SafetensorsDtype Dtype, IReadOnlyList<long> Shape, Action<Stream> Emit)
{
    /// <summary>A torch tensor on any device, of any layout; it must stay alive until the file is written.</summary>
    public static SafetensorsItem From(string name, Tensor tensor) =>
        new(name, SafetensorsDtypes.FromTorch(tensor.dtype), tensor.shape, stream =>
        {
            if (tensor.numel() == 0)
                return;
            using Tensor detached = tensor.detach();
            using Tensor host = detached.cpu();
            using Tensor dense = host.contiguous();
            long bytes = dense.numel() * dense.element_size();
            for (long at = 0; at < bytes; at += MostBytesAtOnce)
                stream.Write(KernelBridge.Bytes(dense, at, (int)Math.Min(MostBytesAtOnce, bytes - at)));
        });

    /// <summary>Native memory, which must stay as it is until the file is written.</summary>
    internal static unsafe SafetensorsItem From(string name, SafetensorsDtype dtype, IReadOnlyList<long> shape, byte* values)
    {
        nint from = (nint)values; // no pointer goes into a lambda
        long bytes = shape.Aggregate((long)dtype.Size(), (all, extent) => all * extent);
        return new(name, dtype, shape, stream =>
        {
            for (long at = 0; at < bytes; at += MostBytesAtOnce)
                stream.Write(new ReadOnlySpan<byte>((byte*)from + at, (int)Math.Min(MostBytesAtOnce, bytes - at)));
        });
    }

    /// <summary>Numbers in managed memory.</summary>
    public static SafetensorsItem From<T>(string name, ReadOnlyMemory<T> values, params IReadOnlyList<long> shape)
        where T : unmanaged
        => new(name, SafetensorsDtypes.Of<T>(), shape, stream =>
        {
            // By the block: as many elements as an array holds are more bytes than a span does.
            for (int at = 0; at < values.Length; at += MostBytesAtOnce / sizeof(long))
                stream.Write(MemoryMarshal.AsBytes(values.Span.Slice(at, Math.Min(MostBytesAtOnce / sizeof(long), values.Length - at))));
        });

    // A span ends at 2³¹ bytes; by the megabyte what was hashed is still in the cache when it is written.
    private const int MostBytesAtOnce = 1 << 20;
}

/// <summary>Writes safetensors files: one pass over the tensors, a checksum of the data in the metadata, atomically.</summary>
internal static class SafetensorsWriter
{
    private static readonly string ChecksumPlaceholder = new('0', 64);
    private static readonly string[] OwnKeys = [SafetensorsFile.ChecksumKey, SafetensorsFile.HeaderChecksumKey, SafetensorsFile.FormatKey];

    /// <param name="path">Replaced only when the new file is complete and on the disk.</param>
    /// <param name="items">The tensors, in the order in which they will lie.</param>
    /// <param name="metadata">Text pairs of the header; the checksum's key is ours.</param>
    /// <exception cref="ArgumentException">Two tensors share a name, a name is reserved, or the shape and the bytes of one
    /// disagree.</exception>
    /// <returns>The checksum of the data.</returns>
    public static string Write(string path, IReadOnlyList<SafetensorsItem> items, IReadOnlyDictionary<string, string>? metadata = null)
    {
        (byte[] head, int checksumAt, int headerChecksumAt) = BuildHeader(items, metadata ?? new Dictionary<string, string>());
        string checksum = string.Empty;
        AtomicFile.Write(path, stream =>
        {
            stream.Write(head);
            checksum = WriteData(stream, items);
            // The checksums are known only now; their places in the header were kept free, so that the data needs one pass.
            Encoding.ASCII.GetBytes(checksum, head.AsSpan(checksumAt));
            Encoding.ASCII.GetBytes(SafetensorsFile.HashOf(head, headerChecksumAt), head.AsSpan(headerChecksumAt));
            stream.Position = 0;
            stream.Write(head);
        });
        return checksum;
    }

    private static string WriteData(Stream stream, IReadOnlyList<SafetensorsItem> items)
    {
        using var hashed = new HashingStream(stream);
        long expected = stream.Position;
        foreach (SafetensorsItem item in items)
        {
            item.Emit(hashed);
            expected += ByteCount(item);
            if (stream.Position != expected)
                throw new ArgumentException(
                    $"'{item.Name}' wrote {stream.Position - expected + ByteCount(item)} bytes; its shape has {ByteCount(item)}.",
                    nameof(items));
        }
        return hashed.Hash();
    }

    /// <summary>Length and header, and where in them the two checksums go.</summary>
    private static (byte[] Head, int ChecksumAt, int HeaderChecksumAt) BuildHeader(IReadOnlyList<SafetensorsItem> items,
        IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream json = new();
        HashSet<string> names = [SafetensorsHeader.MetadataKey];
        using (Utf8JsonWriter writer = new(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject(SafetensorsHeader.MetadataKey);
            writer.WriteString(SafetensorsFile.FormatKey, "2");
            writer.WriteString(SafetensorsFile.ChecksumKey, ChecksumPlaceholder);
            writer.WriteString(SafetensorsFile.HeaderChecksumKey, ChecksumPlaceholder);
            foreach ((string key, string value) in metadata.Where(pair => !OwnKeys.Contains(pair.Key)))
                writer.WriteString(key, value);
            writer.WriteEndObject();
            long at = 0;
            foreach (SafetensorsItem item in items)
            {
                if (!names.Add(item.Name))
                    throw new ArgumentException($"The tensor name '{item.Name}' is used twice or reserved.", nameof(items));
                WriteEntry(writer, item, at);
                at += ByteCount(item);
            }

            writer.WriteEndObject();
        }

        // Spaces up to a multiple of 8, which the format allows, keep the data aligned for readers that map the file.
        while (json.Length % 8 != 0)
            json.WriteByte((byte)' ');
        byte[] head = [.. new byte[8], .. json.ToArray()];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)json.Length);
        ReadOnlySpan<byte> placeholder = Encoding.ASCII.GetBytes(ChecksumPlaceholder);
        int first = head.AsSpan().IndexOf(placeholder), second = first + 64 + head.AsSpan(first + 64).IndexOf(placeholder);
        return (head, first, second);
    }

    private static void WriteEntry(Utf8JsonWriter writer, SafetensorsItem item, long begin)
    {
        writer.WriteStartObject(item.Name);
        writer.WriteString("dtype", item.Dtype.ToString());
        writer.WriteStartArray("shape");
        foreach (long extent in item.Shape)
            writer.WriteNumberValue(extent);
        writer.WriteEndArray();
        writer.WriteStartArray("data_offsets");
        writer.WriteNumberValue(begin);
        writer.WriteNumberValue(begin + ByteCount(item));
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static long ByteCount(SafetensorsItem item) =>
        checked(item.Shape.Aggregate((long)item.Dtype.Size(), (bytes, extent) => checked(bytes * extent)));
}
