using System.Globalization;

namespace SSLP.Data.Files;

/// <summary>Numbers as spreadsheets write them: a decimal point or, where commas do not divide the fields, a decimal comma.</summary>
internal static class SpreadsheetNumber
{
    /// <summary>
    /// False for what is no number, and for what two countries read as two: 1,164 between tabs is a thousand and something, or one and a
    /// bit. Between semicolons, which a spreadsheet writes because its comma is the decimal one, it is the latter; there 1.164 is of two
    /// meanings.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, char delimiter, out double value)
    {
        int comma = text.LastIndexOf(','), point = text.LastIndexOf('.');
        if (IsOfTwoMeanings(text, delimiter))
        {
            value = 0;
            return false;
        }
        if (comma < 0)
            return Parse(text, NumberStyles.Float, out value);
        value = 0;
        if (point > comma)
            return Parse(text, NumberStyles.Float | NumberStyles.AllowThousands, out value) && IsGrouped(text[..point]);
        Span<char> swapped = stackalloc char[64];
        if (text.Length > swapped.Length || text.Count(',') > 1)
            return false;
        if (delimiter == ',')
            return false;
        text.CopyTo(swapped);
        swapped = swapped[..text.Length];
        swapped.Replace(',', ';');
        swapped.Replace('.', ',');
        swapped.Replace(';', '.');
        return Parse(swapped, NumberStyles.Float | NumberStyles.AllowThousands, out value) && (point < 0 || IsGrouped(swapped[..comma]));
    }

    /// <summary>One mark before three last digits: of thousands in one country, of decimals in the other.</summary>
    public static bool IsOfTwoMeanings(ReadOnlySpan<char> text, char delimiter)
    {
        int mark = text.IndexOfAny(',', '.');
        return mark >= 0 && text.Length - mark - 1 == 3 && (text[mark] == '.') == (delimiter == ';')
            && text[(mark + 1)..].IndexOfAnyExceptInRange('0', '9') < 0
            // No thousands begin with a zero, or with four digits.
            && text[..mark].TrimStart("+-") is { Length: > 0 and <= 3 } whole && whole[0] is >= '1' and <= '9';
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
