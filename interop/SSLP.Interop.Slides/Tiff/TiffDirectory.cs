using System.Text;
using System.Text.Unicode;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// One image file directory: where each tag's values lie. Values are read when asked for, and only if the whole array lies inside of the
/// file, so that no claim of a header can cost more memory than the file has bytes.
/// </summary>
/// <remarks>
/// Own parser and not a TIFF library's: those keep one directory current at a time, behind one file position, and hold every tag in memory;
/// here thousands of slides are open and every thread reads where it likes.
/// </remarks>
internal sealed class TiffDirectory
{
    private readonly record struct Entry(int Type, ulong Count, long Offset);

    /// <summary>How far into a text the marks of vendors are looked for: XML begins with a declaration and comments.</summary>
    private const int MarkBytes = 1 << 16;

    private readonly TiffFile _file;
    private readonly Dictionary<TiffTag, Entry> _entries = [];

    private TiffDirectory(TiffFile file) => _file = file;

    /// <summary>Reads the chain of directories that starts at the file's header, as far as it goes.</summary>
    /// <param name="file">The file.</param>
    /// <param name="broken">Why the chain ends where it should not; null where it ends well. What was read before serves.</param>
    /// <exception cref="SlideException">Not even the first directory can be read.</exception>
    public static List<TiffDirectory> ReadAll(TiffFile file, out string? broken)
    {
        long next = file.ReadHeader();
        var directories = new List<TiffDirectory>();
        var seen = new HashSet<long>();
        broken = null;
        while (next != 0 && broken is null)
        {
            broken = !seen.Add(next) ? "has directories that form a loop"
                : directories.Count == TiffLimits.Directories ? $"has more than {TiffLimits.Directories} directories"
                : null;
            if (broken is null)
                broken = TryRead(file, ref next, directories);
        }
        return directories.Count > 0 ? directories : throw file.Fault(SlideFault.Corrupt, "lists no image; copy the file again");
    }

    private static string? TryRead(TiffFile file, ref long next, List<TiffDirectory> directories)
    {
        long offset = next;
        try
        {
            directories.Add(Read(file, offset, out next));
            return null;
        }
        catch (SlideException fault) when (directories.Count > 0 && fault.Fault is SlideFault.Truncated or SlideFault.Corrupt)
        {
            return $"has a directory at byte {offset} that can't be read";
        }
    }

    /// <summary>Reads one directory and the place of the one after it (0 at the end).</summary>
    public static TiffDirectory Read(TiffFile file, long offset, out long next)
    {
        int countBytes = file.Big ? 8 : 2, entryBytes = file.Big ? 20 : 12, offsetBytes = file.Big ? 8 : 4;
        Span<byte> word = stackalloc byte[8];
        file.Read(offset, word[..countBytes]);
        ulong count = file.Value(word[..countBytes]);
        if (count is 0 or > TiffLimits.EntriesPerDirectory)
            throw file.Fault(SlideFault.Corrupt, $"has a directory with {count} entries; copy the file again");

        byte[] table = new byte[((int)count * entryBytes) + offsetBytes];
        file.Read(offset + countBytes, table);
        var directory = new TiffDirectory(file);
        for (int i = 0; i < (int)count; i++)
        {
            Span<byte> entry = table.AsSpan(i * entryBytes, entryBytes);
            long valueOffset = offset + countBytes + (i * entryBytes) + 4 + offsetBytes;
            directory.Add(entry, valueOffset, offsetBytes);
        }
        // A place that no file has is one more directory that can't be read, and no fault of this one.
        next = (long)Math.Min(file.Value(table.AsSpan(^offsetBytes..)), long.MaxValue / 2);
        return directory;
    }

    public bool Has(TiffTag tag) => _entries.ContainsKey(tag);

    /// <summary>How many values the tag has; 0 where it is absent.</summary>
    public long Count(TiffTag tag) => _entries.TryGetValue(tag, out Entry entry) ? (long)Math.Min(entry.Count, long.MaxValue) : 0;

    /// <summary>The first value of an integer tag, or the default where it is absent.</summary>
    public long Integer(TiffTag tag, long absent) => _entries.ContainsKey(tag) ? Integers(tag, 1)[0] : absent;

    /// <summary>The first <paramref name="count"/> values of an integer tag.</summary>
    public long[] Integers(TiffTag tag, long count)
    {
        (Entry entry, int size) = Find(tag);
        if (entry.Type is not (1 or 3 or 4 or 6 or 8 or 9 or 13 or 16 or 17 or 18) || entry.Count < (ulong)count)
            throw _file.Fault(SlideFault.Corrupt,
                $"has {entry.Count} values of TIFF type {entry.Type} in tag {tag} where {count} whole numbers are needed; copy the file " +
                $"again");
        byte[] bytes = Bytes(entry, size, count);
        long[] values = new long[count];
        for (int i = 0; i < values.Length; i++)
            values[i] = _file.Offset(bytes.AsSpan(i * size, size));
        // Numbers with a sign serve as long as they have none that shows.
        if (entry.Type is 6 or 8 or 9 && Array.Exists(values, value => value >> ((size * 8) - 1) != 0))
            throw _file.Fault(SlideFault.Corrupt, $"has a negative number in tag {tag}; copy the file again");
        return values;
    }

