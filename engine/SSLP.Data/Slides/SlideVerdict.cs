using System.Text.Json.Serialization;

namespace SSLP.Data.Slides;

/// <summary>What can be done with a slide file.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SlideVerdict>))]
public enum SlideVerdict
{
    /// <summary>Opens, says its pixel size, holds tissue.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Opens, but tiles of it do not decode; the rest serves.</summary>
    [JsonStringEnumMemberName("damaged tiles")]
    DamagedTiles,

    /// <summary>No pixel size in the file.</summary>
    [JsonStringEnumMemberName("no mpp")]
    NoMpp,

    /// <summary>Its finest level is coarser than the pixel size that is asked for.</summary>
    [JsonStringEnumMemberName("too coarse")]
    TooCoarse,

    /// <summary>Nothing on it is stained, or less than a patch of it.</summary>
    [JsonStringEnumMemberName("no tissue")]
    NoTissue,

    /// <summary>Dark field, as fluorescence is: the tissue mask is for brightfield.</summary>
    [JsonStringEnumMemberName("not brightfield")]
    NotBrightfield,

    /// <summary>The regions that should say what to cut from it cannot be read.</summary>
    [JsonStringEnumMemberName("bad regions")]
    BadRegions,

    /// <summary>The file ends too early.</summary>
    [JsonStringEnumMemberName("truncated")]
    Truncated,

    /// <summary>The file contradicts itself or its data do not decode.</summary>
    [JsonStringEnumMemberName("corrupt")]
    Corrupt,

    /// <summary>A format, compression or pixel type that no reader here takes.</summary>
    [JsonStringEnumMemberName("unsupported")]
    Unsupported,

    /// <summary>Not a slide at all.</summary>
    [JsonStringEnumMemberName("not a slide")]
    NotASlide,

    /// <summary>Missing, or not to be read with the rights at hand.</summary>
    [JsonStringEnumMemberName("not readable")]
    NotReadable,
}
