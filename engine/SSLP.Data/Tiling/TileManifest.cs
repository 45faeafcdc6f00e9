using System.Text.Json.Serialization;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tissue;

namespace SSLP.Data.Tiling;

/// <summary>A slide of a manifest: how to find it again, and the geometry that its patches' places are computed from.</summary>
/// <param name="Name">Its name in the table.</param>
/// <param name="Path">Full path when it was tiled.</param>
/// <param name="Bytes">File size when it was tiled; another size means another file.</param>
/// <param name="Width">Columns of level 0, px.</param>
/// <param name="Height">Rows of level 0, px.</param>
/// <param name="MppX">Level-0 pixel size across, µm.</param>
/// <param name="MppY">Level-0 pixel size down, µm.</param>
/// <param name="MppSource">Where the pixel size was read; "assumed" where the user gave it.</param>
/// <param name="Patches">Number of patches.</param>
public sealed record ManifestSlide(
    string Name, string Path, long Bytes, long Width, long Height, double MppX, double MppY, string MppSource, int Patches)
{
    /// <summary>How tissue was told from glass; null, and not written, where it was by stain.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TissueMethod? Tissue { get; init; }

    /// <summary>Its split, as in train or test; null, and not written, where nothing names one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Split { get; init; }

    /// <summary>Its patient; null, and not written, where nothing names one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Patient { get; init; }
}

/// <summary>A slide that was looked at and gave no patches.</summary>
public sealed record ManifestOmission(string Name, string Path, SlideVerdict Verdict, string Reason);

/// <summary>Everything of a manifest but its columns. What a manifest without labels lacks is not written, so that its bytes stay as they
/// were.</summary>
internal sealed record ManifestHeader(
    int PatchSize, double Mpp, double MinTissue, bool Upsample, IReadOnlyList<ManifestSlide> Slides,
    IReadOnlyList<ManifestOmission> LeftOut,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Classes = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? LabelShare = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ManifestHeader))]
internal sealed partial class ManifestJson : JsonSerializerContext;

/// <summary>
/// The patches of many slides: what <c>sslp tile</c> makes and training reads. Opened from disk its columns stay in the mapped file
/// (<see cref="ManifestFile"/>), so it must outlive the sources made from it.
/// </summary>
public sealed class TileManifest : IDisposable
{
    private readonly IDisposable? _mapping;
    private readonly ReadOnlyMemory<float> _shares;

    internal TileManifest(ManifestHeader header, PatchTable table, IDisposable? mapping, ReadOnlyMemory<float> shares = default)
    {
        Header = header;
        Table = table;
        _shares = shares;
        _mapping = mapping;
    }

    /// <summary>Side of a patch, px.</summary>
    public int PatchSize => Header.PatchSize;

    /// <summary>Pixel size of the patches, µm.</summary>
    public double Mpp => Header.Mpp;

    /// <summary>Slides with patches, indexed as the table's slides.</summary>
    public IReadOnlyList<ManifestSlide> Slides => Header.Slides;

    /// <summary>Slides without, each with the reason.</summary>
    public IReadOnlyList<ManifestOmission> LeftOut => Header.LeftOut;

    public PatchTable Table { get; }

    /// <summary>By patch, how much of it its class covers, or of a patch without class the most that any class does; empty where nothing
    /// was annotated.</summary>
    public ReadOnlySpan<float> LabelShares => _shares.Span;

    internal ManifestHeader Header { get; }

    /// <summary>The table of a manifest: its columns, with the splits and patients that its slides name.</summary>
    internal static PatchTable TableOf(
        IReadOnlyList<ManifestSlide> slides, ReadOnlyMemory<int> slideOf, ReadOnlyMemory<int> col, ReadOnlyMemory<int> row,
        CategoryColumn? classes)
    {
        CategoryColumn? splits = null;
        if (CategoryColumn.FromNames([.. slides.Select(slide => slide.Split)]) is { } ofSlides)
        {
            int[] of = new int[slideOf.Length];
            for (int i = 0; i < of.Length; i++)
                of[i] = ofSlides.Of.Span[slideOf.Span[i]];
            splits = new(ofSlides.Names, of);
        }
        return new([.. slides.Select(slide => slide.Name)], slideOf, col, row, classes, splits)
        {
            PatientOfSlide = slides.Any(slide => slide.Patient is not null)
                ? [.. slides.Select(slide => slide.Patient ?? slide.Name)] : null,
        };
    }

    /// <summary>The grid of one slide.</summary>
    public SlideGrid Grid(int slide)
    {
        ManifestSlide s = Slides[slide];
        return new(PatchSize, Mpp, s.MppX, s.MppY, s.Width, s.Height);
    }

    /// <inheritdoc cref="ManifestFile.Write"/>
    public void Save(string path) => ManifestFile.Write(this, path);

    /// <inheritdoc cref="ManifestFile.Open"/>
    public static TileManifest Open(string path) => ManifestFile.Open(path);

    /// <summary>Unmaps the file; the table can then no longer be read.</summary>
    public void Dispose() => _mapping?.Dispose();
}
