using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using SSLP.Data.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Weights;

/// <summary>
/// A safetensors file opened for reading: 8 bytes of header length (little endian), the header, then the tensors' bytes.
/// Nothing in it is ever executed. Tensors are read one at a time, straight into the caller's memory.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>Metadata key of the SHA-256 of the data, in lower-case hex; written by us, verified where it is there.</summary>
    public const string ChecksumKey = "sslp.sha256";

    private readonly SafeFileHandle _handle;
    private readonly long _dataStart;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle handle, long dataStart, SafetensorsHeader header)
    {
        Path = path;
        _handle = handle;
        _dataStart = dataStart;
        _header = header;
    }

    public string Path { get; }

    /// <summary>The tensors, by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The writer's text pairs.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens and checks the header; the data's checksum too, where the file carries one.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="Fault">It is no safetensors file, a damaged one, or one that breaks a rule of the format.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle handle = File.OpenHandle(path);
        try
        {
            (long dataStart, SafetensorsHeader header) = ReadHeader(handle);
            SafetensorsFile file = new(path, handle, dataStart, header);
            file.VerifyChecksum();
            return file;
        }
        catch (Fault fault)
        {
            handle.Dispose();
            throw new Fault(FaultKind.Data, $"'{path}' cannot be read as safetensors. {fault.Message}", fault);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Copies a tensor's bytes, little endian and row-major.</summary>
    /// <param name="name">One of <see cref="Entries"/>.</param>
    /// <param name="destination">Exactly the entry's size.</param>
    public void ReadBytes(string name, Span<byte> destination)
    {
        SafetensorsEntry entry = Find(name);
        if (destination.Length != entry.Bytes)
            throw new ArgumentException($"'{name}' has {entry.Bytes} bytes; the destination has {destination.Length}.", nameof(destination));
        ReadExactly(_handle, _dataStart + entry.Begin, destination);
    }

    /// <summary>Copies a part of a tensor's bytes: a span ends at 2³¹.</summary>
    /// <param name="name">One of <see cref="Entries"/>.</param>
    /// <param name="destination">As many bytes as are wanted.</param>
    /// <param name="offset">The first one's place in the tensor.</param>
    public void ReadBytes(string name, Span<byte> destination, long offset)
    {
        SafetensorsEntry entry = Find(name);
        if (offset < 0 || offset > entry.Bytes - destination.Length)
            throw new ArgumentException($"'{name}' has {entry.Bytes} bytes, not {destination.Length} from {offset} on.", nameof(destination));
        ReadExactly(_handle, _dataStart + entry.Begin + offset, destination);
    }

    /// <summary>Reads a tensor into new CPU memory, with the type and shape of the file.</summary>
    public Tensor ReadTensor(string name)
    {
        SafetensorsEntry entry = Find(name);
        Tensor tensor = torch.empty([.. entry.Shape], entry.Dtype.ToTorch());
        if (entry.Bytes > 0)
            ReadBytes(name, tensor.bytes);
        return tensor;
    }

    public void Dispose() => _handle.Dispose();

    private SafetensorsEntry Find(string name) => Entries.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new KeyNotFoundException($"'{Path}' has no tensor '{name}'.");

    private static (long DataStart, SafetensorsHeader Header) ReadHeader(SafeFileHandle handle)
    {
        long length = RandomAccess.GetLength(handle);
        if (length < 8)
            throw new Fault(FaultKind.Data, $"It has {length} bytes; the format starts with 8.");
        Span<byte> prefix = stackalloc byte[8];
        ReadExactly(handle, 0, prefix);
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        // Compared before any allocation: the length is the first thing a hostile file lies about.
        if (headerBytes > SafetensorsHeader.MaxBytes || headerBytes > (ulong)(length - 8))
            throw new Fault(FaultKind.Data, $"Its header claims {headerBytes} bytes in a file of {length}: another format, or a truncated file.");
        byte[] json = new byte[(int)headerBytes];
        ReadExactly(handle, 8, json);
        long dataStart = 8 + json.Length;
        return (dataStart, SafetensorsHeader.Parse(json, length - dataStart));
    }

    private void VerifyChecksum()
    {
        if (!Metadata.TryGetValue(ChecksumKey, out string? expected))
            return;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        long end = RandomAccess.GetLength(_handle);
        for (long at = _dataStart; at < end; at += buffer.Length)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at));
            ReadExactly(_handle, at, part);
            hash.AppendData(part);
        }

        if (!string.Equals(expected, Convert.ToHexStringLower(hash.GetHashAndReset()), StringComparison.Ordinal))
            throw new Fault(FaultKind.Data, "Its checksum does not match its content: the file was damaged after it was written; take another copy.");
    }

    private static void ReadExactly(SafeFileHandle handle, long offset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
                throw new Fault(FaultKind.Data, "The file ended while it was being read.");
            destination = destination[read..];
            offset += read;
        }
    }
}
