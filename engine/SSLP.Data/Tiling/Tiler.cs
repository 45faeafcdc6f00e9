using System.Globalization;
using SSLP.Data.Annotations;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tissue;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>The point that GeoJSON of regions counts from.</summary>
public enum RegionOrigin
{
    /// <summary>The corner of the slide's bounds where it has some (openslide.bounds-x and -y), else of its canvas.</summary>
    QuPath,

    /// <summary>The corner of the canvas, always.</summary>
    Slide,
}

/// <summary>What patches are cut, and from which slides.</summary>
public sealed record TilingOptions
{
    /// <summary>Side of a patch, px. Default 256, the paper's.</summary>
    public int PatchSize { get; init; } = 256;

    /// <summary>Pixel size of the patches, µm. Default 0.5, about 20×.</summary>
    public double Mpp { get; init; } = 0.5;

    /// <summary>Least share of a patch that must be tissue, 0 … 1. Default 0.5.</summary>
    public double MinTissue { get; init; } = 0.5;

    /// <summary>Pixel size of slides that do not say theirs, µm. Default: such slides are left out.</summary>
    public double? AssumeMpp { get; init; }

    /// <summary>Take slides whose finest level is coarser than <see cref="Mpp"/>, enlarging them. Default: they are left out.</summary>
    public bool Upsample { get; init; }

    /// <summary>How tissue is told from glass.</summary>
    public TissueOptions Tissue { get; init; } = new();

    /// <summary>Folder of region files, QuPath's GeoJSON or ASAP's XML, called as the slides: patches are cut inside their areas only.
    /// Default none.</summary>
    public string? RegionsFolder { get; init; }

    /// <summary>Take a slide that has no region file whole. Default: it is left out.</summary>
    public bool RegionsOptional { get; init; }

    /// <summary>Folder of annotation files, GeoJSON, ASAP XML or mask TIFF, called as the slides: patches get classes from them. Default
    /// none.</summary>
    public string? AnnotationsFolder { get; init; }

    /// <summary>Least share of a patch that its class covers. Default 0.5.</summary>
    public double LabelShare { get; init; } = 0.5;

    /// <summary>
    /// Class of patches that no annotation touches, also on slides that have no annotation file. Default: none, but
    /// "normal" on slides with ASAP XML of CAMELYON's groups, where this is the annotation's meaning.
    /// </summary>
    public string? LabelRest { get; init; }

    /// <summary>Names of a mask's values; a value without one is called by its number.</summary>
    public IReadOnlyDictionary<int, string>? MaskClasses { get; init; }

    /// <summary>Where GeoJSON counts from on slides that have bounds inside of their canvas. Default: from there, as QuPath does.</summary>
    public RegionOrigin RegionOrigin { get; init; } = RegionOrigin.QuPath;

    /// <summary>Splits of slides, which the manifest keeps; null for none.</summary>
    public SplitList? Splits { get; init; }

    /// <summary>Patients of slides, which the manifest keeps; null for none.</summary>
    public PatientList? Patients { get; init; }

    /// <summary>Folder for a contact sheet of every slide; null for none.</summary>
    public string? ContactSheetFolder { get; init; }

    /// <summary>Slides at once. Default all cores.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    internal void Check()
    {
        if (PatchSize is < 1 or > 8192)
            throw new Fault(FaultKind.Usage, $"A patch of {PatchSize} px cannot be cut; choose 1 to 8192.");
        if (!(Mpp > 0) || !double.IsFinite(Mpp))
            throw new Fault(FaultKind.Usage, $"A pixel size of {Mpp} µm means nothing; 0.5 is about 20×, 0.25 about 40×.");
        if (!(MinTissue is >= 0 and <= 1))
            throw new Fault(FaultKind.Usage, $"The least share of tissue is {MinTissue}; it must lie in 0 to 1.");
        if (Tissue.Threshold is int threshold && (threshold is < 0 or > 254 || Tissue.Method == TissueMethod.All))
            throw new Fault(FaultKind.Usage, Tissue.Method == TissueMethod.All
                ? "A threshold says nothing where all is taken for tissue; leave out the one or the other."
                : $"A tissue threshold of {threshold} means nothing; stain and density go from 0 to 254.");
        if (AssumeMpp is double assumed && (!(assumed > 0) || !double.IsFinite(assumed)))
            throw new Fault(FaultKind.Usage, $"An assumed pixel size of {assumed} µm means nothing.");
        if (!(LabelShare is > 0 and <= 1))
            throw new Fault(FaultKind.Usage, $"A patch can't be labelled by a share of {LabelShare}; it must lie above 0 and up to 1.");
    }
}

