using System.Text.Json;
using System.Text.Json.Serialization;
using SSLP.Interop.Slides;

namespace SSLP.Engine.Slides;

/// <summary>The verdict on one slide file; <see cref="ToJson"/> gives a line for scripts.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Path">The file.</param>
/// <param name="Verdict">What can be done with it.</param>
/// <param name="Reason">Why, where the verdict is not ok; a clause without the file's name.</param>
public sealed record SlideAuditRecord(string Name, string Path, SlideVerdict Verdict, string Reason)
{
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

    /// <summary>Share of the slide under green or red pen, 0 … 1.</summary>
    public double? PenFraction { get; init; }

    /// <summary>Tiles of all levels that a deep audit read; null without one.</summary>
    public long? TilesRead { get; init; }

    /// <summary>Tiles of those that do not decode.</summary>
    public long? TilesDamaged { get; init; }

    /// <summary>One line of JSON, snake_case, nulls left out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, SlideAuditJson.Default.SlideAuditRecord);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SlideAuditRecord))]
internal sealed partial class SlideAuditJson : JsonSerializerContext;

/// <summary>Gives every slide file one verdict.</summary>
public static class SlideAudit
{
    /// <summary>Audits in parallel; the result is in the order of <paramref name="slides"/>.</summary>
    /// <param name="slides">The files.</param>
    /// <param name="deep">Also decode every tile of every level.</param>
    /// <param name="progress">Told each record as it is made; order and thread are any.</param>
    /// <param name="threads">Slides at once; default all cores.</param>
    /// <param name="cancel">Stops between slides and inside long ones.</param>
    public static IReadOnlyList<SlideAuditRecord> Run(
        IReadOnlyList<SlideFile> slides, bool deep = false, IProgress<SlideAuditRecord>? progress = null, int? threads = null,
        CancellationToken cancel = default)
    {
        var records = new SlideAuditRecord[slides.Count];
        var parallel = new ParallelOptions { CancellationToken = cancel, MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount };
        Parallel.For(0, slides.Count, parallel, i =>
        {
            records[i] = One(slides[i], deep, cancel);
            progress?.Report(records[i]);
        });
        return records;
    }

    /// <summary>Audits one file. Faults of the file are verdicts, never exceptions.</summary>
    public static SlideAuditRecord One(SlideFile file, bool deep = false, CancellationToken cancel = default)
    {
        try
        {
            using Slide slide = Slide.Open(file.Path);
            SlideInspection inspection = SlideInspection.Of(slide, null, null, false, new(), cancel);
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
                PenFraction = inspection.Mask?.PenFraction,
            };
            return deep ? Deepen(record, slide, cancel) : record;
        }
        catch (SlideException e)
        {
            return new(file.Name, file.Path, SlideInspection.VerdictOf(e.Fault), e.Reason);
        }
    }

    private static SlideAuditRecord Deepen(SlideAuditRecord record, Slide slide, CancellationToken cancel)
    {
        (long read, long damaged, string? first) = ReadEveryTile(slide, cancel);
        record = record with { TilesRead = read, TilesDamaged = damaged };
        return damaged == 0 ? record
            : damaged == read ? record with { Verdict = SlideVerdict.Corrupt, Reason = $"none of its {read} tiles decodes; the first: {first}" }
            : record with { Verdict = SlideVerdict.DamagedTiles, Reason = $"{damaged} of {read} tiles do not decode; the first: {first}" };
    }

    private static (long Read, long Damaged, string? First) ReadEveryTile(Slide slide, CancellationToken cancel)
    {
        const int UnknownTile = 512;
        long read = 0, damaged = 0;
        string? first = null;
        byte[] tile = [];
        for (int level = 0; level < slide.Levels.Count; level++)
        {
            SlideLevel size = slide.Levels[level];
            int width = (int)Math.Min(size.Width, size.TileWidth > 0 ? size.TileWidth : UnknownTile);
            int height = (int)Math.Min(size.Height, size.TileHeight > 0 ? size.TileHeight : UnknownTile);
            if (tile.Length < width * height * 3)
                tile = new byte[width * height * 3];
            for (long y = 0; y < size.Height; y += height)
                for (long x = 0; x < size.Width; x += width, read++)
                {
                    cancel.ThrowIfCancellationRequested();
                    try
                    {
                        slide.ReadRegion(level, x, y, width, height, tile);
                    }
                    catch (SlideException e) when (e.Fault == SlideFault.TileUnreadable)
                    {
                        damaged++;
                        first ??= e.Reason;
                    }
                }
        }
        return (read, damaged, first);
    }
}
