using System.Globalization;

namespace SSLP.Data.Files;

/// <summary>Numbers as spreadsheets write them: a decimal point or, where commas do not divide the fields, a decimal comma.</summary>
internal static class SpreadsheetNumber
{
    /// <summary>
    /// False for what is no number, and for what two countries read as two: 1,164 between tabs is a thousand and something, or one and a
    /// bit. Between semicolons, which a spreadsheet writes because its comma is the decimal one, it is the latter.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, char delimiter, out double value)
    {
        int comma = text.LastIndexOf(','), point = text.LastIndexOf('.');
        if (comma < 0)
            return Parse(text, NumberStyles.Float, out value);
        value = 0;
        if (point > comma)
            return Parse(text, NumberStyles.Float | NumberStyles.AllowThousands, out value) && IsGrouped(text[..point]);
        Span<char> swapped = stackalloc char[64];
        if (text.Length > swapped.Length || text.Count(',') > 1)
            return false;
        bool tellsThousands = delimiter != ';' && point < 0 && text.Length - comma - 1 == 3;
        if (tellsThousands || delimiter == ',')
            return false;
        text.CopyTo(swapped);
        swapped = swapped[..text.Length];
        swapped.Replace(',', ';');
        swapped.Replace('.', ',');
        swapped.Replace(';', '.');
        return Parse(swapped, NumberStyles.Float | NumberStyles.AllowThousands, out value) && (point < 0 || IsGrouped(swapped[..comma]));
    }

    private static bool Parse(ReadOnlySpan<char> text, NumberStyles style, out double value) =>
        double.TryParse(text, style, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);

    /// <summary>Groups of three digits behind each comma.</summary>
    private static bool IsGrouped(ReadOnlySpan<char> whole)
    {
        for (int comma = whole.IndexOf(','); comma >= 0; comma = whole.IndexOf(','))
        {
            whole = whole[(comma + 1)..];
            int next = whole.IndexOf(',');
            if ((next < 0 ? whole.Length : next) != 3)
                return false;
        }
        return true;
    }
}
