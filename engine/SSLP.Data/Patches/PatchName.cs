using System.Globalization;
using System.Text.RegularExpressions;

namespace SSLP.Data.Patches;

/// <summary>What a patch's file name says.</summary>
/// <param name="Slide">The slide's name; empty where the name does not carry it.</param>
/// <param name="X">Across: a grid column or pixels, as the file says it.</param>
/// <param name="Y">Down: a grid row or pixels.</param>
/// <param name="Label">The class; null where the name has none.</param>
/// <param name="Step">Side of the patch in the units of <paramref name="X"/> where the name says it, else 0.</param>
internal readonly record struct PatchName(string Slide, long X, long Y, string? Label, long Step);

/// <summary>One way in which programs put a patch's place into its file's name.</summary>
/// <param name="Words">How it reads, for the line that says what was understood.</param>
/// <param name="Read">The name without its extension → what it says; null where it is of another form.</param>
internal sealed record PatchNameForm(string Words, Func<string, PatchName?> Read);

/// <summary>
/// The forms, those that say most first: QuPath's tile exporter; histolab; x and y by letter (the IDC set, WILDS' CAMELYON17); row and
/// column by word; a pair in brackets (STAMP); and numbers at the end of the name (the paper's own set with the class last; HIPT and flat
/// CAMELYON17 without one; DSMIL and DeepZoom with nothing else).
/// </summary>
internal static partial class PatchNameForms
{
    public static PatchNameForm Labelled { get; } = new("<slide>_<col>_<row>_<label>", name => Trailing(name, withLabel: true));

    public static PatchNameForm Unlabelled { get; } = new("<slide>_<x>_<y>", name => Trailing(name, withLabel: false));

    public static PatchNameForm Sized { get; } = new("<slide>_<x>_<y>_<width>_<height>", name => name.LastIndexOf('_') is > 0 and int height
        && name[..height].LastIndexOf('_') is > 0 and int width
        ? Trailing(name[..width], withLabel: false)
        : null);

    public static PatchNameForm WithSize { get; } = Labelled with { Words = "<slide>_<x>_<y>_<size>" };

    public static PatchNameForm Bare { get; } = new("<x>_<y> below a folder of the slide's name", name => Of(BarePair().Match(name)));

    /// <summary>The forms that cannot be taken for one another.</summary>
    public static IReadOnlyList<PatchNameForm> Distinct { get; } =
    [
        new("<slide> [x=…,y=…,w=…,h=…]", name => Of(QuPath().Match(name))),
        new("<slide>_tile_<n>_level<l>_<x>-<y>-<x2>-<y2>", name => Of(Histolab().Match(name))),
        new("<slide>_x<x>_y<y>", name => Of(XAndY().Match(name))),
        new("<slide>_row<row>_col<col>", name => Of(RowAndColumn().Match(name))),
        new("<slide>_col<col>_row<row>", name => Of(ColumnAndRow().Match(name))),
        new("<slide>_(<x>, <y>)", name => Of(Brackets().Match(name))),
        new("<slide>_<x>-<y>", name => Of(Hyphened().Match(name))),
        Bare,
    ];

    private static PatchName? Of(Match match)
    {
        if (!match.Success || !Number(match, "x", out long x) || !Number(match, "y", out long y))
            return null;
        long step = Number(match, "w", out long width) ? width : Number(match, "x2", out long right) ? right - x : 0;
        string label = match.Groups["label"].Value;
        return new(Bared(match.Groups["slide"].Value), x, y, label.Length == 0 ? null : label, Math.Max(0, step));
    }

    private static bool Number(Match match, string group, out long value)
    {
        value = 0;
        bool found = match.Groups[group].Success
            && double.TryParse(match.Groups[group].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && Math.Abs(number) < 1e12 && Assign(number, out value);
        return found;
    }

    private static bool Assign(double number, out long value)
    {
        value = (long)Math.Round(number);
        return true;
    }

    /// <summary>"patch_S1_" names the slide S1.</summary>
    private static string Bared(string slide) => Prefix().Replace(slide.Trim('_', '-', ' '), "").Trim('_', '-', ' ');

    private static PatchName? Trailing(string name, bool withLabel)
    {
        string[] parts = name.Split('_');
        int end = withLabel ? parts.Length - 1 : parts.Length;
        if (end >= 3 && IsPlace(parts[end - 2], out long x) && IsPlace(parts[end - 1], out long y))
            return new(string.Join('_', parts[..(end - 2)]), x, y, withLabel ? parts[^1] : null, 0);
        // A class of several words: S1_3_4_connective_tissue.
        return withLabel ? Of(Worded().Match(name)) : null;
    }

    /// <summary>A whole number, which a program may have written 512.0.</summary>
    private static bool IsPlace(string text, out long value)
    {
        bool whole = double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
            out double number)
            && Math.Floor(number) == number && Math.Abs(number) < 1e12;
        value = whole ? (long)number : 0;
        return whole;
    }

    [GeneratedRegex(@"^(?:patch|tile)(?:[_\- ]+|$)", RegexOptions.IgnoreCase)]
    private static partial Regex Prefix();

    [GeneratedRegex(@"^(?<slide>.*?)\s*\[(?:d=[\d.,]+,)?x=(?<x>-?\d+),y=(?<y>-?\d+),w=(?<w>\d+),h=\d+(?:,[^\]]*)?\]$")]
    private static partial Regex QuPath();

    [GeneratedRegex(@"^(?<slide>.*?)tile_\d+_level-?\d+_(?<x>-?\d+)-(?<y>-?\d+)-(?<x2>\d+)-(?<y2>\d+)$")]
    private static partial Regex Histolab();

    [GeneratedRegex(
        @"^(?<slide>.*?)(?<![A-Za-z0-9])x[_=-]?(?<x>-?\d+)[_,\- ]+y[_=-]?(?<y>-?\d+)(?:[_-]class[_=-]?(?<label>[^_]+)|_(?<label>[^_]+))?$",
        RegexOptions.IgnoreCase)]
    private static partial Regex XAndY();

    [GeneratedRegex(
        @"^(?<slide>.*?)(?<![A-Za-z0-9])(?:row|r)[_=-]?(?<y>-?\d+)[_,\- ]*(?:column|col|c)[_=-]?(?<x>-?\d+)(?:_(?<label>[^_]+))?$",
        RegexOptions.IgnoreCase)]
    private static partial Regex RowAndColumn();

    [GeneratedRegex(
        @"^(?<slide>.*?)(?<![A-Za-z0-9])(?:column|col|c)[_=-]?(?<x>-?\d+)[_,\- ]*(?:row|r)[_=-]?(?<y>-?\d+)(?:_(?<label>[^_]+))?$",
        RegexOptions.IgnoreCase)]
    private static partial Regex ColumnAndRow();

    [GeneratedRegex(@"^(?<slide>.*?)[_ -]?\((?<x>-?\d+(?:\.\d+)?),\s*(?<y>-?\d+(?:\.\d+)?)\)$")]
    private static partial Regex Brackets();

    [GeneratedRegex(@"^(?<slide>.+)_(?<x>\d+)-(?<y>\d+)$")]
    private static partial Regex Hyphened();

    [GeneratedRegex(@"^(?<slide>.+)_(?<x>-?\d+)_(?<y>-?\d+)_(?<label>[A-Za-z].*)$")]
    private static partial Regex Worded();

    [GeneratedRegex(@"^(?<x>-?\d+)[_,-](?<y>\d+)$")]
    private static partial Regex BarePair();
}
