using System.Buffers;
using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Data.Patches;

namespace SSLP.Data.Tiling;

/// <summary>
/// The manifest on disk, little-endian: <c>SSLPTILE</c>, u32 version, u32 header bytes H, i64 patches N, 32 bytes SHA-256 of all that
/// follows byte 64, padding to byte 64; then H bytes of JSON padded with spaces to a multiple of 8; then the columns slide, col, row, N
/// int32 each. Ten million patches are 120 MB, mapped and not copied. Version 2 has labels: the column class, N int32 (−1 for none) that
/// index the header's classes, and the column share, N float32; a manifest without labels is of version 1.
/// </summary>
internal static class ManifestFile
{
    private const int Unlabelled = 1, Labelled = 2, LabelColumns = 2;
    private const int PreludeBytes = 64;
    private const int MaxHeaderBytes = 256 << 20;

    private static ReadOnlySpan<byte> Magic => "SSLPTILE"u8;

    /// <summary>Writes under a temporary name, flushes, renames: a reader sees the old manifest or the new one.</summary>
    public static void Write(TileManifest manifest, string path)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(manifest.Header, ManifestJson.Default.ManifestHeader);
        byte[] header = new byte[(json.Length + 7) / 8 * 8];
        header.AsSpan().Fill((byte)' ');
        json.CopyTo(header, 0);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        PatchTable table = manifest.Table;
        byte[] prelude = new byte[PreludeBytes];
        Magic.CopyTo(prelude);
        BinaryPrimitives.WriteInt32LittleEndian(prelude.AsSpan(8), table.Classes is null ? Unlabelled : Labelled);
        BinaryPrimitives.WriteInt32LittleEndian(prelude.AsSpan(12), header.Length);
        BinaryPrimitives.WriteInt64LittleEndian(prelude.AsSpan(16), table.Count);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(prelude);
            Append(stream, header);
            Append(stream, MemoryMarshal.AsBytes(table.SlideOf));
            Append(stream, MemoryMarshal.AsBytes(table.Col));
            Append(stream, MemoryMarshal.AsBytes(table.Row));
            if (table.Classes is not null)
            {
                Append(stream, MemoryMarshal.AsBytes(table.LabelOf));
                Append(stream, MemoryMarshal.AsBytes(manifest.LabelShares));
            }
            hash.GetHashAndReset(prelude.AsSpan(24, 32));
            stream.Position = 0;
            stream.Write(prelude);
        });

        void Append(Stream stream, ReadOnlySpan<byte> bytes)
        {
            hash.AppendData(bytes);
            stream.Write(bytes);
        }
    }

    /// <summary>Maps a manifest and verifies its checksum.</summary>
    /// <exception cref="Fault">Not a manifest, of another version, cut short or altered.</exception>
    public static TileManifest Open(string path)
    {
        long length = File.Exists(path) ? new FileInfo(path).Length
            : throw new Fault(FaultKind.Input, $"There is no manifest {path}; make one with sslp tile.");
        if (length < PreludeBytes)
            throw new Fault(FaultKind.Input, $"{path} is not a tile manifest.");
        var mapping = new MappedBytes(path, length);
        try
        {
            return Read(path, length, mapping);
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    private static TileManifest Read(string path, long length, MappedBytes mapping)
    {
        ReadOnlySpan<byte> prelude = mapping.Bytes(0, PreludeBytes);
        if (!prelude.StartsWith(Magic))
            throw new Fault(FaultKind.Input, $"{path} is not a tile manifest.");
        int version = BinaryPrimitives.ReadInt32LittleEndian(prelude[8..]);
        if (version is not (Unlabelled or Labelled))
            throw new Fault(FaultKind.Input,
                $"{path} is a manifest of version {version}; this program reads {Unlabelled} and {Labelled}. Tile the slides again.");
        int headerBytes = BinaryPrimitives.ReadInt32LittleEndian(prelude[12..]);
        long patches = BinaryPrimitives.ReadInt64LittleEndian(prelude[16..]);
        bool fits = headerBytes is >= 0 and <= MaxHeaderBytes && patches is >= 0 and <= int.MaxValue
            && length == PreludeBytes + headerBytes + (patches * (version == Labelled ? 3 + LabelColumns : 3) * sizeof(int));
        if (!fits || !mapping.Hash(PreludeBytes, length).SequenceEqual(prelude.Slice(24, 32)))
            throw new Fault(FaultKind.Data, $"{path} is damaged (its length or checksum does not match); tile the slides again.");
        if (JsonFile.Parse(mapping.Bytes(PreludeBytes, headerBytes), ManifestJson.Default.ManifestHeader) is not ({ } header, null))
            throw new Fault(FaultKind.Data, $"{path} has a header that is none of a manifest; tile the slides again.");
        if (header.Slides.Any(slide => slide is null) || header.LeftOut.Any(slide => slide is null) || header.PatchSize <= 0
            || !(header.Mpp > 0)
            || header.Slides.Any(slide => !(slide.MppX > 0) || !(slide.MppY > 0) || slide.Patches < 0)
            || header.Slides.Sum(slide => (long)slide.Patches) != patches)
            throw new Fault(FaultKind.Data, $"{path} says of its slides what can't be (sizes, counts); tile the slides again.");
        try
        {
            return Table(header, mapping, version, patches, headerBytes);
        }
        catch (ArgumentException fault)
        {
            throw new Fault(FaultKind.Data,
                $"{path} has columns that fit its slides and classes not: {fault.Message} Tile the slides again.", fault);
        }
    }

    private static TileManifest Table(ManifestHeader header, MappedBytes mapping, int version, long patches, int headerBytes)
    {
        long columns = PreludeBytes + headerBytes, column = patches * sizeof(int);
        CategoryColumn? labels = version == Labelled && header.Classes is { } classes
            ? new(classes, mapping.Column<int>(columns + (3 * column), (int)patches)) : null;
        PatchTable table = TileManifest.TableOf(header.Slides, mapping.Column<int>(columns, (int)patches),
            mapping.Column<int>(columns + column, (int)patches), mapping.Column<int>(columns + (2 * column), (int)patches), labels);
        return new(header, table, mapping, labels is null ? default : mapping.Column<float>(columns + (4 * column), (int)patches));
    }
}

/// <summary>A file mapped read-only.</summary>
internal sealed unsafe class MappedBytes : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private bool _disposed;

    public MappedBytes(string path, long length)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    public ReadOnlySpan<byte> Bytes(long offset, int count) => new(Start + offset, count);

    public ReadOnlyMemory<T> Column<T>(long offset, int count)
        where T : unmanaged => new MappedColumn<T>(this, offset, count).Memory;

    public byte[] Hash(long from, long to)
    {
        const int Chunk = 64 << 20;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (; from < to; from += Chunk)
            hash.AppendData(Bytes(from, (int)Math.Min(Chunk, to - from)));
        return hash.GetHashAndReset();
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private byte* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _start;
        }
    }

    private sealed class MappedColumn<T>(MappedBytes file, long offset, int count) : MemoryManager<T>
        where T : unmanaged
    {
        public override Span<T> GetSpan() => new(file.Start + offset, count);

        public override MemoryHandle Pin(int elementIndex = 0) => new((T*)(file.Start + offset) + elementIndex);

        public override void Unpin() { }

        protected override void Dispose(bool disposing) { }
    }
}
