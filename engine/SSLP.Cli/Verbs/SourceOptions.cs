using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Data.Tissue;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Interop.Slides;

namespace SSLP.Cli.Verbs;

/// <summary>At what scale patches are cut from slides.</summary>
/// <param name="Patch">Side, px.</param>
/// <param name="Mpp">Micrometres per pixel; null where it is not known.</param>
/// <param name="Given">The same where a user named it, for patches that are already cut; null where it is a default.</param>
/// <param name="Tissue">How tissue is told from glass where no flag says it; null for the defaults.</param>
internal readonly record struct PatchScale(int Patch, double? Mpp, double? Given = null, TissueOptions? Tissue = null);

/// <summary>--slides | --patches | --tiles, and what goes with them: where a verb's patches come from.</summary>
internal sealed class SourceOptions
{
    private readonly Option<string?> _patches = Inputs.PatchesFolder();
    private readonly Option<string?> _slides = Inputs.SlidesFolder();
    private readonly Option<string?> _tiles = new("--tiles") { Description = "manifest of sslp tile", HelpName = "FILE" };
    private readonly Option<string?> _labels = new("--labels")
    {
        Description =
            "CSV of slide,x,y,label[,split], level-0 pixels: with --slides, one patch centred on each point; with --tiles, the class of " +
            "the patch a point lies in",
        HelpName = "CSV",
    };
    private readonly Option<string?> _coordinates = new("--coordinates")
    {
        Description = "with --slides: one patch at each place of CLAM's or TRIDENT's HDF5 files, <slide>.h5 or <slide>_patches.h5",
        HelpName = "DIR",
    };
    private readonly Option<string?> _split =
        new("--split")
        {
            Description = "only the patches of this split; all: every patch. pretrain takes 'train' where there are splits",
            HelpName = "NAME"
        };
    private readonly Option<string?> _patients = Inputs.Patients();
    private readonly TilingArguments _tiling = new();
    private readonly Anonymity _anonymity = new();

    public void AddTo(Command command)
    {
        foreach (System.CommandLine.Option option in (System.CommandLine.Option[])[_slides, _patches, _tiles, _labels, _coordinates,
            _split, _patients])
            command.Add(option);
        _tiling.AddTo(command);
        _anonymity.AddTo(command);
    }

    /// <summary>Opens the source that the command line names; the caller disposes it.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="context">Whose slide caches and decoders the source reads with; open longer than it.</param>
    /// <param name="scale">How patches are cut where it names slides.</param>
    /// <param name="needsCoordinates">Refuse patches that say nothing of where they lie.</param>
    /// <param name="run">Where slides are tiled here: the run that keeps their grid and contact sheets, or null.</param>
    /// <param name="learns">The patches are pretrained on: of those that have splits the split train, unless --split says
    /// otherwise.</param>
    public IPatchSource Open(
        ParseResult parsed, EngineContext context, PatchScale scale, bool needsCoordinates = false, RunFolder? run = null,
        bool learns = false)
    {
        _anonymity.Begin(parsed, parsed.GetValue(_slides), parsed.GetValue(_tiles));
        IPatchSource whole = OpenWhole(parsed, context, scale, needsCoordinates, run);
        try
        {
            IPatchSource source = _anonymity.Of(WithPatients(parsed, whole));
            source = OfSplit(source, parsed.GetValue(_split), learns);
            return ReferenceEquals(source, whole) ? whole : new OpenedPatches(source, whole);
        }
        catch
        {
            whole.Dispose();
            throw;
        }
    }

    /// <summary>A folder of patches that are already cut, with a line of how it was read and a warning for all that was left out.</summary>
    public static PatchFolder OpenFolder(string folder, bool needsCoordinates, double? mpp, IReadWatch? watch = null)
    {
        var patches = PatchFolder.Open(
            folder, new PatchFolderOptions { RequireCoordinates = needsCoordinates, Mpp = mpp, Watch = watch }, Shell.Stop);
        string size = patches.Mpp is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known:0.####} µm per pixel")
            : "µm per pixel unknown";
        Shell.Say($"{folder}: {patches.Understood}; {size}");
        foreach (string what in patches.LeftOut)
            Shell.Warn($"{folder}: left out: {what}");
        return patches;
    }