/// <summary>What became of one slide.</summary>
/// <param name="Slide">The file.</param>
/// <param name="Verdict">Ok or DamagedTiles with patches; anything else without.</param>
/// <param name="Patches">Patches cut.</param>
/// <param name="Reason">Why there are none, or what is damaged; empty where all is well.</param>
public sealed record TilingOutcome(SlideFile Slide, SlideVerdict Verdict, int Patches, string Reason)
{
    /// <summary>How tissue was told from glass; null where there was nothing to tell.</summary>
    public TissueMethod? Tissue { get; init; }

    /// <summary>One line for a log.</summary>
    public override string ToString() => $"{Slide.Name}: {(Patches == 0 ? "no" : $"{Patches}")} {(Patches == 1 ? "patch" : "patches")}"
        + (Tissue is TissueMethod.Density or TissueMethod.All
            ? $", tissue by {(Tissue == TissueMethod.Density ? "density" : "taking all")}" : "")
        + (Reason.Length > 0 ? $" ({Reason})" : "");
}

/// <summary>A manifest and one outcome per slide, in the order the slides were given, and what is to be said of the folders of regions and
/// annotations.</summary>
public sealed record TilingResult(TileManifest Manifest, IReadOnlyList<TilingOutcome> Outcomes, IReadOnlyList<string> Notes);

/// <summary>
/// Tissue mask and patch grid of many slides. A bad slide is an outcome, never an exception: the others go on, and the manifest
/// keeps the list of those left out and why.
/// </summary>
public static class Tiler
{
    /// <param name="slides">The files, as <see cref="SlideListing"/> gives them.</param>
    /// <param name="options">What to cut.</param>
    /// <param name="progress">Told each outcome as it is known; order and thread are any.</param>
    /// <param name="cancel">Stops between slides and inside long ones.</param>
    /// <param name="runtime">What the slides share; null gives each one of its own.</param>
    /// <exception cref="Fault">An option that means nothing.</exception>
    public static TilingResult Run(
        IReadOnlyList<SlideFile> slides, TilingOptions options, IProgress<TilingOutcome>? progress = null,
        CancellationToken cancel = default,
        SlideRuntime? runtime = null)
    {
        options.Check();
        SlideAreas areas = new(options, slides);
        string[] sheets = SlideOutputNames.Flat([.. slides.Select(slide => slide.Name)]);
        var tiled = new TiledSlide[slides.Count];
        var parallel = new ParallelOptions { CancellationToken = cancel, MaxDegreeOfParallelism = Math.Max(1, options.Threads) };
        Parallel.For(0, slides.Count, parallel, i =>
        {
            tiled[i] = One(slides[i], sheets[i], options, areas, cancel, runtime);
            progress?.Report(tiled[i].Outcome);
        });
        return new(Assemble(tiled, options), [.. tiled.Select(slide => slide.Outcome)], areas.Notes);
    }

