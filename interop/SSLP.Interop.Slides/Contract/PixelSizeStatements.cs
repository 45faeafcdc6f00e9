using System.Globalization;
using System.Text.RegularExpressions;

namespace SSLP.Interop.Slides;

/// <summary>
/// Gathers every place of a file that states a pixel size, the most trusted first, and makes one <see cref="PixelSize"/> of them.
/// </summary>
internal sealed partial class PixelSizeStatements
{
    /// <summary>Sizes of the same pixel that are no further apart do not contradict: 0.499 and 0.5, 0.2527 and 0.25.</summary>
    private const double Tolerance = 0.02;

    private const double MicrometresPerInch = 25_400, MicrometresPerCentimetre = 10_000;

    /// <summary>Signs; a longer text is no size, and to look for two in a megabyte of blanks takes minutes.</summary>
    private const int LongestSize = 100;

    private readonly List<(Mpp Size, bool IsTag)> _stated = [];
    private readonly List<string> _remarks = [];
    private string? _unitless;

    /// <summary>A size that some metadata state.</summary>
    public void Add(double x, double y, string source) => _stated.Add((new Mpp(x, y, source), false));

    /// <summary>A size in text; text that is no number is a remark.</summary>
    /// <param name="text">
    /// A number, or one across and one down; the decimal sign is a point or a comma. A unit of length may follow, µm where none does.
    /// </param>
    /// <param name="source">Where it stands.</param>
    public void Add(string text, string source)
    {
        if ((Number(text) ?? WithUnit(text)) is { } mpp)
            Add(mpp, mpp, source);
        else if (text.Length <= LongestSize && Two().Match(text) is { Success: true } two && Number(two.Groups[1].Value) is { } across
            && (Number(two.Groups[2].Value) ?? WithUnit(two.Groups[2].Value)) is { } down
            && LengthUnit.Micrometres(two.Groups[3].Value.Trim() is { Length: > 0 } named ? named : "µm") is { } unit)
            Add(across * unit, down, source);
        else
            _remarks.Add($"has '{Shorten(text)}' for its pixel size in {source}, which is no number");
    }

    /// <summary>The resolution tags of TIFF.</summary>
    /// <param name="perUnitX">Pixels per unit across; null where the tag is absent or no number.</param>
    /// <param name="perUnitY">Pixels per unit down.</param>
    /// <param name="unit">1 none, 2 inch, 3 centimetre; 4 millimetre and 5 micrometre, as Exif numbers on and some writers do.</param>
    public void AddTags(double? perUnitX, double? perUnitY, long unit)
    {
        // 0 stands for "not known", and a file with one of the two means square pixels.
        (perUnitX, perUnitY) = (perUnitX is 0 ? null : perUnitX, perUnitY is 0 ? null : perUnitY);
        if ((perUnitX ?? perUnitY) is not { } x || (perUnitY ?? perUnitX) is not { } y)
            return;
        if (!(x > 0 && y > 0 && double.IsFinite(x) && double.IsFinite(y)))
        {
            _remarks.Add(string.Create(CultureInfo.InvariantCulture, $"has resolution tags of {x} × {y}, which are no sizes"));
            return;
        }
        double micrometres = unit switch
        {
            2 => MicrometresPerInch,
            3 => MicrometresPerCentimetre,
            4 => MicrometresPerCentimetre / 10,
            5 => 1,
            _ => 0,
        };
        // 1 px per unit is the same as nothing: writers that know no size leave it.
        if (micrometres == 0 && (x != 1 || y != 1))
            _unitless = string.Create(
                CultureInfo.InvariantCulture, $"has resolution tags ({x:0.####} × {y:0.####}) without a unit, which give no pixel size");
        else if (micrometres > 0)
            _stated.Add((new Mpp(micrometres / x, micrometres / y, "tiff.ResolutionUnit"), true));
    }

    /// <summary>Something that a person should know.</summary>
    public void Remark(string note) => _remarks.Add(note);

