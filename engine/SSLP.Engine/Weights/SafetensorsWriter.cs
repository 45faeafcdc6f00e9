using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SSLP.Data.Files;
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
            stream.Write(dense.bytes);
        });

    /// <summary>Numbers in managed memory.</summary>
    public static SafetensorsItem From<T>(string name, ReadOnlyMemory<T> values, params IReadOnlyList<long> shape)
        where T : unmanaged
        => new(name, SafetensorsDtypes.Of<T>(), shape, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));
}

/// <summary>Writes safetensors files: one pass over the tensors, a checksum of the data in the metadata, atomically.</summary>
public static class SafetensorsWriter
{
    private static readonly string ChecksumPlaceholder = new('0', 64);

    /// <param name="path">Replaced only when the new file is complete and on the disk.</param>
    /// <param name="items">The tensors, in the order in which they will lie.</param>
    /// <param name="metadata">Text pairs of the header; the checksum's key is ours.</param>
    /// <exception cref="ArgumentException">Two tensors share a name, a name is reserved, or the shape and the bytes of one disagree.</exception>
    public static void Write(string path, IReadOnlyList<SafetensorsItem> items, IReadOnlyDictionary<string, string>? metadata = null)
    {
        (byte[] header, int checksumAt) = BuildHeader(items, metadata ?? new Dictionary<string, string>());
        AtomicFile.Write(path, stream =>
        {
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
            stream.Write(prefix);
            stream.Write(header);
            string checksum = WriteData(stream, items);
            // The checksum is known only now; its place in the header was kept free, so that the data needs one pass.
            stream.Position = 8 + checksumAt;
            stream.Write(Encoding.ASCII.GetBytes(checksum));
        });
    }

    private static string WriteData(Stream stream, IReadOnlyList<SafetensorsItem> items)
    {
        using SHA256 hash = SHA256.Create();
        using (CryptoStream hashed = new(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
        {
            long expected = stream.Position;
            foreach (SafetensorsItem item in items)
            {
                item.Emit(hashed);
                expected += ByteCount(item);
                if (stream.Position != expected)
                    throw new ArgumentException($"'{item.Name}' wrote {stream.Position - expected + ByteCount(item)} bytes; its shape has {ByteCount(item)}.", nameof(items));
            }
        }

        return Convert.ToHexStringLower(hash.Hash!);
    }

    private static (byte[] Header, int ChecksumAt) BuildHeader(IReadOnlyList<SafetensorsItem> items, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream json = new();
        HashSet<string> names = [SafetensorsHeader.MetadataKey];
        using (Utf8JsonWriter writer = new(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject(SafetensorsHeader.MetadataKey);
            writer.WriteString(SafetensorsFile.ChecksumKey, ChecksumPlaceholder);
            foreach ((string key, string value) in metadata.Where(pair => pair.Key != SafetensorsFile.ChecksumKey))
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
        byte[] header = json.ToArray();
        return (header, header.AsSpan().IndexOf(Encoding.ASCII.GetBytes(ChecksumPlaceholder)));
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

    private static long ByteCount(SafetensorsItem item) => checked(item.Shape.Aggregate((long)item.Dtype.Size(), (bytes, extent) => checked(bytes * extent)));
}
