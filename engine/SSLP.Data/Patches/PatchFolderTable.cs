using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>The table of a listed folder.</summary>
internal static class PatchFolderTable
{
    /// <returns>The table, and what the places were taken for.</returns>
    /// <exception cref="Fault">Two patches at one place, or two patients of one slide.</exception>
    public static (PatchTable Table, string Said) Of(PatchListing listing, List<ListedPatch> patches, int side)
    {
        // Without a slide every patch is one of its own, so that no set of spatial neighbours can be invented.
        bool placed = patches[0].X is not null, hasSlides = patches[0].Slide is not null;
        CategoryColumn slides = CategoryColumn.FromNames([.. patches.Select(patch => patch.Slide ?? patch.File)])!;
        PatchGrid grid = placed ? PatchGrid.Of(listing, patches, slides.Of.Span, side)
            : new(JoinedPatches.PlacesOnSlides(slides.Of.Span, slides.Names.Count), new int[patches.Count],
                hasSlides ? "places are unknown" : "slides and places are unknown");
        var table = new PatchTable(slides.Names, slides.Of, grid.Col, grid.Row,
            CategoryColumn.FromNames([.. patches.Select(patch => patch.Label)]),
            CategoryColumn.FromNames([.. patches.Select(patch => patch.Split)]), placed, i => patches[i].File)
        {
            HasSlides = hasSlides,
            PatientOfSlide = PatientsOf(slides, patches.Select(patch => patch.Patient)),
        };
        return (table, grid.Said);
    }

    /// <summary>A patient for every slide; null where no line names one. A slide of no patient is one of its own.</summary>
    /// <exception cref="Fault">A slide of two patients.</exception>
    internal static string[]? PatientsOf(CategoryColumn slides, IEnumerable<string?> patientOf)
    {
        string?[] of = new string?[slides.Names.Count];
        int i = 0;
        foreach (string? patient in patientOf)
        {
            int slide = slides.Of.Span[i++];
            if (string.IsNullOrEmpty(patient))
                continue;
            if (of[slide] is { } before && before != patient)
                throw new Fault(FaultKind.Input,
                    $"Slide {slides.Names[slide]} is said to be of patient {before} and of patient {patient}; keep one of them.");
            of[slide] = patient;
        }
        return Array.TrueForAll(of, patient => patient is null) ? null : [.. of.Select((patient, slide) => patient ?? slides.Names[slide])];
    }
}
