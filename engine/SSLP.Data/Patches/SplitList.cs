using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Which split a slide is of, from a CSV file with the columns <c>slide</c> and <c>split</c>: a data set's official lists. A slide may be
/// named with its ending or without; one that the list lacks is of no split.
/// </summary>
public sealed class SplitList
{
    private readonly SlideColumn _splits;

    private SplitList(SlideColumn splits) => _splits = splits;

    /// <exception cref="Fault">A column is missing, a field empty, or a slide of two splits.</exception>
    public static SplitList Read(string path) => new(SlideColumn.Read(path, "split", "split", "set", "subset"));

    /// <summary>The split of a slide; null where the list has none.</summary>
    public string? Of(string slide) => _splits.Of(slide);

    /// <summary>How many of these slides are of which split, in one line.</summary>
    /// <exception cref="Fault">None of them is in the list.</exception>
    public string Describe(IReadOnlyList<string> slides)
    {
        string[] without = [.. slides.Where(slide => Of(slide) is null)];
        if (without.Length == slides.Count)
            throw new Fault(FaultKind.Input,
                $"None of the {slides.Count} slides is in {_splits.Path}: the first is {slides[0]}, "
                + $"and the list has {string.Join(", ", _splits.Slides.Take(3))} …");
        IEnumerable<string> counts = slides.Select(Of).OfType<string>().GroupBy(split => split)
            .OrderBy(split => split.Key, StringComparer.Ordinal)
            .Select(split => $"{Counted.Slides(split.Count())} {split.Key}");
        return $"splits: {string.Join(", ", counts)}"
            + (without.Length > 0 ? $"; {without.Length} are in no line of {_splits.Path} and of no split, the first {without[0]}" : "");
    }
}
