using System.Globalization;
using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Variants;

/// <summary>
/// Some six hundred inputs of the kinds that other programs give us, in every shape that variants.py can make of them: each is read as
/// what it says, or refused in one sentence; none ends in another exception, takes long, or gives anything else without a word.
/// </summary>
public sealed class VariantsTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task HDF5_coordinates_are_read_as_they_are_or_refused()
    {
        Python.SkipUnless("h5py", "numpy");
        string slide = _folder.File("S1.tif");
        TestSlides.Stained(slide, 256, 0, 0, 256, 256);
        await TryAll("hdf5", folder =>
        {
            CoordinateReading reading = CoordinateFiles.Read(folder, [new("S1.tif", slide), new("S2.tif", slide)]);
            (double size, _) = Assert.Single(reading.Sizes);
            IEnumerable<string> places = reading.Points.X.Zip(reading.Points.Y, (x, y) => string.Create(
                CultureInfo.InvariantCulture, $"{x - (size / 2):0.###} {y - (size / 2):0.###} {size}"));
            return (places, reading.Notes, null);
        }, (place, variant) => $"{place[0]} {place[1]} {variant.GetProperty("size")}");
    }

    [Fact]
    public async Task Lists_are_read_as_they_are_or_refused()
    {
        Python.SkipUnless("json");
        await TryAll("points", folder =>
        {
            var points = LabelledPoints.Read(Path.Combine(folder, "labels.csv"));
            PatchTable table = points.Table;
            return (Enumerable.Range(0, table.Count).Select(i => string.Create(
                CultureInfo.InvariantCulture, $"{table.SlideName(i)} {points.X[i]} {points.Y[i]} {ClassOf(table, i)}")), [], null);
        });
        await TryAll("patches", folder => OfFolder(folder, placed: true));
        await TryAll("splits", folder =>
        {
            var list = SplitList.Read(Path.Combine(folder, "splits.csv"));
            list.Describe(["S1", "S2"]);
            return (new[] { "S1", "S2" }.Select(slide => $"{slide} {list.Of(slide)}"), [], null);
        });
    }

    [Fact]
    public async Task Folders_are_read_as_their_names_say_or_refused()
    {
        Python.SkipUnless("json");
        await TryAll("folders", folder => OfFolder(folder, placed: !folder.EndsWith("nct-crc", StringComparison.Ordinal)));
    }

    private static (IEnumerable<string> Places, IReadOnlyList<string> Notes, PatchTable? Table) OfFolder(string folder, bool placed)
    {
        using var patches = PatchFolder.Open(folder, new() { RequireCoordinates = placed });
        PatchTable table = patches.Table;
        // Places count from each slide's first: names in pixels and in columns say the same.
        (int Col, int Row)[] first = [.. Enumerable.Range(0, table.Slides.Count).Select(slide =>
        {
            int[] own = [.. Enumerable.Range(0, table.Count).Where(i => table.SlideOf[i] == slide)];
            return (own.Min(i => table.Col[i]), own.Min(i => table.Row[i]));
        })];
        return (Enumerable.Range(0, table.Count).Select(i => $"{table.SlideName(i)} {table.Col[i] - first[table.SlideOf[i]].Col} "
            + $"{table.Row[i] - first[table.SlideOf[i]].Row} {ClassOf(table, i)}"), patches.LeftOut, table);
    }

    private static string? ClassOf(PatchTable table, int patch) =>
        table.Classes is { } classes && table.LabelOf[patch] is >= 0 and int of ? classes[of] : null;

    /// <summary>Makes the variants of a kind, reads each, and names all that went wrong at once.</summary>
    private async Task TryAll(string kind, Func<string, (IEnumerable<string> Places, IReadOnlyList<string> Notes, PatchTable? Table)> read,
        Func<JsonElement, JsonElement, string>? wordsOf = null)
    {
        string root = Directory.CreateDirectory(Path.Combine(_folder.Path, "of-" + kind)).FullName;
        Python.Run(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Variants", "variants.py")), root,
            kind is "points" or "patches" or "splits" ? "lists" : kind);
        using var made = JsonDocument.Parse(File.ReadAllText(Path.Combine(root, "variants.json")));
        var wrong = new List<string>();
        int tried = 0;
        foreach (JsonElement variant in made.RootElement.EnumerateArray().Where(v => v.GetProperty("kind").GetString() == kind))
        {
            string name = variant.GetProperty("name").GetString()!;
            tried++;
            if (await Task.Run(() => Fault(variant, Path.Combine(root, kind, name), read, wordsOf)).WaitAsync(Longest) is { } fault)
                wrong.Add($"{name}: {fault}");
        }
        Assert.True(tried > 10, $"{tried} variants of {kind}");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {tried}:\n{string.Join('\n', wrong)}");
    }

    /// <summary>What is wrong with how a variant was read; null where nothing is.</summary>
    private static string? Fault(JsonElement variant, string folder,
        Func<string, (IEnumerable<string> Places, IReadOnlyList<string> Notes, PatchTable? Table)> read,
        Func<JsonElement, JsonElement, string>? wordsOf)
    {
        string[]? Words(string key) => variant.TryGetProperty(key, out JsonElement words)
            ? [.. words.EnumerateArray().Select(word => word.GetString()!)] : null;
        string[]? refused = Words("refused");
        bool isPlaced = variant.TryGetProperty("places", out JsonElement places);
        try
        {
            (IEnumerable<string> got, IReadOnlyList<string> notes, PatchTable? table) = read(folder);
            if (!isPlaced)
                return $"was read as {string.Join("; ", got.Take(3))} …";
            if (Words("classes") is { } classes)
                return table!.Classes!.SequenceEqual(classes) ? null : $"has the classes {string.Join(", ", table.Classes!)}";
            string[] right = [.. places.EnumerateArray().Select(place => wordsOf is null ? Plain(place) : wordsOf(place, variant)).Order()],
                found = [.. got.Order()];
            if (!right.SequenceEqual(found))
                return $"{found.Length} places, {string.Join("; ", found.Except(right).Take(3))} where {right.Length} are right, "
                    + $"{string.Join("; ", right.Except(found).Take(3))}; notes: {string.Join("; ", notes)}";
            if (variant.TryGetProperty("splits", out _) && table!.Splits is not { Count: 2 })
                return $"has the splits {string.Join(", ", table!.Splits ?? [])}";
            if (Words("note") is { } said)
                return said.All(word => notes.Any(note => note.Contains(word, StringComparison.Ordinal))) ? null
                    : $"is read, and what is said is '{string.Join("; ", notes)}'";
            return notes.Count == 0 ? null : $"is read with a word too much: {string.Join("; ", notes)}";
        }
        catch (Fault fault)
        {
            bool isSentence = fault.Kind is FaultKind.Input or FaultKind.Usage && !fault.Message.Contains('\n', StringComparison.Ordinal);
            return !isSentence ? $"'{fault.Message}' ({fault.Kind}) is no sentence"
                : refused is null && !variant.TryGetProperty("either", out _) ? $"is refused: {fault.Message}"
                : refused?.All(word => fault.Message.Contains(word, StringComparison.Ordinal)) ?? true ? null
                : $"is refused without {string.Join(" or ", refused)}: {fault.Message}";
        }
        catch (Exception other)
        {
            return $"ends in {other.GetType().Name}: {other.Message}";
        }
    }

    /// <summary>Numbers of a list are compared as numbers: 384.0 is 384.</summary>
    private static string Plain(JsonElement place) => string.Join(' ', place.EnumerateArray().Select((part, at) => at is 1 or 2
        && double.TryParse(part.ToString(), CultureInfo.InvariantCulture, out double number)
        ? number.ToString(CultureInfo.InvariantCulture) : part.ToString()));
}
