using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Xml;
using SSLP.Data.Files;

namespace SSLP.Data.Annotations;

/// <summary>
/// Areas drawn on one slide, from QuPath's GeoJSON (as it is, zipped or gzipped) or ASAP's XML, told by content. What the file holds
/// besides areas is counted in <see cref="LeftOut"/>; what can't be understood is a fault.
/// </summary>
internal sealed class SlideAnnotations
{
    /// <summary>Unpacked; a real file of 12,000 outlines has some tens of megabytes.</summary>
    private const long MaxBytes = 1L << 30;

    private SlideAnnotations(AreaList areas, bool countsFromBounds)
    {
        Areas = areas.Areas;
        LeftOut = areas.LeftOut;
        CountsFromBounds = countsFromBounds;
    }

    public IReadOnlyList<AnnotatedArea> Areas { get; private init; }

    /// <summary>What is no area, a phrase a kind, with its count.</summary>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>Whether the program that wrote it counts from the slide's bounds where it has some, as QuPath does, and not from its
    /// corner.</summary>
    public bool CountsFromBounds { get; }

    /// <param name="path">The file.</param>
    /// <param name="stem">The slide's name, which a file in an archive of several must have.</param>
    /// <exception cref="Fault">It can't be read, is no file of annotations, or names no area.</exception>
    public static SlideAnnotations Read(string path, string stem)
    {
        try
        {
            var areas = new AreaList(path);
            ReadOnlyMemory<byte> bytes = Utf8(Unpacked(path, stem));
            bool xml = FirstCharacter(bytes.Span) == '<';
            if (xml)
                AsapAnnotations.Read(new MemoryStream(bytes.ToArray(), writable: false), areas);
            else
                GeoJsonAnnotations.Read(bytes, areas);
            if (areas.Areas.Count == 0)
                throw new Fault(FaultKind.Input,
                    $"{path} names no area{(areas.LeftOut.Count > 0 ? $": {string.Join(", ", areas.LeftOut)}" : "")}.");
            return new(areas, countsFromBounds: !xml);
        }
        catch (Exception e) when (e is JsonException or XmlException or InvalidOperationException or KeyNotFoundException or FormatException
            or InvalidDataException
            or IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Input, $"{path} can't be read as QuPath's GeoJSON or ASAP's XML: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <summary>The same areas, moved.</summary>
    public SlideAnnotations Shifted(double x, double y) => x == 0 && y == 0 ? this
        : new(this) { Areas = [.. Areas.Select(area => area with { Polygon = area.Polygon.Shifted(x, y) })] };

    private SlideAnnotations(SlideAnnotations other) =>
        (Areas, LeftOut, CountsFromBounds) = (other.Areas, other.LeftOut, other.CountsFromBounds);

    private static byte[] Unpacked(string path, string stem)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> magic = stackalloc byte[4];
        int got = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        file.Position = 0;
        if (got >= 2 && magic[0] == 0x1F && magic[1] == 0x8B)
            return All(new GZipStream(file, CompressionMode.Decompress));
        if (!magic.StartsWith("PK"u8))
            return All(file);
        using var zip = new ZipArchive(file, ZipArchiveMode.Read);
        ZipArchiveEntry[] entries = [.. zip.Entries.Where(entry => entry.Name.Length > 0 && !Companions.IsOne(entry.FullName))];
        ZipArchiveEntry[] own = entries.Length <= 1 ? entries
            : [.. entries.Where(entry => entry.Name.StartsWith(stem + ".", StringComparison.Ordinal))];
        return own.Length == 1 ? All(own[0].Open())
            : throw new FormatException(
                $"the archive holds {entries.Length} files and {own.Length} of the slide's name; it should hold one");
    }

    private static byte[] All(Stream stream)
    {
        using (stream)
        {
            var bytes = new MemoryStream();
            byte[] block = new byte[1 << 16];
            for (int got; (got = stream.Read(block)) > 0; bytes.Write(block, 0, got))
                if (bytes.Length > MaxBytes)
                    throw new FormatException($"it unpacks to more than {MaxBytes >> 20} MiB");
            return bytes.ToArray();
        }
    }

    /// <summary>Without a byte order mark; UTF-16 and UTF-32 are told by theirs.</summary>
    private static ReadOnlyMemory<byte> Utf8(byte[] bytes)
    {
        if (bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble))
            return bytes.AsMemory(Encoding.UTF8.Preamble.Length);
        if (bytes.Length < 2 || !((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF)))
            return bytes;
        using var reader = new StreamReader(new MemoryStream(bytes), Encoding.UTF8, detectEncodingFromByteOrderMarks: true);
        string text = reader.ReadToEnd();
        // The declaration of an XML file would contradict what it is now.
        return Encoding.UTF8.GetBytes(text.StartsWith("<?xml", StringComparison.Ordinal)
            ? text[(text.IndexOf("?>", StringComparison.Ordinal) + 2)..] : text);
    }

    private static char FirstCharacter(ReadOnlySpan<byte> bytes)
    {
        int at = bytes.IndexOfAnyExcept(" \t\r\n"u8);
        return at < 0 ? '\0' : (char)bytes[at];
    }
}
