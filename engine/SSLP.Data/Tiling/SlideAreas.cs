using System.Collections.Concurrent;
using System.Globalization;
using SSLP.Data.Annotations;
using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>What was drawn on slides, laid over their patch grids: where patches are cut, and of which class they are.</summary>
internal sealed class SlideAreas
{
    /// <summary>What is outside of the tumours of an annotated CAMELYON slide.</summary>
    private const string CamelyonRest = "normal";

    private static readonly string[] CamelyonClasses = ["tumor", "metastases"];

    private readonly TilingOptions _options;
    private readonly AnnotationFolder? _regions, _annotations;
    private readonly ConcurrentBag<string> _withoutRegions = [], _withoutAnnotations = [];

    public SlideAreas(TilingOptions options, IReadOnlyList<SlideFile> slides)
    {
        _options = options;
        _regions = options.RegionsFolder is { } regions ? new(regions, slides, masks: false, "region") : null;
        _annotations = options.AnnotationsFolder is { } annotations ? new(annotations, slides, masks: true, "annotation") : null;
    }

    /// <summary>What is to be said of the folders, after all slides.</summary>
    public IReadOnlyList<string> Notes
    {
        get
        {
            var notes = new List<string>();
            foreach ((AnnotationFolder? folder, string? path) in ((AnnotationFolder?, string?)[])[(_regions, _options.RegionsFolder),
                (_annotations, _options.AnnotationsFolder)])
                if (folder is { Unused: { Count: > 0 } unused })
                    notes.Add($"{Counted.Of(unused.Count, "file")} of {path} {(unused.Count == 1 ? "is" : "are")} of none of these slides: "
                        + Some(unused));
            if (!_withoutRegions.IsEmpty)
                notes.Add($"no region file, taken whole: {Counted.Slides(_withoutRegions.Count)}: {Some(_withoutRegions)}");
            if (!_withoutAnnotations.IsEmpty)
                notes.Add($"no annotation file: {Counted.Slides(_withoutAnnotations.Count)}, whose patches "
                    + (_options.LabelRest is { } rest ? $"are all '{rest}', by --label-rest: "
                        : "have no class (--label-rest NAME would give one): ") + Some(_withoutAnnotations));
            return notes;
        }
    }

    /// <summary>The areas of one slide. Thread-safe.</summary>
    /// <exception cref="Fault">It has no region file and needs one, or a file that can't be read.</exception>
    public OneSlideAreas Of(SlideFile file, Slide slide, SlideGrid grid)
    {
        var cells = new CellGrid(0, 0, grid.PatchSize * grid.ScaleX, grid.PatchSize * grid.ScaleY, grid.Columns, grid.Rows);
        var notes = new List<string>();
        AreaGrid? regions = null;
        if (_regions is not null)
        {
            if (_regions.Of(file) is { } path)
                regions = new(WithoutLoneHoles(Read(path, file, slide, notes).Areas), cells);
            else if (_options.RegionsOptional)
                _withoutRegions.Add(file.Name);
            else
                throw new Fault(FaultKind.Input,
                    $"{_options.RegionsFolder} holds no region file for it; add one, or take such slides whole with --regions-optional");
        }
        if (_annotations is null)
            return new(regions, null, notes);
        var rule = new LabelRule(_options.LabelShare, _options.LabelRest);
        if (_annotations.Of(file) is not { } annotated)
        {
            _withoutAnnotations.Add(file.Name);
            return new(regions, patches => PatchLabels.AllRest(patches.Count, rule), notes);
        }
        ClassGrid classes;
        if (AnnotationFolder.IsMask(annotated))
            classes = MaskImage.Read(annotated, grid.Width, grid.Height, cells, _options.MaskClasses);
        else
        {
            SlideAnnotations drawn = Read(annotated, file, slide, notes);
            int unnamed = drawn.Areas.Count(area => area is { Kind: AreaKind.Region, Class: null });
            if (unnamed > 0)
                notes.Add($"{unnamed} annotations have no class; patches in them have none");
            classes = new AreaGrid(drawn.Areas, cells).Classify();
            if (!drawn.CountsFromBounds && classes.Classes.Intersect(CamelyonClasses, StringComparer.OrdinalIgnoreCase).Any())
                rule = rule with { Rest = rule.Rest ?? CamelyonRest };
        }
        return new(regions, patches => PatchLabels.Of(classes, patches, rule), notes);
    }

    /// <summary>Holes of a file that has nothing around them say what is not to be cut.</summary>
    private static IReadOnlyList<AnnotatedArea> WithoutLoneHoles(IReadOnlyList<AnnotatedArea> areas) =>
        areas.Any(area => area.Kind == AreaKind.Region) ? areas
            : [.. areas.Select(area => area.Kind == AreaKind.Hole ? area with { Kind = AreaKind.Ignored } : area)];

    private SlideAnnotations Read(string path, SlideFile file, Slide slide, List<string> notes)
    {
        var drawn = SlideAnnotations.Read(path, AnnotationFolder.StemOf(file.Name));
        if (drawn.LeftOut.Count > 0)
            notes.Add($"of {Path.GetFileName(path)} were left out: {string.Join(", ", drawn.LeftOut)}");
        (double x, double y) = (Bound("x"), Bound("y"));
        if (!drawn.CountsFromBounds || _options.RegionOrigin == RegionOrigin.Slide || (x == 0 && y == 0))
            return drawn;
        notes.Add(string.Create(CultureInfo.InvariantCulture,
            $"its regions were counted from the slide's bounds at ({x}, {y}), as QuPath does; --region-origin slide counts from its " +
            $"corner"));
        return drawn.Shifted(x, y);

        double Bound(string axis) => slide.Properties.TryGetValue($"openslide.bounds-{axis}", out string? text)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : 0;
    }

    private static string Some(IReadOnlyCollection<string> names) =>
        string.Join(", ", names.Order(StringComparer.Ordinal).Take(5)) + (names.Count > 5 ? " …" : "");
}

/// <summary>The areas of one slide over its grid.</summary>
/// <param name="Regions">Where patches are cut; null for everywhere.</param>
/// <param name="Classify">Classes of patches; null where nothing is annotated at all.</param>
/// <param name="Notes">What the files hold that was not used.</param>
internal sealed record OneSlideAreas(AreaGrid? Regions, Func<IReadOnlyList<(int Col, int Row)>, PatchLabels>? Classify,
    IReadOnlyList<string> Notes)
{
    public PatchLabels? Label(IReadOnlyList<(int Col, int Row)> patches) => Classify?.Invoke(patches);
}
