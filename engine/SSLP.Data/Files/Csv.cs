using System.Text;
using nietras.SeparatedValues;

namespace SSLP.Data.Files;

/// <summary>
/// A list with a header line, read line by line: what a spreadsheet, a table program or a hand writes. The delimiter (comma, semicolon,
/// tab, bar) is the one that the header has most of, or a first line <c>sep=;</c> names; text is UTF-8, or UTF-16 with or without its mark;
/// fields may be quoted, from their beginning; empty lines, and empty fields behind the header's last, count for nothing.
/// </summary>
internal sealed class Csv : IDisposable
{
    private const string Delimiters = ",;\t|";

    private readonly SepReader _reader;
    private readonly TextReader _text;
    private readonly List<string> _columns = [];
    private readonly int _skipped;

    private Csv(string path, TextReader text, char delimiter, int skipped)
    {
        (Path, Delimiter, _text, _skipped) = (path, delimiter, text, skipped);
        for (int line = 0; line < skipped; line++)
            text.ReadLine();
        _reader = Sep.New(delimiter)
            .Reader(o => o with { HasHeader = false, Unescape = true, DisableColCountCheck = true, DisableFastFloat = true })
            .From(text);
        try
        {
            ReadHeader();
        }
        catch
        {
            // Nobody else has it yet: without this the file stays open until a collection.
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>What divides the fields.</summary>
    public char Delimiter { get; }

    /// <summary>Names of the columns as they are written.</summary>
    public IReadOnlyList<string> Columns => _columns;

    /// <summary>Line of the file, from 1.</summary>
    public int Line => _reader.Current.LineNumberFrom + _skipped;

    /// <exception cref="Fault">No such file, nothing in it, or no text.</exception>
    public static Csv Open(string path)
    {
        if (Directory.Exists(path))
            throw new Fault(FaultKind.Input, $"{path} is a folder; a list is a file whose first line names its columns.");
        try
        {
            Encoding encoding = EncodingOf(path);
            (char delimiter, int skipped) = Header(path, encoding);
            return new(path, new StreamReader(path, encoding), delimiter, skipped);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new Fault(FaultKind.Input, $"{path} could not be read: there is no such file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Input, $"{path} could not be read: {e.Message}", e);
        }
        catch (DecoderFallbackException e)
        {
            throw NoText(path, e);
        }
    }

    /// <summary>Goes to the next line that holds anything.</summary>
    /// <exception cref="Fault">It has more fields than the header or fewer.</exception>
    public bool Read()
    {
        while (MoveNext())
        {
            int filled = _reader.Current.ColCount;
            while (filled > 0 && (filled > _columns.Count || filled == 1) && _reader.Current[filled - 1].Span.IsWhiteSpace())
                filled--;
            if (filled == 0 || IsBlank())
                continue;
            return filled == _columns.Count ? true
                : throw new Fault(FaultKind.Input, $"{Path} line {Line} has {filled} fields; the header has {_columns.Count}.");
        }
        return false;
    }

    /// <summary>A field of this line, without blanks around it.</summary>
    public string Text(int column) => _reader.Current[column].Span.Trim().ToString();

    /// <summary>A field of this line, or null where the file has no such column.</summary>
    public string? TextOrNull(int column) => column < 0 ? null : Text(column);

    /// <summary>A field as a number; false where it is none, or can be read as two.</summary>
    public bool TryNumber(int column, out double value) =>
        SpreadsheetNumber.TryParse(_reader.Current[column].Span.Trim(), Delimiter, out value);

    /// <summary>Why a field is no number, for the end of a sentence.</summary>
    public string WhyNoNumber(int column) => $"no number{(SpreadsheetNumber.IsOfTwoMeanings(_reader.Current[column].Span.Trim(), Delimiter)
        ? ", or can be read as two" : "")}";

    /// <summary>A field as a whole number, which a table program may have written 1.0.</summary>
    public bool TryWhole(int column, out int value)
    {
        bool whole = TryNumber(column, out double number) && Math.Floor(number) == number && Math.Abs(number) <= int.MaxValue;
        value = whole ? (int)number : 0;
        return whole;
    }

    /// <summary>Index of the first of these columns that is there, or -1. Case, blanks and hyphens in a name do not count.</summary>
    /// <exception cref="Fault">It is there twice.</exception>
    public int Find(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            int at = _columns.FindIndex(column => Plain(column) == name);
            if (at >= 0 && _columns.FindIndex(at + 1, column => Plain(column) == name) >= 0)
                throw new Fault(FaultKind.Input, $"{Path} has two columns '{_columns[at]}'; keep one.");
            if (at >= 0)
                return at;
        }
        return -1;
    }

    /// <exception cref="Fault">None of these columns is there.</exception>
    public int Require(params ReadOnlySpan<string> names) => Find(names) is >= 0 and int column
        ? column
        : throw new Fault(FaultKind.Input,
            $"{Path} has no column '{names[0]}'{(names.Length > 1 ? $" (nor {string.Join(", ", names[1..].ToArray())})" : "")}; "
            + $"its columns are {string.Join(", ", _columns)}.");

    public void Dispose()
    {
        _reader.Dispose();
        _text.Dispose();
    }