    private static TiledSlide One(
        SlideFile file, string sheet, TilingOptions options, SlideAreas areas, CancellationToken cancel, SlideRuntime? runtime)
    {
        try
        {
            using var slide = Slide.Open(file.Path, runtime: runtime);
            var inspection = SlideInspection.Of(slide, options.Mpp, options.AssumeMpp, options.Upsample,
                options.Tissue, cancel);
            if (inspection.Mpp is not { } mpp || inspection.Mask is not { } mask)
                return TiledSlide.LeftOut(file, inspection.Verdict, inspection.Reason);
            var grid = new SlideGrid(options.PatchSize, options.Mpp, mpp.X, mpp.Y, slide.Levels[0].Width, slide.Levels[0].Height);
            OneSlideAreas own = areas.Of(file, slide, grid);
            List<(int Col, int Row)> patches =
                [.. grid.Covered(mask, options.MinTissue).Where(place => own.Regions?.Takes(place.Col, place.Row) != false)];
            if (options.ContactSheetFolder is { } folder)
                ContactSheet.Write(Path.Combine(folder, sheet + ".png"), inspection.Thumbnail!.Image, mask, grid, patches);
            if (patches.Count == 0)
            {
                string none = inspection.Reason.Length > 0 ? inspection.Reason : NoPatchReason(grid, options);
                return TiledSlide.LeftOut(file, SlideVerdict.NoTissue, string.Join("; ", [none, .. slide.PixelSize.Notes]));
            }
            var entry = new ManifestSlide(file.Name, Path.GetFullPath(file.Path), SourceSlide.BytesOf(file.Path),
                grid.Width, grid.Height, mpp.X, mpp.Y, mpp.Source, patches.Count)
            {
                Tissue = mask.Method == TissueMethod.Stain ? null : mask.Method,
            };
            string reason = string.Join(
                "; ", ((string[])[inspection.Reason, .. slide.PixelSize.Notes, .. own.Notes]).Where(note => note.Length > 0));
            return new(new(file, inspection.Verdict, patches.Count, reason) { Tissue = mask.Method }, entry, patches, own.Label(patches));
        }
        catch (SlideException e)
        {
            return TiledSlide.LeftOut(file, SlideInspection.VerdictOf(e.Fault), e.Reason);
        }
        catch (Fault e)
        {
            return TiledSlide.LeftOut(file, SlideVerdict.BadRegions, e.Message);
        }
    }

    private static string NoPatchReason(SlideGrid grid, TilingOptions options) => grid.Columns == 0 || grid.Rows == 0
        ? string.Create(CultureInfo.InvariantCulture,
            $"{grid.Width} × {grid.Height} px hold no whole patch of {options.PatchSize} px at {options.Mpp:0.####} µm")
        : string.Create(CultureInfo.InvariantCulture,
            $"no patch of {options.PatchSize} px at {options.Mpp:0.####} µm is tissue by {options.MinTissue:0.##} or more")
            + (options.RegionsFolder is null ? "" : " and inside its regions");

    private static TileManifest Assemble(TiledSlide[] tiled, TilingOptions options)
    {
        TiledSlide[] kept = [.. tiled.Where(slide => slide.Entry is not null)];
        int count = kept.Sum(slide => slide.Patches.Count), next = 0;
        int[] slideOf = new int[count], cols = new int[count], rows = new int[count];
        bool labelled = options.AnnotationsFolder is not null;
        string?[] names = new string?[labelled ? count : 0];
        float[] shares = new float[names.Length];
        for (int slide = 0; slide < kept.Length; slide++)
            for (int i = 0; i < kept[slide].Patches.Count; i++, next++)
            {
                (slideOf[next], (cols[next], rows[next])) = (slide, kept[slide].Patches[i]);
                if (kept[slide].Labels is { } labels)
                    (names[next], shares[next]) = (labels.Names[i], labels.Shares[i]);
            }
        var classes = CategoryColumn.FromNames(names);
        ManifestSlide[] entries = [.. kept.Select(slide => slide.Entry! with
        {
            Split = options.Splits?.Of(slide.Entry!.Name),
            Patient = options.Patients?.Of(slide.Entry!.Name),
        })];
        PatchTable table = TileManifest.TableOf(entries, slideOf, cols, rows, classes);
        var header = new ManifestHeader(options.PatchSize, options.Mpp, options.MinTissue, options.Upsample,
            entries,
            [.. tiled.Where(slide => slide.Entry is null).Select(slide => slide.Outcome)
                .Select(outcome => new ManifestOmission(outcome.Slide.Name, outcome.Slide.Path, outcome.Verdict, outcome.Reason))],
            classes?.Names, classes is null ? null : options.LabelShare);
        return new(header, table, null, classes is null ? default : shares);
    }

    private sealed record TiledSlide(TilingOutcome Outcome, ManifestSlide? Entry, List<(int Col, int Row)> Patches, PatchLabels? Labels)
    {
        public static TiledSlide LeftOut(SlideFile file, SlideVerdict verdict, string reason) =>
            new(new(file, verdict, 0, reason), null, [], null);
    }
}
