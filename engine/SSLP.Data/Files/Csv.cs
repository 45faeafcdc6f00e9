using System.Text;

namespace SSLP.Data.Files;

/// <summary>A small table with a header line (RFC 4180: commas, optional double quotes; a field stays on its line).</summary>
internal sealed class Csv
{
    private readonly Dictionary<string, int> _columns;

    private Csv(string path, Dictionary<string, int> columns, List<string[]> rows)
    {
        Path = path;
        _columns = columns;
        Rows = rows;
    }

    public string Path { get; }

    public IReadOnlyList<string[]> Rows { get; }

    /// <exception cref="Fault">Empty, or a line with another number of fields than the header.</exception>
    public static Csv Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Input, $"{path} could not be read: {e.Message}", e);
        }
        if (lines.Length == 0)
            throw new Fault(FaultKind.Input, $"{path} is empty; its first line must name the columns.");
        string[] header = Fields(lines[0]);
        var columns = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (int i = 0; i < header.Length; i++)
            columns.TryAdd(header[i].Trim(), i);
        var rows = new List<string[]>(lines.Length);
        for (int line = 1; line < lines.Length; line++)
        {
            if (string.IsNullOrWhiteSpace(lines[line]))
                continue;
            string[] fields = Fields(lines[line]);
            if (fields.Length != header.Length)
                throw new Fault(FaultKind.Input, $"{path} line {line + 1} has {fields.Length} fields; the header has {header.Length}.");
            rows.Add(fields);
        }
        return new(path, columns, rows);
    }

    /// <summary>Index of a column, or -1.</summary>
    public int Find(string name) => _columns.GetValueOrDefault(name, -1);

    /// <exception cref="Fault">No such column.</exception>
    public int Require(string name) => Find(name) is >= 0 and int column
        ? column
        : throw new Fault(FaultKind.Input, $"{Path} has no column '{name}'; its columns are {string.Join(", ", _columns.Keys)}.");

    /// <summary>Quotes a field where it needs it.</summary>
    public static string Quote(string field) =>
        field.AsSpan().ContainsAny(",\"\n\r") ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;

    private static string[] Fields(string line)
    {
        if (!line.Contains('"'))
            return line.Split(',');
        var fields = new List<string>();
        var field = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (c == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"')
                field.Append(line[++i]);
            else if (c == '"')
                quoted = !quoted;
            else if (c == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
                field.Append(c);
        }
        fields.Add(field.ToString());
        return [.. fields];
    }
}