    /// <summary>The first value of a tag of any number type; null where the tag is absent, no number, or divided by zero.</summary>
    public double? Number(TiffTag tag)
    {
        if (!_entries.TryGetValue(tag, out Entry entry) || entry.Count == 0 || SizeOf(entry.Type) is not (> 0 and var size)
            || entry.Offset > _file.Length - size)
            return null;
        byte[] bytes = Bytes(entry, size, 1);
        ulong value = _file.Value(bytes);
        return entry.Type switch
        {
            1 or 3 or 4 or 13 or 16 or 18 => value,
            6 => (sbyte)value,
            8 => (short)value,
            9 => (int)value,
            17 => (long)value,
            5 => Ratio(_file.Value(bytes.AsSpan(0, 4)), _file.Value(bytes.AsSpan(4, 4))),
            10 => Ratio((int)_file.Value(bytes.AsSpan(0, 4)), (int)_file.Value(bytes.AsSpan(4, 4))),
            11 => BitConverter.UInt32BitsToSingle((uint)value),
            12 => BitConverter.UInt64BitsToDouble(value),
            _ => null,
        };

        static double? Ratio(double numerator, double denominator) => denominator == 0 ? null : numerator / denominator;
    }

    /// <summary>Whether the first value of a tag is nothing but zeros.</summary>
    public bool IsZero(TiffTag tag) =>
        _entries.TryGetValue(tag, out Entry entry) && SizeOf(entry.Type) is > 0 and var size
        && (entry.Count == 0 || (entry.Offset <= _file.Length - size && !Bytes(entry, size, 1).AsSpan().ContainsAnyExcept((byte)0)));

    /// <summary>A text up to its first zero byte; null where the tag is absent. Text that is not UTF-8 is taken for Latin-1.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="most">Bytes to read at most; the rest is cut.</param>
    public string? Text(TiffTag tag, int most = TiffLimits.TextBytes)
    {
        if (!_entries.TryGetValue(tag, out Entry entry) || entry.Type is not (1 or 2 or 7))
            return null;
        byte[] bytes = Bytes(entry, 1, (long)Math.Min(entry.Count, (ulong)most));
        int end = Array.IndexOf(bytes, (byte)0);
        Span<byte> text = bytes.AsSpan(0, end < 0 ? bytes.Length : end);
        // A cut may fall inside of a character.
        bool whole = (ulong)most >= entry.Count;
        return whole && !Utf8.IsValid(text) ? Encoding.Latin1.GetString(text) : Encoding.UTF8.GetString(text);
    }

    /// <summary>Whether a mark stands near the beginning of the tag's text; the rest is not read.</summary>
    public bool TextHas(TiffTag tag, string mark) =>
        Text(tag, MarkBytes)?.Contains(mark, StringComparison.Ordinal) == true;

    /// <summary>Raw bytes of a tag, or empty where it is absent.</summary>
    public byte[] Bytes(TiffTag tag, int most)
    {
        if (!_entries.TryGetValue(tag, out Entry entry))
            return [];
        if (entry.Type is not (1 or 2 or 7) || entry.Count > (ulong)most)
            throw _file.Fault(SlideFault.Corrupt, $"has {entry.Count} values of TIFF type {entry.Type} in tag {tag}; copy the file again");
        return Bytes(entry, 1, (long)entry.Count);
    }

    private void Add(ReadOnlySpan<byte> entry, long valueOffset, int offsetBytes)
    {
        int type = (int)_file.Value(entry.Slice(2, 2));
        ulong count = _file.Value(entry.Slice(4, offsetBytes));
        int size = SizeOf(type);
        bool inline = size > 0 && count <= (ulong)(offsetBytes / size);
        long offset = inline ? valueOffset : (long)Math.Min(_file.Value(entry.Slice(4 + offsetBytes, offsetBytes)), long.MaxValue / 2);
        // The first of a repeated tag counts, as in libtiff.
        _entries.TryAdd((TiffTag)_file.Value(entry[..2]), new Entry(type, count, offset));
    }

    private (Entry Entry, int Size) Find(TiffTag tag) =>
        _entries.TryGetValue(tag, out Entry entry)
            ? (entry, SizeOf(entry.Type))
            : throw _file.Fault(SlideFault.Corrupt, $"lacks tag {tag}; copy the file again");

    private byte[] Bytes(Entry entry, int size, long count)
    {
        if (entry.Offset > _file.Length || count > (_file.Length - entry.Offset) / size)
            throw _file.Fault(SlideFault.Truncated,
                $"ends at byte {_file.Length} where its directory lists {count} values from byte {entry.Offset}; copy the file again");
        byte[] bytes = new byte[count * size];
        _file.Read(entry.Offset, bytes);
        return bytes;
    }

    private static int SizeOf(int type) => type switch
    {
        1 or 2 or 6 or 7 => 1,
        3 or 8 => 2,
        4 or 9 or 11 or 13 => 4,
        5 or 10 or 12 or 16 or 17 or 18 => 8,
        _ => 0,
    };
}