    /// <summary>The patches with the patients of --patients, where that is given.</summary>
    public IPatchSource WithPatients(ParseResult parsed, IPatchSource source)
    {
        if (parsed.GetValue(_patients) is not { } csv)
            return source;
        (PatchTable table, string said) = PatientList.Read(csv).Apply(source.Table);
        Shell.Say(said);
        return new RegroupedPatches(source, table, $"patients of {csv}");
    }

    /// <summary>Flags that are keys of a run, too.</summary>
    public IEnumerable<string> KeysOf(ParseResult parsed) => _tiling.KeysOf(parsed);

    /// <summary>--mpp as it was given, or null.</summary>
    public double? GivenMpp(ParseResult parsed) => _tiling.GivenMpp(parsed);

    /// <summary>Whether any of --slides, --patches and --tiles is given.</summary>
    public bool IsGiven(ParseResult parsed) =>
        (parsed.GetValue(_patches) ?? parsed.GetValue(_slides) ?? parsed.GetValue(_tiles)) is not null;

    /// <summary>Whether slides are named that nothing gives a class to.</summary>
    public bool IsWithoutLabels(CommandResult result) =>
        result.GetValue(_slides) is not null && (result.GetValue(_tiles) ?? result.GetValue(_patches) ?? result.GetValue(_labels)) is null;

    /// <summary>One patch around each point of a CSV, cut as <paramref name="like"/> from the slides that the command line names.</summary>
    /// <param name="parsed">The command line, of --slides or --tiles.</param>
    /// <param name="context">As for the patches.</param>
    /// <param name="labels">The CSV.</param>
    /// <param name="like">The patches of the same command line, which say size and scale.</param>
    public IPatchSource OpenPoints(ParseResult parsed, EngineContext context, string labels, IPatchSource like)
    {
        string? folder = parsed.GetValue(_slides);
        if (folder is null && parsed.GetValue(_tiles) is { } tiles)
        {
            using var manifest = TileManifest.Open(tiles);
            folder = Path.GetDirectoryName(manifest.Slides[0].Path);
        }
        if (folder is null || like.Mpp is not double mpp)
            throw new Fault(FaultKind.Usage,
                "--probe-labels names points on slides; patches that are already cut carry their labels in patches.csv or in their " +
                "folders.");
        TilingOptions options = _tiling.Read(parsed, new PatchScale(like.PatchSize, mpp));
        var points = SlidePatches.AtPoints(LabelledPoints.Read(labels), folder, like.PatchSize, mpp, options.AssumeMpp,
            options.Upsample, runtime: context.Slides);
        IPatchSource source = _anonymity.Of(WithPatients(parsed, points));
        return ReferenceEquals(source, points) ? points : new OpenedPatches(source, points);
    }

    private IPatchSource OpenWhole(ParseResult parsed, EngineContext context, PatchScale scale, bool needsCoordinates, RunFolder? run)
    {
        string? patches = parsed.GetValue(_patches), slides = parsed.GetValue(_slides), tiles = parsed.GetValue(_tiles);
        if (new[] { patches, tiles }.Count(given => given is not null) + (slides is not null && tiles is null ? 1 : 0) != 1)
            throw new Fault(FaultKind.Usage, $"{parsed.CommandResult.Command.Name} takes one of --slides, --patches and --tiles.");
        if (slides is null || tiles is not null)
            RefuseWhatNeedsSlides(parsed, patches ?? tiles!, withLabels: patches is not null);
        if (patches is not null)
            return OpenFolder(patches, needsCoordinates, _tiling.GivenMpp(parsed) ?? scale.Given, context.Stages);
        if (tiles is not null)
            return OpenTiles(tiles, slides, parsed.GetValue(_labels), context.Slides);
        if (parsed.GetValue(_labels) is not null || parsed.GetValue(_coordinates) is not null)
        {
            if (parsed.GetValue(_labels) is not null && parsed.GetValue(_coordinates) is not null)
                throw new Fault(FaultKind.Usage, "--labels and --coordinates both say where patches are cut: give one of them.");
            _tiling.RefuseRegions(parsed, parsed.GetValue(_labels) ?? parsed.GetValue(_coordinates)!);
        }
        TilingOptions options = _tiling.Read(parsed, scale) with { ContactSheetFolder = run?.Sheets };
        if (parsed.GetValue(_labels) is { } labels)
            return OnSlides(SlidePatches.AtPoints(
                LabelledPoints.Read(labels), slides!, options.PatchSize, options.Mpp, options.AssumeMpp, options.Upsample,
                runtime: context.Slides), labels);
        if (parsed.GetValue(_coordinates) is { } coordinates)
            return AtCoordinates(coordinates, ListSlides(slides!), options, needsCoordinates, context.Slides);
        SlideList files = ListSlides(slides!);
        TileManifest manifest = TileSlides(slides!, files, options, context.Slides);
        if (run is not null)
            _anonymity.Rename(run.Sheets, files);
        // A manifest has the slides' paths, without which their patches cannot be read.
        if (run is not null && !_anonymity.IsAsked(parsed))
            manifest.Save(run.Tiles);
        return SlidePatches.FromManifest(manifest, runtime: context.Slides);
    }