    /// <summary>Opens a writer: commas, quotes where a field needs them, a line feed after each line.</summary>
    public static SepWriter Writer(Stream stream) => Sep.New(',').Writer(o => o with { Escape = true })
        .To(new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" }, leaveOpen: false);

    private static string Plain(string name) => name.ToLowerInvariant().Replace(' ', '_').Replace('-', '_');

    private void ReadHeader()
    {
        if (!MoveNext())
            throw Empty(Path);
        for (int i = 0; i < _reader.Current.ColCount; i++)
            _columns.Add(_reader.Current[i].Span.Trim().ToString());
        while (_columns.Count > 1 && _columns[^1].Length == 0)
            _columns.RemoveAt(_columns.Count - 1);
    }

    private bool IsBlank()
    {
        for (int i = 0; i < _reader.Current.ColCount; i++)
            if (!_reader.Current[i].Span.IsWhiteSpace())
                return false;
        return true;
    }

    private bool MoveNext()
    {
        try
        {
            if (!_reader.MoveNext())
                return false;
            if (_reader.Current.Span.Contains('"') && !IsQuotedWell(_reader.Current.Span, Delimiter, _reader.Current.ColCount))
                throw new Fault(FaultKind.Input,
                    $"{Path} line {(_columns.Count == 0 ? _skipped + 1 : Line)} has a quote that is not closed, or "
                    + "stands inside of a field: a field with a quote in it is written in quotes, and that quote twice.");
            return true;
        }
        catch (DecoderFallbackException e)
        {
            throw NoText(Path, e);
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException or ArgumentException or IOException)
        {
            throw new Fault(FaultKind.Input, $"{Path} could not be read after line {Line}: {e.Message}", e);
        }
    }

    /// <summary>
    /// The library takes whatever lies between two quotes for one field, so that an inch mark, or a quote that nobody closed, makes the
    /// lines down to the next one a part of it. Here a quote opens a field only at its beginning.
    /// </summary>
    /// <param name="line">As it stands in the file.</param>
    /// <param name="delimiter">Between fields.</param>
    /// <param name="fields">How many the library found.</param>
    private static bool IsQuotedWell(ReadOnlySpan<char> line, char delimiter, int fields)
    {
        int found = 1;
        for (int at = 0; ; at++, found++)
        {
            int opens = line[at..].IndexOfAnyExcept(' '), behind = at;
            bool isQuoted = opens >= 0 && line[at + opens] == '"';
            if (isQuoted)
            {
                int close = at + opens + 1;
                while (close < line.Length && (line[close] != '"' || (close + 1 < line.Length && line[close + 1] == '"')))
                    close += line[close] == '"' ? 2 : 1;
                if (close >= line.Length)
                    return false;
                behind = close + 1;
            }
            int end = line[behind..].IndexOf(delimiter);
            ReadOnlySpan<char> rest = end < 0 ? line[behind..] : line.Slice(behind, end);
            if (isQuoted ? !rest.IsWhiteSpace() : rest.IndexOfAny('\n', '\r') >= 0)
                return false;
            if (end < 0)
                return found == fields;
            at = behind + end;
        }
    }

    private static Fault Empty(string path) => new(FaultKind.Input, $"{path} is empty; its first line must name the columns.");

    private static Fault NoText(string path, Exception e) =>
        new(FaultKind.Input, $"{path} is neither UTF-8 nor UTF-16 text; save it as 'CSV UTF-8'.", e);

    /// <summary>UTF-32 shows by its mark, which begins as UTF-16's does; UTF-16 without its mark by the zero bytes of its plain letters;
    /// else UTF-8, and a mark at the front decides before both.</summary>
    private static Encoding EncodingOf(string path)
    {
        Span<byte> head = stackalloc byte[64];
        using FileStream file = File.OpenRead(path);
        head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE, 0, 0]) || head.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xFE, 0xFF]))
            return new UTF32Encoding(head[0] == 0, true, true);
        int even = 0, odd = 0;
        for (int i = 0; i < head.Length; i++)
            if (head[i] == 0)
                _ = i % 2 == 0 ? even++ : odd++;
        return odd > head.Length / 4 ? new UnicodeEncoding(false, true, true)
            : even > head.Length / 4 ? new UnicodeEncoding(true, true, true)
            : new UTF8Encoding(false, true);
    }

    private static char Named(string path, char delimiter)
    {
        try
        {
            return Sep.New(delimiter).Separator;
        }
        catch (ArgumentException e)
        {
            throw new Fault(FaultKind.Input,
                $"{path} names a delimiter in its first line ('sep=') that can't be one: {e.Message}; " +
                "take a comma, a semicolon or a tab.", e);
        }
    }

    /// <summary>The delimiter, and how many lines stand before the header.</summary>
    private static (char Delimiter, int Skipped) Header(string path, Encoding encoding)
    {
        using var text = new StreamReader(path, encoding);
        string? line = text.ReadLine();
        int skipped = 0;
        if (line is { Length: 5 } && line.StartsWith("sep=", StringComparison.OrdinalIgnoreCase))
            return (Named(path, line[4]), 1);
        for (; line is not null && string.IsNullOrWhiteSpace(line); skipped++)
            line = text.ReadLine();
        if (line is null)
            throw Empty(path);
        int[] counts = new int[Delimiters.Length];
        bool quoted = false;
        foreach (char c in line)
        {
            quoted ^= c == '"';
            if (!quoted && Delimiters.IndexOf(c) is >= 0 and int which)
                counts[which]++;
        }
        return (Delimiters[Array.IndexOf(counts, counts.Max())], skipped);
    }
}
