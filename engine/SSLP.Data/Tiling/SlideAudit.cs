using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using SSLP.Data.Slides;
using SSLP.Data.Tissue;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>The verdict on one slide file; <see cref="ToJson"/> gives a line for scripts.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Path">The file.</param>
/// <param name="Verdict">What can be done with it.</param>
/// <param name="Reason">Why, where the verdict is not ok; a clause without the file's name.</param>
public sealed record SlideAuditRecord(string Name, string Path, SlideVerdict Verdict, string Reason)
{
    /// <summary>Signs that are no syntax stay as they are: people read these lines too.</summary>
    private static readonly SlideAuditJson Readable =
        new(new JsonSerializerOptions(SlideAuditJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Format by OpenSlide's names; null where it does not open, as are all below.</summary>
    public string? Format { get; init; }

    /// <summary>Which reader serves it.</summary>
    public string? Reader { get; init; }

    /// <summary>Columns of level 0, px.</summary>
    public long? Width { get; init; }

    /// <summary>Rows of level 0, px.</summary>
    public long? Height { get; init; }

    public int? Levels { get; init; }

    /// <summary>Level-0 pixel size across, µm.</summary>
    public double? MppX { get; init; }

    /// <summary>Level-0 pixel size down, µm.</summary>
    public double? MppY { get; init; }

    /// <summary>Where the pixel size was read.</summary>
    public string? MppSource { get; init; }

    /// <summary>Share of the slide that is tissue, 0 … 1.</summary>
    public double? TissueFraction { get; init; }

    /// <summary>How tissue was told from glass: stain, density or all.</summary>
    public TissueMethod? TissueMethod { get; init; }

    /// <summary>The threshold on strength of stain or density, 0 … 255.</summary>
    public int? TissueThreshold { get; init; }

    /// <summary>Patches to expect at the size and pixel size that were asked for.</summary>
    public int? Patches { get; init; }

    /// <summary>What a person should know besides: pixel sizes that contradict each other, images that are no levels, labels that cannot be
    /// read.</summary>
    public IReadOnlyList<string>? Notes { get; init; }

    /// <summary>Share of the slide under green or red pen, 0 … 1.</summary>
    public double? PenFraction { get; init; }

    /// <summary>Tiles of all levels whose header was read or, in a deep audit, that were decoded; 0 where the reader does not show its
    /// tiles.</summary>
    public long? TilesRead { get; init; }

    /// <summary>Tiles of those that cannot be read.</summary>
    public long? TilesDamaged { get; init; }

    /// <summary>Images beside the pyramid: label, macro, thumbnail. A label or a macro may show a patient's name.</summary>
    public IReadOnlyList<string>? AssociatedImages { get; init; }

    /// <summary>One line of JSON, snake_case, nulls left out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Readable.SlideAuditRecord);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SlideAuditRecord))]
internal sealed partial class SlideAuditJson : JsonSerializerContext;

/// <summary>What an audit asks of slides.</summary>
public sealed record SlideAuditOptions
{
    /// <summary>Decode every tile of every level and the images beside them; without, only the tiles' headers are read.</summary>
    public bool Deep { get; init; }

    /// <summary>Pixel size that will be asked for, µm: slides that are coarser get that verdict. Default null: any pixel size
    /// serves.</summary>
    public double? Mpp { get; init; }

    /// <summary>How patches would be cut; its pixel size is that of the patches to expect.</summary>
    public TilingOptions Tiling { get; init; } = new();

    /// <summary>Slides at once. Default all cores.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}

/// <summary>Gives every slide file one verdict.</summary>
public static class SlideAudit
{
    /// <summary>Audits in parallel; the result is in the order of <paramref name="slides"/>.</summary>
    /// <param name="slides">The files.</param>
    /// <param name="options">What is asked of them.</param>
    /// <param name="progress">Told each record as it is made; order and thread are any.</param>
    /// <param name="cancel">Stops between slides and inside long ones.</param>
    /// <param name="runtime">What the slides share; null gives each one of its own.</param>
    public static IReadOnlyList<SlideAuditRecord> Run(
        IReadOnlyList<SlideFile> slides, SlideAuditOptions? options = null, IProgress<SlideAuditRecord>? progress = null,
        CancellationToken cancel = default,
        SlideRuntime? runtime = null)
    {
        options ??= new();
        options.Tiling.Check();
        var records = new SlideAuditRecord[slides.Count];
        var parallel = new ParallelOptions { CancellationToken = cancel, MaxDegreeOfParallelism = Math.Max(1, options.Threads) };
        Parallel.For(0, slides.Count, parallel, i =>
        {
            records[i] = One(slides[i], options, cancel, runtime);
            progress?.Report(records[i]);
        });
        return records;
    }

    /// <summary>Audits one file. Faults of the file are verdicts, never exceptions.</summary>
    public static SlideAuditRecord One(
        SlideFile file, SlideAuditOptions? options = null, CancellationToken cancel = default, SlideRuntime? runtime = null)
    {
        options ??= new();
        TilingOptions tiling = options.Tiling;
        try
        {
            using var slide = Slide.Open(file.Path, runtime: runtime);
            var inspection = SlideInspection.Of(slide, options.Mpp, tiling.AssumeMpp, tiling.Upsample, tiling.Tissue, cancel);
            var record = new SlideAuditRecord(file.Name, file.Path, inspection.Verdict, inspection.Reason)
            {
                Format = slide.Format,
                Reader = slide.Reader.ToString(),
                Width = slide.Levels[0].Width,
                Height = slide.Levels[0].Height,
                Levels = slide.Levels.Count,
                MppX = inspection.Mpp?.X,
                MppY = inspection.Mpp?.Y,
                MppSource = inspection.Mpp?.Source,
                TissueFraction = inspection.Mask?.TissueFraction,
                TissueMethod = inspection.Mask?.Method,
                TissueThreshold = inspection.Mask?.Method == Data.Tissue.TissueMethod.All ? null : inspection.Mask?.Threshold,
                Patches = PatchesOf(slide, inspection, tiling),
                // A slide without a pixel size says why as its reason.
                Notes = slide.Notes.Where(note => !inspection.Reason.Contains(note, StringComparison.Ordinal))
                    .Concat(options.Deep ? UnreadableImages(slide) : []).ToArray() is { Length: > 0 } notes ? notes : null,
                PenFraction = inspection.Mask?.PenFraction,
                AssociatedImages = slide.AssociatedImages is { Count: > 0 } images ? images : null,
            };
            return WithTiles(record, slide.VerifyTiles(options.Deep, cancel));
        }
        catch (SlideException e)
        {
            return new(file.Name, file.Path, SlideInspection.VerdictOf(e.Fault), e.Reason);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(file.Name, file.Path, SlideVerdict.NotReadable, e.Message.TrimEnd('.'));
        }
    }

    /// <summary>A note for each image beside the pyramid that does not decode. The verdict is on the slide, which serves without.</summary>
    private static IEnumerable<string> UnreadableImages(Slide slide)
    {
        foreach (string name in slide.AssociatedImages)
        {
            string? fault = null;
            try
            {
                slide.ReadAssociatedImage(name);
            }
            catch (SlideException unreadable)
            {
                fault = unreadable.Reason;
            }
            if (fault is not null)
                yield return $"its image '{name}' can't be read ({fault}); the slide itself serves";
        }
    }

    /// <summary>What tiling would cut; 0 where the slide is coarser than asked for.</summary>
    private static int? PatchesOf(Slide slide, SlideInspection inspection, TilingOptions tiling)
    {
        if (inspection.Mpp is not { } mpp || inspection.Mask is not { } mask)
            return null;
        if (!tiling.Upsample && Math.Max(mpp.X, mpp.Y) > tiling.Mpp * (1 + SlideInspection.CoarserTolerance))
            return 0;
        var grid = new SlideGrid(tiling.PatchSize, tiling.Mpp, mpp.X, mpp.Y, slide.Levels[0].Width, slide.Levels[0].Height);
        return grid.Covered(mask, tiling.MinTissue).Count();
    }

    private static SlideAuditRecord WithTiles(SlideAuditRecord record, TileCheck check)
    {
        record = record with { TilesRead = check.Tiles, TilesDamaged = check.Unreadable };
        if (check.Unreadable == 0)
            return record;
        string first = check.FirstFaults[0].Reason;
        return check.Unreadable == check.Tiles
            ? record with { Verdict = SlideVerdict.Corrupt, Reason = $"none of its {check.Tiles} tiles can be read; the first: {first}" }
            : record with
            {
                Verdict = SlideVerdict.DamagedTiles,
                Reason = $"{check.Unreadable} of {check.Tiles} tiles cannot be read; the first: {first}"
            };
    }
}
