using System.Text.Json;
using System.Text.Json.Serialization;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Weights;

namespace SSLP.Engine.Runs;

[JsonSerializable(typeof(string[]))]
internal sealed partial class BankRowsJson : JsonSerializerContext;

/// <summary>
/// Slide and place of each row of a run's bank, kept beside its checkpoints: what a row is matched by when the run goes on with more
/// patches. 12 bytes a row.
/// </summary>
internal static class BankRows
{
    private const string SlidesKey = "sslp.slides", InputsKey = "sslp.inputs", SlideName = "slide", ColName = "col", RowName = "row";

    /// <summary>Writes them, whole or not at all.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="table">The patches.</param>
    /// <param name="inputs">Their fingerprint, which the run's checkpoints carry, too.</param>
    public static void Save(string path, PatchTable table, string inputs) => SafetensorsWriter.Write(
        path,
        [Column(SlideName, table.SlideColumn), Column(ColName, table.ColColumn), Column(RowName, table.RowColumn)],
        new Dictionary<string, string>
        {
            [InputsKey] = inputs,
            [SlidesKey] = JsonSerializer.Serialize([.. table.Slides], BankRowsJson.Default.StringArray),
        });

    /// <summary>Whether a file is there and holds the rows of these patches.</summary>
    public static bool AreOf(string path, string inputs)
    {
        if (!File.Exists(path))
            return false;
        using var file = SafetensorsFile.Open(path);
        return file.Metadata.TryGetValue(InputsKey, out string? of) && of == inputs;
    }

    /// <summary>For each row of the run's bank, the row of a table that shows the same place of the same slide, −1 where none
    /// does.</summary>
    /// <param name="path">What <see cref="Save"/> wrote.</param>
    /// <param name="inputs">The fingerprint of the run's checkpoint.</param>
    /// <param name="table">The patches that it is to go on with.</param>
    /// <exception cref="Fault">There is no such file, or it is of other patches than the checkpoint.</exception>
    public static int[] Match(string path, string inputs, PatchTable table)
    {
        if (!File.Exists(path))
            throw new Fault(FaultKind.Input,
                $"--extend matches the bank's rows by slide and place, and '{path}', which holds them, is not there: resume once with " +
                $"the run's own patches, which writes it.");
        using var file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue(InputsKey, out string? of) || of != inputs
            || !file.Metadata.TryGetValue(SlidesKey, out string? names)
            || JsonSerializer.Deserialize(names, BankRowsJson.Default.StringArray) is not { } slides)
            throw new Fault(FaultKind.Input,
                $"'{path}' is of other patches than the checkpoint: resume once with the run's own patches, which writes it anew.");
        int rows = (int)file.Entries[SlideName].Shape[0];
        int[] slide = new int[rows], col = new int[rows], row = new int[rows];
        file.ReadAll<int>(SlideName, slide);
        file.ReadAll<int>(ColName, col);
        file.ReadAll<int>(RowName, row);
        var slideNow = table.Slides.Select((name, s) => (name, s)).ToDictionary(pair => pair.name, pair => pair.s);
        int[] now = [.. slides.Select(name => slideNow.GetValueOrDefault(name, -1))];
        var places = new Dictionary<(int, int, int), int>(table.Count);
        for (int i = 0; i < table.Count; i++)
            places[(table.SlideOf[i], table.Col[i], table.Row[i])] = i;
        int[] rowOf = new int[rows];
        for (int i = 0; i < rows; i++)
            rowOf[i] = now[slide[i]] < 0 ? -1 : places.GetValueOrDefault((now[slide[i]], col[i], row[i]), -1);
        return rowOf;
    }

    private static SafetensorsItem Column(string name, ReadOnlyMemory<int> values) => SafetensorsItem.From(name, values, values.Length);
}
