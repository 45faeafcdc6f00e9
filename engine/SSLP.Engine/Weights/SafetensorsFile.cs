using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using SSLP.Data.Files;
using SSLP.Engine.Torch;
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

    /// <summary>Metadata key of the SHA-256 of all that stands before the data, these 64 digits taken as zeros.</summary>
    internal const string HeaderChecksumKey = "sslp.sha256.header";

    /// <summary>Metadata key that says that both checksums are there: with one damaged byte either it or they are still to be
    /// read.</summary>
    internal const string FormatKey = "sslp.format";

    // A span ends at 2³¹ bytes.
    private const int MostBytesAtOnce = 1 << 28;

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

    /// <summary>
    /// The checkpoint that this one's changed rows are laid over; null where it is whole. Goes with this one.
    /// </summary>
    public SafetensorsFile? Base { get; internal set; }

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
            (byte[] head, SafetensorsHeader header) = ReadHeader(handle);
            VerifyHeader(head, header.Metadata);
            SafetensorsFile file = new(path, handle, head.Length, header);
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
            throw new ArgumentException($"'{name}' has {entry.Bytes} bytes; the destination has {destination.Length}.",
                nameof(destination));
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
            throw new ArgumentException($"'{name}' has {entry.Bytes} bytes, not {destination.Length} from {offset} on.",
                nameof(destination));
        ReadExactly(_handle, _dataStart + entry.Begin + offset, destination);
    }

    /// <summary>Copies a whole tensor of whatever size.</summary>
    /// <param name="name">One of <see cref="Entries"/>.</param>
    /// <param name="destination">As many elements as the tensor has.</param>
    /// <exception cref="Fault">The tensor has another size or type.</exception>
    public void ReadAll<T>(string name, Span<T> destination)
        where T : unmanaged
    {
        SafetensorsEntry entry = Find(name);
        if (entry.Dtype != SafetensorsDtypes.Of<T>() || entry.Bytes != (long)destination.Length * entry.Dtype.Size())
            throw new Fault(FaultKind.Data,
                $"'{Path}' holds '{name}' as {entry.Dtype} [{string.Join(", ", entry.Shape)}], not as {destination.Length} of " +
                $"{SafetensorsDtypes.Of<T>()}.");
        int most = MostBytesAtOnce / entry.Dtype.Size();
        for (int at = 0; at < destination.Length; at += most)
            ReadBytes(name, MemoryMarshal.AsBytes(destination.Slice(at, Math.Min(most, destination.Length - at))),
                (long)at * entry.Dtype.Size());
    }

    /// <summary>Reads a tensor into new CPU memory, with the type and shape of the file.</summary>
    public Tensor ReadTensor(string name)
    {
        SafetensorsEntry entry = Find(name);
        Tensor tensor = torch.empty([.. entry.Shape], entry.Dtype.ToTorch());
        for (long at = 0; at < entry.Bytes; at += MostBytesAtOnce)
            ReadBytes(name, KernelBridge.Bytes(tensor, at, (int)Math.Min(MostBytesAtOnce, entry.Bytes - at)), at);
        return tensor;
    }

    public void Dispose()
    {
        _handle.Dispose();
        Base?.Dispose();
    }

    private SafetensorsEntry Find(string name) => Entries.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new KeyNotFoundException($"'{Path}' has no tensor '{name}'.");

    /// <summary>The bytes before the data, length included, and what they say.</summary>
    private static (byte[] Head, SafetensorsHeader Header) ReadHeader(SafeFileHandle handle)
    {
        long length = RandomAccess.GetLength(handle);
        if (length < 8)
            throw new Fault(FaultKind.Data, $"It has {length} bytes; the format starts with 8.");
        Span<byte> prefix = stackalloc byte[8];
        ReadExactly(handle, 0, prefix);
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        // Compared before any allocation: the length is the first thing a hostile file lies about.
        if (headerBytes > SafetensorsHeader.MaxBytes || headerBytes > (ulong)(length - 8))
            throw new Fault(FaultKind.Data,
                $"Its header claims {headerBytes} bytes in a file of {length}: another format, or a truncated file.");
        byte[] head = new byte[8 + (int)headerBytes];
        ReadExactly(handle, 0, head);
        return (head, SafetensorsHeader.Parse(head.AsSpan(8), length - head.Length));
    }

    /// <summary>SHA-256 of what stands before the data, the place of the result taken as zeros.</summary>
    /// <param name="head">Length and header; unchanged afterwards.</param>
    /// <param name="at">Where the 64 digits stand.</param>
    internal static string HashOf(byte[] head, int at)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head, 0, at);
        hash.AppendData(Encoding.ASCII.GetBytes(new string('0', 64)));
        hash.AppendData(head.AsSpan(at + 64));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void VerifyHeader(byte[] head, IReadOnlyDictionary<string, string> metadata)
    {
        bool written = metadata.TryGetValue(HeaderChecksumKey, out string? expected);
        if (!written && !metadata.ContainsKey(FormatKey))
            return; // of another program, or of a version of this one that had no checksum of the header
        int key = head.AsSpan().IndexOf(Encoding.ASCII.GetBytes($"\"{HeaderChecksumKey}\":\""));
        int at = key + HeaderChecksumKey.Length + 4;
        if (!written || key < 0 || !metadata.ContainsKey(FormatKey) || !metadata.ContainsKey(ChecksumKey) || expected!.Length != 64
            || HashOf(head, at) != expected)
            throw new Fault(FaultKind.Data,
                "The checksum of its header does not match: the file was damaged after it was written; take another copy.");
    }

    private void VerifyChecksum()
    {
        if (!Metadata.TryGetValue(ChecksumKey, out string? expected))
            return;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        long end = RandomAccess.GetLength(_handle);
        for (long at = _dataStart; at < end; at += buffer.Length)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at));
            ReadExactly(_handle, at, part);
            hash.AppendData(part);
        }

        if (!string.Equals(expected, Convert.ToHexStringLower(hash.GetHashAndReset()), StringComparison.Ordinal))
            throw new Fault(FaultKind.Data,
                "Its checksum does not match its content: the file was damaged after it was written; take another copy.");
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
