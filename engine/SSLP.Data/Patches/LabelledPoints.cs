using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Points with a class on slides, from a CSV file: columns slide, x, y (level-0 pixels of a patch's centre), label, and where they are
/// there split, col and row; further columns are ignored. Without col and row the table's are the rounded x and y, so that points keep
/// different places; such points are for evaluation, not for spatial sets, and the table says so.
/// </summary>
public sealed class LabelledPoints
{
    internal LabelledPoints(string path, PatchTable table, double[] x, double[] y)
    {
        Path = path;
        Table = table;
        X = x;
        Y = y;
    }

    /// <summary>The file or folder they were read from.</summary>
    public string Path { get; }

    public PatchTable Table { get; }

    /// <summary>Centre of every point, level-0 pixels across.</summary>
    public IReadOnlyList<double> X { get; }

    /// <summary>Centre of every point, level-0 pixels down.</summary>
    public IReadOnlyList<double> Y { get; }

    /// <exception cref="Fault">A column is missing, a number is none, or two points share a place.</exception>
    public static LabelledPoints Read(string path)
    {
        Csv csv = Csv.Read(path);
        int slide = csv.Require("slide"), x = csv.Require("x"), y = csv.Require("y"), label = csv.Require("label");
        int split = csv.Find("split"), col = csv.Find("col"), row = csv.Find("row");
        if (csv.Rows.Count == 0)
            throw new Fault(FaultKind.Input, $"{path} names no points.");
        bool placed = col >= 0 && row >= 0;
        double[] xs = Column(csv, x, "x"), ys = Column(csv, y, "y");
        int[] cols = Rounded(placed ? Column(csv, col, "col") : xs), rows = Rounded(placed ? Column(csv, row, "row") : ys);
        CategoryColumn slides = CategoryColumn.FromNames([.. csv.Rows.Select(fields => fields[slide])])
            ?? throw new Fault(FaultKind.Input, $"{path}: column 'slide' is empty.");
        if (slides.Of.Span.Contains(PatchTable.None))
            throw new Fault(FaultKind.Input, $"{path} has a line with no slide.");
        var table = new PatchTable(slides.Names, slides.Of, cols, rows,
            CategoryColumn.FromNames([.. csv.Rows.Select(fields => fields[label])]),
            split < 0 ? null : CategoryColumn.FromNames([.. csv.Rows.Select(fields => fields[split])]), placed);
        return new(path, table, xs, ys);
    }

    private static double[] Column(Csv csv, int column, string name) =>
        [.. csv.Rows.Select((fields, i) => double.TryParse(fields[column], NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && Math.Abs(value) < int.MaxValue ? value
            : throw new Fault(FaultKind.Input, $"{csv.Path}: point {i + 1} has {name} '{fields[column]}', which is no number."))];

    private static int[] Rounded(double[] values) => [.. values.Select(value => (int)Math.Round(value))];
}