    private static IPatchSource OpenTiles(string tiles, string? slides, string? labels, SlideRuntime runtime)
    {
        var patches = SlidePatches.Open(tiles, slides, runtime: runtime);
        if (labels is null)
            return patches;
        try
        {
            using var manifest = TileManifest.Open(tiles);
            var labelled = new LabelledGrid(patches, manifest, LabelledPoints.Read(labels));
            if (labelled.Unused is { } unused)
                Shell.Warn(unused);
            return new OpenedPatches(labelled, patches);
        }
        catch
        {
            patches.Dispose();
            throw;
        }
    }

    private static IPatchSource AtCoordinates(
        string folder, IReadOnlyList<SlideFile> slides, TilingOptions options, bool spatial, SlideRuntime runtime)
    {
        CoordinateReading reading = CoordinateFiles.Read(folder, slides, spatial, options.AssumeMpp);
        foreach (string note in reading.Notes)
            Shell.Warn(note);
        var paths = slides.ToDictionary(slide => slide.Name, slide => slide.Path);
        var patches = SlidePatches.AtPoints(
            reading.Points, [.. reading.Points.Table.Slides.Select(name => paths[name])], options.PatchSize, options.Mpp, options.AssumeMpp,
            options.Upsample, runtime: runtime);
        SayOtherSizes(reading, patches);
        return OnSlides(patches, folder);
    }

    /// <summary>The patches that have a pixel of their slide; the others are counted and named, since all that they show is
    /// white.</summary>
    private static IPatchSource OnSlides(SlidePatches patches, string list)
    {
        int[] inside = [.. Enumerable.Range(0, patches.Table.Count).Where(patch => !patches.IsOutside(patch))];
        if (inside.Length == patches.Table.Count)
            return patches;
        int first = Enumerable.Range(0, patches.Table.Count).First(patches.IsOutside);
        string said =
            $"{patches.Table.Count - inside.Length} of {patches.Table.Count} places of {list} lie outside of their slides, the first "
            + string.Create(CultureInfo.InvariantCulture, $"at {patches.OriginLevel0(first)} of {patches.Table.SlideName(first)}");
        if (inside.Length == 0)
        {
            patches.Dispose();
            throw new Fault(FaultKind.Input, $"{said}: they are of other slides, or counted in other pixels than level 0's.");
        }
        Shell.Warn($"{said}; they were left out");
        return new OpenedPatches(new PatchSubset(patches, inside, "places on the slides"), patches);
    }