    public PixelSize Result()
    {
        Mpp? used = _stated.Find(statement => Believed(statement)).Size;
        var notes = new List<string>();
        foreach ((Mpp Size, bool IsTag) statement in _stated)
        {
            Mpp size = statement.Size;
            // Beside a size that is known, a print resolution says nothing new.
            bool print = statement.IsTag && (size.X > Mpp.Coarsest || IsPrintResolution(size));
            if (!Believed(statement) && !(print && used is not null))
                notes.Add($"says {Text(size)} in {size.Source}, {WhyNot(size, print)}; it is not used");
            else if (Believed(statement) && used is not null && Contradict(size, used))
                notes.Add($"says {Text(used)} in {used.Source} but {Text(size)} in {size.Source}; the first is used");
        }
        notes.AddRange(_remarks);
        // ImageJ's unit stands elsewhere, and a size that is known needs none.
        if (used is null && _unitless is not null)
            notes.Add(_unitless);
        return new PixelSize(used, notes);
    }

    /// <summary>Whether some place states a size, be it one that can't be used.</summary>
    public bool HasAny => _stated.Count > 0 || _remarks.Count > 0;

    /// <summary>A number with a decimal point or comma, in quotes or not; null where it is none.</summary>
    public static double? Number(string? text)
    {
        if (text is null)
            return null;
        ReadOnlySpan<char> number = Plain(text);
        string canonical = number.Count(',') == 1 && !number.Contains('.') ? number.ToString().Replace(',', '.') : number.ToString();
        return double.TryParse(canonical, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value : null;
    }

    /// <summary>"500 nm", "0.0005 mm", in µm.</summary>
    private static double? WithUnit(string text)
    {
        string trimmed = Plain(text).ToString();
        int end = trimmed.AsSpan().LastIndexOfAnyInRange('0', '9') + 1;
        return end > 0 && end < trimmed.Length && Number(trimmed[..end]) is { } number
            && LengthUnit.Micrometres(trimmed[end..]) is { } unit ? number * unit : null;
    }

    /// <summary>Without the quotes and the separator that a writer left around it.</summary>
    private static ReadOnlySpan<char> Plain(string text) => text.AsSpan().Trim(" \t\r\n\"';");

    // Both with a decimal point: "1,000.5" is one number, of a kind that is not read.
    [GeneratedRegex("""^[\s"']*([0-9]*\.[0-9]+)["']?(?:\s*[x×;,\\]\s*|\s+)["']?([0-9]*\.[0-9]+["']?([^0-9"']*))$""")]
    private static partial Regex Two();

    private static string WhyNot(Mpp size, bool print) => IsPrintResolution(size) ? "which is a print resolution"
        : string.Create(CultureInfo.InvariantCulture,
            $"a size that no microscope has ({Mpp.Finest} to {Mpp.Coarsest} " +
            $"µm/px){(print ? ": a print resolution or a program's default" : "")}");

    private static bool Believed((Mpp Size, bool IsTag) statement) =>
        statement.Size.IsBelievable && !(statement.IsTag && IsPrintResolution(statement.Size));

    /// <summary>
    /// The print resolutions that lie in a microscope's range: 1440 and 2400 dpi. The usual ones are coarser than any slide.
    /// </summary>
    private static bool IsPrintResolution(Mpp size) =>
        Math.Round(MicrometresPerInch / size.X, 3) is 1440 or 2400 && Math.Abs(size.X - size.Y) < 1e-9 * size.X;

    private static bool Contradict(Mpp a, Mpp b) => Apart(a.X, b.X) || Apart(a.Y, b.Y);

    private static bool Apart(double a, double b) => Math.Abs(a - b) > Tolerance * Math.Max(a, b);

    private static string Text(Mpp size) => size.X == size.Y
        ? string.Create(CultureInfo.InvariantCulture, $"{size.X:0.######} µm/px")
        : string.Create(CultureInfo.InvariantCulture, $"{size.X:0.######} × {size.Y:0.######} µm/px");

    private static string Shorten(string text)
    {
        string line = string.Concat(text.Where(sign => !char.IsControl(sign)));
        return line.Length > 40 ? line[..40] + "…" : line;
    }
}
