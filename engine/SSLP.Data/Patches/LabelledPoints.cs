using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Points with a class on slides, from a CSV file: columns slide, x, y (level-0 pixels of a patch's centre), label, and where they are
/// there split, patient, col and row; further columns are ignored. Without col and row the table's are the rounded x and y, so that points
/// keep different places; such points are for evaluation, not for spatial sets, and the table says so.
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

    /// <exception cref="Fault">A column is missing, a number is none, two points share a place, or a slide has two patients.</exception>
    public static LabelledPoints Read(string path)
    {
        using var csv = Csv.Open(path);
        int slide = csv.Require("slide", "slide_id"), x = Place(csv, "x"), y = Place(csv, "y"), label = csv.Require("label", "class");
        int split = csv.Find("split"), col = csv.Find("col", "column"), row = csv.Find("row"),
            patient = csv.Find("patient", "patient_id", "case_id");
        bool placed = col >= 0 && row >= 0;
        var xs = new List<double>();
        var ys = new List<double>();
        var cols = new List<int>();
        var rows = new List<int>();
        List<string> slideOf = [];
        List<string?> labelOf = [], splitOf = [], patientOf = [];
        while (csv.Read())
        {
            xs.Add(Number(csv, x, "x"));
            ys.Add(Number(csv, y, "y"));
            cols.Add((int)Math.Round(placed ? Number(csv, col, "col") : xs[^1]));
            rows.Add((int)Math.Round(placed ? Number(csv, row, "row") : ys[^1]));
            slideOf.Add(csv.Text(slide) is { Length: > 0 } name ? name.Replace('\\', '/')
                : throw new Fault(FaultKind.Input, $"{path} line {csv.Line} has no slide."));
            labelOf.Add(csv.Text(label));
            splitOf.Add(csv.TextOrNull(split));
            patientOf.Add(csv.TextOrNull(patient));
        }
        if (xs.Count == 0)
            throw new Fault(FaultKind.Input, $"{path} names no points.");
        CategoryColumn slides = CategoryColumn.FromNames(slideOf)!;
        var table = new PatchTable(slides.Names, slides.Of, cols.ToArray(), rows.ToArray(), CategoryColumn.FromNames(labelOf),
            CategoryColumn.FromNames(splitOf), placed)
        {
            PatientOfSlide = PatchFolderTable.PatientsOf(slides, patientOf),
        };
        return new(path, table, [.. xs], [.. ys]);
    }

    private static int Place(Csv csv, string name) => csv.Find(name) is >= 0 and int column ? column
        : throw new Fault(FaultKind.Input,
            $"{csv.Path} has no column '{name}', so it names classes of slides and no places on them; its columns are "
            + $"{string.Join(", ", csv.Columns)}, and slide,x,y,label are needed (x and y: level-0 pixels).");

    private static double Number(Csv csv, int column, string name) => csv.TryNumber(column, out double value)
        && Math.Abs(value) < int.MaxValue ? value
        : throw new Fault(FaultKind.Input,
            $"{csv.Path}: line {csv.Line} has {name} '{csv.Text(column)}', which is {csv.WhyNoNumber(column)}.");
}
