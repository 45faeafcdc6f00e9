using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>Positional reads of a file, never outside of it. No shared position: any number of threads read at once.</summary>
internal sealed class TiffFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    public TiffFile(string path, TiffSharing sharing)
    {
        Path = path;
        Sharing = sharing;
        try
        {
            _handle = File.OpenHandle(path, options: FileOptions.RandomAccess);
            Length = RandomAccess.GetLength(_handle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _handle?.Dispose();
            throw new SlideException(
                path, SlideFault.NotReadable, $"can't be opened ({e.Message.TrimEnd('.')}); check the rights and the disk");
        }
    }

    public string Path { get; }

    /// <summary>What its images share with other slides.</summary>
    public TiffSharing Sharing { get; }

    /// <summary>Bytes, when it was opened.</summary>
    public long Length { get; }

    /// <summary>Whether values are stored highest byte first ("MM").</summary>
    public bool BigEndian { get; private set; }

    /// <summary>Whether offsets have 64 bits (BigTIFF).</summary>
    public bool Big { get; private set; }

    /// <summary>Fills the span from the file.</summary>
    public void Read(long offset, Span<byte> into)
    {
        if (offset < 0 || into.Length > Length - offset)
            throw Fault(SlideFault.Truncated,
                $"ends at byte {Length} where bytes {offset} to {offset + into.Length} should follow; copy the file again");
        try
        {
            while (into.Length > 0)
            {
                int read = RandomAccess.Read(_handle, into, offset);
                if (read == 0)
                    throw Fault(SlideFault.Truncated, "became shorter while it was read; copy the file again");
                into = into[read..];
                offset += read;
            }
        }
        catch (IOException e)
        {
            throw Fault(SlideFault.NotReadable, $"can't be read ({e.Message.TrimEnd('.')}); check the disk or the network share");
        }
    }

    /// <summary>Reads the header and returns the place of the first directory.</summary>
    public long ReadHeader()
    {
        Span<byte> header = stackalloc byte[16];
        header = header[..(int)Math.Min(16, Length)];
        Read(0, header);
        if (header.Length < 8 || !(header.StartsWith("II"u8) || header.StartsWith("MM"u8)))
            throw Fault(SlideFault.NotASlide, Describe(header));
        BigEndian = header[0] == (byte)'M';
        int version = (int)Value(header.Slice(2, 2));
        if (version is not (42 or 43))
            throw Fault(SlideFault.NotASlide, Describe(header));
        Big = version == 43;
        if (!Big)
            return (long)Value(header.Slice(4, 4));
        if (header.Length < 16 || Value(header.Slice(4, 2)) != 8 || Value(header.Slice(6, 2)) != 0)
            throw Fault(SlideFault.Corrupt, "has a broken BigTIFF header; copy the file again");
        return Offset(header.Slice(8, 8));
    }

    /// <summary>An unsigned value of 1, 2, 4 or 8 bytes in the file's byte order.</summary>
    public ulong Value(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        1 => bytes[0],
        2 => BigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        4 => BigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BigEndian ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };

    /// <summary>As <see cref="Value"/>, for a place in the file.</summary>
    public long Offset(ReadOnlySpan<byte> bytes)
    {
        ulong offset = Value(bytes);
        return offset <= long.MaxValue / 2
            ? (long)offset
            : throw Fault(SlideFault.Corrupt, $"points to byte {offset}, which no file has; copy the file again");
    }

    public SlideException Fault(SlideFault fault, string reason) => new(Path, fault, reason);

    public void Dispose() => _handle.Dispose();

    private static string Describe(ReadOnlySpan<byte> header) =>
        header.IsEmpty ? "is empty; copy the file again"
        : header.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G'])
            || header.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])
            ? "is a plain PNG or JPEG image, not a slide; pass plain images as a patches folder"
        : header.StartsWith("version http"u8) ? "is a pointer of Git LFS and not the slide; fetch it with git lfs pull"
        : header.TrimStart(" \r\n\t\uFEFF"u8).StartsWith("<"u8) ? "is a web page or XML and not a slide; download the slide again"
        : header.StartsWith("PK\x03\x04"u8) || header.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B])
            ? "is an archive (ZIP or gzip); unpack it"
        : "is not a TIFF file; check that it is a whole-slide image and complete";
}