    /// <summary>A file's places are corners of patches of its own size; patches of another one are cut around the same centres.</summary>
    private static void SayOtherSizes(CoordinateReading reading, SlidePatches patches)
    {
        const double Same = 0.02;
        int[] others = [.. Enumerable.Range(0, reading.Sizes.Count)
            .Where(slide => Math.Abs((reading.Sizes[slide].X / SideLevel0(slide)) - 1) > Same)];
        if (others.Length > 0)
            Shell.Warn(string.Create(CultureInfo.InvariantCulture,
                $"the coordinate files of {others.Length} slides are of patches of another size (of {patches.Table.Slides[others[0]]}: ")
                + string.Create(CultureInfo.InvariantCulture, $"{reading.Sizes[others[0]].X:0.#} px at level 0, ")
                + string.Create(CultureInfo.InvariantCulture, $"where {patches.PatchSize} px at {patches.Mpp:0.####} µm ")
                + string.Create(CultureInfo.InvariantCulture, $"are {SideLevel0(others[0]):0.#}); ")
                + "patches are cut around the same centres (--patch, --mpp)");

        double SideLevel0(int slide) => patches.GeometryOf(slide) is { } own ? own.PatchSize * own.Mpp / own.SlideMppX : double.NaN;
    }

    /// <summary>An option that would do nothing is refused.</summary>
    private void RefuseWhatNeedsSlides(ParseResult parsed, string patches, bool withLabels)
    {
        _tiling.RefuseRegions(parsed, patches);
        if (parsed.GetValue(_coordinates) is not null)
            throw new Fault(FaultKind.Usage,
                $"--coordinates says where slides are cut, and the patches of {patches} are cut already: name the slides with --slides " +
                $"alone.");
        if (withLabels && parsed.GetValue(_labels) is not null)
            throw new Fault(FaultKind.Usage,
                $"--labels names points on slides; the patches of {patches} carry their labels in patches.csv, in their folders or in " +
                $"their names.");
    }

    private static IPatchSource OfSplit(IPatchSource source, string? split, bool learns)
    {
        if (split == "all" && source.Table.Splits?.Contains("all") != true)
            return source;
        if (split is not null)
            return new PatchSubset(source, source.Table.InSplit(split), $"split {split}");
        if (!learns || source.Table.Splits is not { } splits)
            return source;
        if (!splits.Contains("train"))
            throw new Fault(FaultKind.Usage,
                $"The patches have splits ({string.Join(", ", splits)}) and none is called train: name the one to learn from with " +
                $"--split, or all of them with --split all.");
        int[] train = source.Table.InSplit("train");
        Shell.Say($"split train: {train.Length:N0} of {source.Table.Count:N0} patches (--split all takes every one)");
        return new PatchSubset(source, train, "split train");
    }

    /// <summary>Tissue mask and grid of every slide of a folder, with a line for each and the bad ones once more at the end.</summary>
    /// <exception cref="Fault">No slide gave a patch; says why for each.</exception>
    public static TileManifest TileSlides(string slides, TilingOptions options, SlideRuntime runtime) =>
        TileSlides(slides, ListSlides(slides), options, runtime);

    /// <summary>The slides that --slides or audit's arguments name, with a warning for all that was not listed.</summary>
    public static SlideList ListSlides(params string[] inputs)
    {
        SlideList slides = SlideListing.List(inputs);
        foreach (string note in slides.Notes)
            Shell.Warn(note);
        return slides;
    }

    /// <summary>The same for some slides of it.</summary>
    public static TileManifest TileSlides(string slides, IReadOnlyList<SlideFile> files, TilingOptions options, SlideRuntime runtime)
    {
        IProgress<TilingOutcome> progress = files.Count > OutcomeLines.Most ? new SlideCount<TilingOutcome>("tiled", files.Count)
            : new OutcomeLines();
        TilingResult result = Tiler.Run(files, options, progress, Shell.Stop, runtime);
        TilingOutcome[] bad = [.. result.Outcomes.Where(o => o.Reason.Length > 0)];
        if (result.Manifest.Table.Count == 0)
            throw new Fault(FaultKind.Input,
                $"No slide of '{slides}' gave a patch: {string.Join("; ", bad.Take(5).Select(o => o.ToString()))}.");
        foreach (TilingOutcome outcome in bad)
            Shell.Warn(outcome.ToString());
        foreach (string note in result.Notes)
            Shell.Warn(note);
        return result.Manifest;
    }

    private sealed class OutcomeLines : IProgress<TilingOutcome>
    {
        /// <summary>Of more slides only the number is told, and all that is to be said of single ones at the end.</summary>
        public const int Most = 200;

        public void Report(TilingOutcome outcome)
        {
            if (outcome.Reason.Length == 0)
                Shell.Say(outcome.ToString());
        }
    }
}
