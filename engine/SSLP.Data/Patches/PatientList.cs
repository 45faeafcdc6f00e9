using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Which patient a slide is of, from a CSV file: columns <c>slide</c> (or <c>file</c>, where patches have no slide) and <c>patient</c>. A
/// slide may be named with its ending or without.
/// </summary>
public sealed class PatientList
{
    private readonly string _path;
    private readonly Dictionary<string, string> _patientOf = new(StringComparer.Ordinal);

    private readonly Dictionary<string, string?> _byStem = new(StringComparer.Ordinal);

    private PatientList(string path) => _path = path;

    /// <exception cref="Fault">A column is missing, a field empty, or a slide of two patients.</exception>
    public static PatientList Read(string path)
    {
        var list = new PatientList(path);
        using Csv csv = Csv.Open(path);
        int slide = csv.Require("slide", "slide_id", "file", "filename"), patient = csv.Require("patient", "patient_id", "case_id", "case");
        while (csv.Read())
        {
            (string name, string person) = (csv.Text(slide).Replace('\\', '/'), csv.Text(patient));
            if (name.Length == 0 || person.Length == 0)
                throw new Fault(FaultKind.Input, $"{path} line {csv.Line} has no {(name.Length == 0 ? "slide" : "patient")}.");
            if (list._patientOf.TryGetValue(name, out string? before) && before != person)
                throw new Fault(FaultKind.Input, $"{path} line {csv.Line}: slide {name} is of patient {person} and, further up, of {before}; keep one of them.");
            list._patientOf[name] = person;
            // "S1.svs" and "S1.tif" of two patients name no S1.
            string stem = Path.ChangeExtension(name, null);
            list._byStem[stem] = list._byStem.TryGetValue(stem, out string? other) && other != person ? null : person;
        }
        return list._patientOf.Count > 0 ? list : throw new Fault(FaultKind.Input, $"{path} names no patients.");
    }

    /// <summary>The table with these patients, and a line of what was found. A slide that the list lacks is a patient of its own, which the
    /// line says.</summary>
    /// <exception cref="Fault">No slide of the table is in the list, or the table names another patient.</exception>
    public (PatchTable Table, string Said) Apply(PatchTable table)
    {
        // Slides that have no patch here are in many a list's and a table's names.
        HashSet<int> used = [.. table.SlideOf.ToArray()];
        var patients = new string[table.Slides.Count];
        var lacking = new List<string>();
        for (int slide = 0; slide < patients.Length; slide++)
        {
            string? found = Names(table, slide).Select(name => _patientOf.GetValueOrDefault(name) ?? _byStem.GetValueOrDefault(name)).FirstOrDefault(patient => patient is not null);
            string? own = table.PatientOfSlide?[slide];
            if (found is not null && own is not null && own != found && own != table.Slides[slide])
                throw new Fault(FaultKind.Input, $"Slide {table.Slides[slide]} is of patient {found} in {_path} and of patient {own} in the patches' own list; keep one of them.");
            if (found is null && own is null && used.Contains(slide))
                lacking.Add(table.Slides[slide]);
            patients[slide] = found ?? own ?? table.Slides[slide];
        }
        string what = table.HasSlides ? "slides" : "patches";
        if (lacking.Count == used.Count)
            throw new Fault(FaultKind.Input, $"None of the {used.Count} {what} is in {_path}: the first is {lacking[0]}, and the list has {string.Join(", ", _patientOf.Keys.Take(3))} …");
        string said = $"{used.Select(slide => patients[slide]).Distinct().Count()} patients of {used.Count} {what}, by {_path}"
            + (lacking.Count > 0 ? $"; {lacking.Count} {what} are in no line of it and count as patients of their own, the first {lacking[0]}" : "");
        return (table.WithPatients(patients), said);
    }

    /// <summary>What a list may call a slide, the longest first.</summary>
    private static IEnumerable<string> Names(PatchTable table, int slide)
    {
        string name = table.Slides[slide].Replace('\\', '/');
        yield return name;
        yield return Path.ChangeExtension(name, null);
        yield return Path.GetFileName(name);
        yield return Path.GetFileNameWithoutExtension(name);
    }
}
