using System.Text.Json.Serialization;

namespace SSLP.Data.Tissue;

/// <summary>How tissue is told from glass.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TissueMethod>))]
public enum TissueMethod
{
    /// <summary>By stain where the colours are haematoxylin's and eosin's; by density where they miss most of what is there.</summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary>By the colour of haematoxylin and eosin: what absorbs green most.</summary>
    [JsonStringEnumMemberName("stain")]
    Stain,

    /// <summary>By density, whatever the colour: immunohistochemistry, trichrome, PAS, Giemsa, grey scans.</summary>
    [JsonStringEnumMemberName("density")]
    Density,

    /// <summary>All that was scanned.</summary>
    [JsonStringEnumMemberName("all")]
    All,
}

/// <summary>How tissue is told from glass. Lengths and areas are of the specimen, so one set of values serves every
/// magnification.</summary>
public sealed record TissueOptions
{
    /// <summary>Which rule decides. Default <see cref="TissueMethod.Auto"/>.</summary>
    public TissueMethod Method { get; init; } = TissueMethod.Auto;

    /// <summary>Strength of stain or density (0–255) above which is tissue. Default null: Otsu's rule chooses it, slide by slide.</summary>
    public int? Threshold { get; init; }

    /// <summary>Pixel size of the image that is segmented, µm. Default 8: fine enough for a 128 µm patch, coarse enough to blur
    /// nuclei.</summary>
    public double MicronsPerPixel { get; init; } = 8;

    /// <summary>Gaps narrower than about twice this are closed, µm. Default 24: the width of a few cells.</summary>
    public double ClosingMicrons { get; init; } = 24;

    /// <summary>Enclosed holes up to this area are filled (lumens, fat, tears), mm². Default 0.1.</summary>
    public double HoleSquareMillimetres { get; init; } = 0.1;

    /// <summary>Pieces below this area are dropped (dust, debris), mm². Default 0.01: less than one patch of 256 px at 0.5 µm.</summary>
    public double MinSquareMillimetres { get; init; } = 0.01;
}
