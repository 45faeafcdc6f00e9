using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using SSLP.Data.Files;
using SSLP.Kernels;

namespace SSLP.Engine.Options;

/// <summary>
/// Every option of a run in one list, made from the properties of <see cref="TrainingOptions"/> and of its augmentation: parsing, help,
/// run.json and the comparison at resume all read it.
/// </summary>
public static class OptionTable
{
    /// <summary>In the order of the properties; the single values of the augmentation follow its list.</summary>
    public static IReadOnlyList<Option> All { get; } = [.. Properties(typeof(TrainingOptions)).SelectMany(OptionsOf)];

    /// <summary>What the marks of sources mean.</summary>
    public static string Legend { get; } =
        $"{MarkOf(OptionSource.Stated)} stated by the authors, {MarkOf(OptionSource.Behaviour)} behaviour of the authors' public program; "
        + "without a mark: ours";

    /// <summary>[S], [B], or nothing.</summary>
    public static string MarkOf(OptionSource source) => source switch
    {
        OptionSource.Stated => "[S]",
        OptionSource.Behaviour => "[B]",
        _ => string.Empty,
    };

    /// <summary>The option of a key.</summary>
    public static Option Of(string key) => All.Single(option => option.Key == key);

    /// <summary>A copy of <paramref name="options"/> with one key set.</summary>
    /// <exception cref="Fault">No such key (the nearest one is named), or a value that it does not take.</exception>
    public static TrainingOptions Set(TrainingOptions options, string key, string value, string where)
    {
        Option? option = All.FirstOrDefault(o => o.Key == key);
        if (option is null)
        {
            string nearest = Nearest(key, All.Select(o => o.Key));
            throw new Fault(FaultKind.Usage, $"{where}: there is no option '{key}'; did you mean '{nearest}'?");
        }
        try
        {
            return option.Set(options, value.Trim());
        }
        catch (FormatException wrong)
        {
            throw new Fault(FaultKind.Usage, $"{where}: '{value}' is no value of {key}; it takes {wrong.Message}.");
        }
    }

    /// <summary>All options as text, by key.</summary>
    public static Dictionary<string, string> ToText(TrainingOptions options) =>
        All.ToDictionary(option => option.Key, option => option.Get(options));

    /// <summary>The options of a text by key, over others.</summary>
    /// <param name="text">Keys and values.</param>
    /// <param name="where">Where they stand, for the fault.</param>
    /// <param name="otherwise">What holds for keys that are not there; null: the defaults.</param>
    /// <exception cref="Fault">A key that there is not, or a value that it does not take.</exception>
    public static TrainingOptions FromText(
        IReadOnlyCollection<KeyValuePair<string, string>> text, string where, TrainingOptions? otherwise = null)
    {
        TrainingOptions read = text.Aggregate(otherwise ?? new(), (options, pair) => Set(options, pair.Key, pair.Value, where));
        return EarlierRuns.Has(text.Select(pair => pair.Key)) ? EarlierRuns.InTodaysWords(read) : read;
    }

    /// <summary>The differences that matter between two runs, as "key: before → now"; where one says auto, by what it stands for.</summary>
    public static IReadOnlyList<string> Differences(TrainingOptions before, TrainingOptions now)
    {
        (before, now) = (Resolved(before), Resolved(now));
        return [.. All.Where(o => !o.FreeOnResume && o.Get(before) != o.Get(now)).Select(o => $"{o.Key}: {o.Get(before)} → {o.Get(now)}")];

        static TrainingOptions Resolved(TrainingOptions options) =>
            options with { LearningRate = options.LearningRateOrDefault, Head = options.HeadOrDefault };
    }

    /// <summary>The candidate at the least edit distance.</summary>
    public static string Nearest(string word, IEnumerable<string> candidates) => candidates.MinBy(c => EditDistance(word, c))!;

    /// <summary>The candidate that a word was probably meant to be: nearest, and no more than half of the word away; null where none
    /// is. There is at least one.</summary>
    internal static string? Meant(string word, IEnumerable<string> candidates)
    {
        string nearest = Nearest(word, candidates);
        return EditDistance(word, nearest) <= word.Length / 2 ? nearest : null;
    }

    // In the order of their declaration: a library compiled ahead of time has no tokens, and gives them so as it is.
    private static IEnumerable<PropertyInfo> Properties(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type) =>
        type.GetProperties().Where(property => property.IsDefined(typeof(OptionAttribute)))
            .OrderBy(property => property.HasMetadataToken() ? property.MetadataToken : 0);

    private static IEnumerable<Option> OptionsOf(PropertyInfo property)
    {
        // null: what a whole list was before its single values, which follow.
        yield return new Option(property, property.GetValue, (options, value) =>
            value is null && property.PropertyType == typeof(AugmentOptions) ? options : With(options, property, value));
        if (property.PropertyType != typeof(AugmentOptions))
            yield break;
        foreach (PropertyInfo single in Properties(typeof(AugmentOptions)))
            yield return new Option(single, options => single.GetValue(options.Augment), (options, value) =>
            {
                AugmentOptions augment = options.Augment with { };
                single.SetValue(augment, value);
                return options with { Augment = augment };
            });
    }

    private static TrainingOptions With(TrainingOptions options, PropertyInfo property, object? value)
    {
        TrainingOptions copy = options with { };
        property.SetValue(copy, value);
        return copy;
    }

    private static int EditDistance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length];
    }
}
