using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// A folder of patches without a list: what the names say, by the one form that fits them, and what the folders are: splits (train, val,
/// test), slides or patients (their name is the slide's, or its beginning), classes (what is left; one level of them). Order: by path,
/// ordinal.
/// </summary>
internal static class PatchNames
{
    private static readonly Dictionary<string, string> SplitNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["train"] = "train",
        ["training"] = "train",
        ["val"] = "val",
        ["valid"] = "val",
        ["validation"] = "val",
        ["test"] = "test",
        ["testing"] = "test",
    };

    /// <exception cref="Fault">Folders that can be read in two ways, or names of two kinds.</exception>
    public static PatchListing Read(string folder, List<string> images)
    {
        string[][] folders = [.. images.Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/').Split('/')[..^1])];
        int depth = folders[0].Length, other = Array.FindIndex(folders, parts => parts.Length != depth);
        if (other >= 0)
            throw new Fault(FaultKind.Input,
                $"{folder} has images both beside and inside its folders ({Path.GetRelativePath(folder, images[0])}, "
                + $"{Path.GetRelativePath(folder, images[other])}); keep one form, or name them in a {PatchFolderListing.CsvName}.");
        string[] names = [.. images.Select((file, i) => WithoutClass(Path.GetFileNameWithoutExtension(file), folders[i]))];
        (PatchNameForm? form, PatchName?[] read) = FormOf(names, folders);
        RefuseMixed(images, read);
        var roles = new FolderRoles(folder, folders, read, form);
        string[] own = [.. read.Select((name, i) => roles.Slide(i, name))];
        var patches = new List<ListedPatch>(images.Count);
        for (int i = 0; i < images.Count; i++)
        {
            string? label = roles.Label(i) ?? read[i]?.Label;
            if (roles.Label(i) is { } said && read[i]?.Label is { } written
                && !string.Equals(said, written, StringComparison.OrdinalIgnoreCase))
                throw new Fault(FaultKind.Input,
                    $"{images[i]} lies in the folder of class '{said}' and its name says '{written}'; name the classes in a " +
                    $"{PatchFolderListing.CsvName}.");
            patches.Add(new(images[i], read[i] is null ? null : own[i], read[i]?.X, read[i]?.Y, label,
                roles.Split(i))
            { Patient = roles.Patient(i) });
        }
        string words = form is null ? "names carry no slide and no place" : $"names are {form.Words}";
        long step = read.Length > 0 && read[0] is { Step: > 0 } first && read.All(name => name?.Step == first.Step) ? first.Step : 0;
        return new(patches, roles.Words is { Length: > 0 } levels ? $"{words}; {levels}" : words) { Step = step, InPixels = step > 0 };
    }

    /// <summary>A name that repeats its folder's class at its end says no more by that. A number there may as well be a row.</summary>
    private static string WithoutClass(string name, string[] folders) =>
        folders.Length > 0 && name.EndsWith('_' + folders[^1], StringComparison.Ordinal) && !long.TryParse(folders[^1], out _)
            ? name[..^(folders[^1].Length + 1)]
            : name;

    /// <summary>The form that the names have; null where most have none.</summary>
    private static (PatchNameForm? Form, PatchName?[] Read) FormOf(string[] names, string[][] folders)
    {
        foreach (PatchNameForm form in PatchNameForms.Distinct)
            if (form.Read(names[0]) is not null || form.Read(names[^1]) is not null)
                if (Try(form, names) is { } read && 2 * read.Count(name => name is not null) > names.Length)
                    return (form, read);
        if (EndsInSize(names, 2) && Try(PatchNameForms.Sized, names) is { } sized && sized.All(name => name is not null))
            return (PatchNameForms.Sized, sized);
        PatchName?[] labelled = Try(PatchNameForms.Labelled, names), plain = Try(PatchNameForms.Unlabelled, names);
        int fitLabelled = labelled.Count(name => name is not null), fitPlain = plain.Count(name => name is not null);
        if (2 * Math.Max(fitLabelled, fitPlain) <= names.Length)
            return (null, new PatchName?[names.Length]);
        // <slide>_3_4_0 has both forms: the class last, or a slide <slide>_3. The folder may be called like the one or the other; one that
        // all patches lie in, or a split, says nothing of it.
        bool isFlat = Enumerable.Range(0, folders[0].Length).All(level => Share(names, i => folders[i][level] == folders[0][level])
            || Share(names, i => SplitNames.ContainsKey(folders[i][level])));
        bool repeatsClass = Share(names, i => folders[i].Length > 0 && labelled[i]?.Label is { } label && folders[i].Contains(label));
        bool underSlide = Share(names, i => labelled[i] is { } name && folders[i].Contains(name.Slide));
        bool underPlain = Share(names, i => plain[i] is { } name && folders[i].Contains(name.Slide));
        bool takesLabel = fitPlain == fitLabelled
            ? repeatsClass || underSlide || (isFlat && !underPlain && !Collide(labelled, folders) && FewClasses(labelled))
            : fitLabelled > fitPlain;
        if (takesLabel && EndsInSize(names, 1))
            return (PatchNameForms.WithSize, [.. labelled.Select(name => name is { } read ? read with { Label = null } : name)]);
        return takesLabel ? (PatchNameForms.Labelled, labelled) : (PatchNameForms.Unlabelled, plain);
    }

    /// <summary>The last numbers are the same in all names, and more than a class would be: a patch's width and height.</summary>
    private static bool EndsInSize(string[] names, int numbers)
    {
        string[] End(string name) => name.Split('_')[^Math.Min(numbers, name.Split('_').Length)..];
        string[] first = End(names[0]);
        return names.Length > 1 && first.Length == numbers
            && first.All(part => int.TryParse(part, out int side) && side >= 16 && part == first[0])
            && Array.TrueForAll(names, name => End(name).SequenceEqual(first));
    }

    private static PatchName?[] Try(PatchNameForm form, string[] names) => [.. names.Select(form.Read)];

    private static bool Share(string[] names, Func<int, bool> holds) => Enumerable.Range(0, names.Length).All(holds);

    /// <summary>Two files of one folder at one place: the form is not theirs.</summary>
    private static bool Collide(PatchName?[] read, string[][] folders)
    {
        var seen = new HashSet<(string, string, long, long)>(read.Length);
        for (int i = 0; i < read.Length; i++)
            if (read[i] is { } name && !seen.Add((string.Join('/', folders[i]), name.Slide, name.X, name.Y)))
                return true;
        return false;
    }

    /// <summary>Numbers of which there are more than any set has classes are places.</summary>
    private static bool FewClasses(PatchName?[] read)
    {
        string[] labels = [.. read.OfType<PatchName>().Select(name => name.Label!).Distinct()];
        return labels.Length <= 30 || !labels.All(label => long.TryParse(label, out _));
    }

    private static void RefuseMixed(List<string> images, PatchName?[] read)
    {
        int without = read.Count(name => name is null);
        if (without > 0 && without < read.Length)
            throw new Fault(FaultKind.Input, $"{without} of {read.Length} patch names carry no coordinates, the first "
                + $"{images[Array.FindIndex(read, name => name is null)]}; name them <slide>_<col>_<row>_<label> or write a " +
                    $"{PatchFolderListing.CsvName}.");
    }

    /// <summary>What each level of folders is.</summary>
    private sealed class FolderRoles
    {
        private const int Nothing = -1;

        // What sets call the folder above their slides.
        private static readonly HashSet<string> Containers = new(StringComparer.OrdinalIgnoreCase)
        {
            "patches", "tiles", "images", "image", "img", "single", "pyramid", "wsi", "data", "dataset", "slides", "png", "jpg", "jpeg",
                "20x", "40x", "10x", "5x",
        };

        private readonly string _root;
        private readonly string[][] _folders;
        private readonly int _split = Nothing, _slide = Nothing, _patient = Nothing, _class = Nothing;
        private readonly bool _deepZoom;

        public FolderRoles(string root, string[][] folders, PatchName?[] read, PatchNameForm? form)
        {
            (_root, _folders) = (Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(root))), folders);
            int depth = folders[0].Length;
            var free = new List<int>();
            var said = new List<string>();
            bool namesLackSlide = form is not null && read.All(name => name is { Slide.Length: 0 });
            for (int level = 0; level < depth; level++)
            {
                int at = level;
                bool Every(Func<string, int, bool> holds) => folders.Select((parts, i) => holds(parts[at], i)).All(yes => yes);
                if (_split == Nothing && Every((part, _) => SplitNames.ContainsKey(part)))
                    _split = level;
                else if (form is not null && !namesLackSlide && Every((part, i) => read[i]!.Value.Slide == part))
                    _slide = level;
                else if (form is not null && !namesLackSlide && Every((part, i) => IsBeginning(part, read[i]!.Value.Slide)))
                    _patient = level;
                else
                    free.Add(level);
            }
            if (namesLackSlide && free.Count > 0)
            {
                _slide = free[^1];
                free.RemoveAt(free.Count - 1);
                // A level of a pyramid, 17 or a magnification of 20.0, lies between the slide's folder and its patches.
                bool inFiles = _slide > 0 && folders.All(parts => parts[_slide - 1].EndsWith("_files", StringComparison.Ordinal));
                if (_slide > 0 && free.Contains(_slide - 1) && IsOneNumber(folders, _slide)
                    && (inFiles || folders[0][_slide].Contains('.')))
                {
                    free.Remove(--_slide);
                    _deepZoom = inFiles;
                }
            }
            // A level of one folder above others says nothing, unless it is all that there is.
            if (free.Count > 1)
                free.RemoveAll(level => free.Count > 1 && folders.Select(parts => parts[level]).Distinct().Count() == 1);
            // Nor is it a class where it is called as sets call the folder of all patches.
            if (free.Count == 1 && Containers.Contains(folders[0][free[0]])
                && folders.All(parts => parts[free[0]] == folders[0][free[0]]))
                free.Clear();
            if (free.Count > 1)
                throw new Fault(FaultKind.Input,
                    $"{root}: the folders {string.Join('/', folders[0])} could be classes on {free.Count} levels; "
                    + $"say what is what in a {PatchFolderListing.CsvName} (file,slide,col,row,label).");
            _class = free.Count == 1 ? free[0] : Nothing;
            foreach ((int level, string what) in ((int, string)[])[(_split, "splits"), (_class, "classes"), (_patient, "patients"),
                (_slide, "slides")])
                if (level != Nothing)
                    said.Add($"{what} ({Some(folders, level)})");
            Words = said.Count > 0 ? $"folders are {string.Join(", ", said)}" : namesLackSlide ? $"the slide is the folder, {_root}" : "";
        }

        public string Words { get; }

        public string? Label(int i) => _class == Nothing ? null : _folders[i][_class];

        public string? Split(int i) => _split == Nothing ? null : SplitNames[_folders[i][_split]];

        public string? Patient(int i) => _patient == Nothing ? null : _folders[i][_patient];

        public string Slide(int i, PatchName? name) => name is { Slide.Length: > 0 } known ? known.Slide
            : _slide == Nothing ? _root : _deepZoom ? _folders[i][_slide][..^"_files".Length] : _folders[i][_slide];

        private static bool IsOneNumber(string[][] folders, int level) =>
            double.TryParse(folders[0][level], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _)
            && Array.TrueForAll(folders, parts => parts[level] == folders[0][level]);

        /// <summary>"10253" of "10253_idx5", and not "1" of "10253".</summary>
        private static bool IsBeginning(string part, string slide) =>
            slide.Length > part.Length && slide.StartsWith(part, StringComparison.Ordinal) && !char.IsLetterOrDigit(slide[part.Length]);

        private static string Some(string[][] folders, int level)
        {
            string[] names = [.. folders.Select(parts => parts[level]).Distinct().Order(StringComparer.Ordinal)];
            return names.Length <= 3 ? string.Join(", ", names) : $"{names[0]}, {names[1]} … {names.Length} in all";
        }
    }
}
