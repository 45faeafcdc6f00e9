using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>The check that needs more than a pass over one column.</summary>
internal static class PatchTableChecks
{
    /// <summary>Two patches on one coordinate of one slide would be each other's neighbours at distance 0: always a fault of the
    /// data.</summary>
    /// <param name="table">The patches.</param>
    /// <param name="nameOf">What a user knows a patch by; null for its index.</param>
    public static void RefuseSharedCoordinates(PatchTable table, Func<int, string>? nameOf)
    {
        // Tables that a tiler wrote are in order (slide, row, column): one pass proves them, and 10 million patches take milliseconds.
        if (IsStrictlyOrdered(table.SlideOf, table.Row, table.Col))
            return;
        var seen = new Dictionary<(int Slide, int Col, int Row), int>(table.Count);
        for (int i = 0; i < table.Count; i++)
        {
            (int, int, int) place = (table.SlideOf[i], table.Col[i], table.Row[i]);
            if (!seen.TryAdd(place, i))
                throw new Fault(FaultKind.Input,
                    $"Patches {Name(seen[place])} and {Name(i)} are both at column {table.Col[i]}, row {table.Row[i]} of slide "
                    + $"{table.SlideName(i)}; keep one of them or correct its coordinates.");
        }

        string Name(int patch) => nameOf?.Invoke(patch) ?? $"{patch}";
    }

    private static bool IsStrictlyOrdered(ReadOnlySpan<int> slide, ReadOnlySpan<int> row, ReadOnlySpan<int> col)
    {
        for (int i = 1; i < slide.Length; i++)
        {
            bool after = slide[i] != slide[i - 1] ? slide[i] > slide[i - 1]
                : row[i] != row[i - 1] ? row[i] > row[i - 1]
                : col[i] > col[i - 1];
            if (!after)
                return false;
        }
        return true;
    }
}
