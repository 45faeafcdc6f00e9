using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Which patient a slide is of, from a CSV file: columns <c>slide</c> (or <c>file</c>, where patches have no slide) and <c>patient</c>. A
/// slide may be named with its ending or without.
/// </summary>
public sealed class PatientList
{
    private readonly SlideColumn _patients;

    private PatientList(SlideColumn patients) => _patients = patients;

    /// <exception cref="Fault">A column is missing, a field empty, or a slide of two patients.</exception>
    public static PatientList Read(string path) => new(SlideColumn.Read(path, "patient", "patient", "patient_id", "case_id", "case"));

    /// <summary>The patient of a slide; null where the list has none.</summary>
    public string? Of(string slide) => _patients.Of(slide);

    /// <summary>The table with these patients, and a line of what was found. A slide that the list lacks is a patient of its own, which
    /// the line says.</summary>
    /// <exception cref="Fault">No slide of the table is in the list, or the table names another patient.</exception>
    public (PatchTable Table, string Said) Apply(PatchTable table)
    {
        // Slides that have no patch here are in many a list's and a table's names.
        HashSet<int> used = [.. table.SlideOf.ToArray()];
        string[] patients = new string[table.Slides.Count];
        var lacking = new List<string>();
        for (int slide = 0; slide < patients.Length; slide++)
        {
            string? found = _patients.Of(table.Slides[slide]), own = table.PatientOfSlide?[slide];
            if (found is not null && own is not null && own != found && own != table.Slides[slide])
                throw new Fault(FaultKind.Input,
                    $"Slide {table.Slides[slide]} is of patient {found} in {_patients.Path} and of patient {own} in the patches' own list; "
                    + "keep one of them.");
            if (found is null && (own is null || own == table.Slides[slide]) && used.Contains(slide))
                lacking.Add(table.Slides[slide]);
            patients[slide] = found ?? own ?? table.Slides[slide];
        }
        string one = table.HasSlides ? "slide" : "patch", many = table.HasSlides ? "slides" : "patches";
        if (lacking.Count == used.Count)
            throw new Fault(FaultKind.Input,
                $"None of the {used.Count:N0} {many} is in {_patients.Path}: the first is {lacking[0]}, "
                + $"and the list has {string.Join(", ", _patients.Slides.Take(3))} …");
        string said = $"{Counted.Of(used.Select(slide => patients[slide]).Distinct().Count(), "patient")} of "
            + $"{Counted.Of(used.Count, one, many)}, by {_patients.Path}"
            + (lacking.Count > 0
                ? $"; in no line of it, each a patient of its own: {Counted.Of(lacking.Count, one, many)}, the first {lacking[0]}" : "");
        return (table.WithPatients(patients), said);
    }
}
