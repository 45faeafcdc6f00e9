namespace SSLP.Interop.Slides;

/// <summary>Why a slide can't be read.</summary>
public enum SlideFault
{
    /// <summary>No file of that name.</summary>
    NotFound,

    /// <summary>The file may not be read (rights, a failing disk).</summary>
    NotReadable,

    /// <summary>Not an image file that any reader knows.</summary>
    NotASlide,

    /// <summary>The file ends before what its directory lists.</summary>
    Truncated,

    /// <summary>The file contradicts itself.</summary>
    Corrupt,

    /// <summary>A slide format that only OpenSlide reads, or an image that is no pyramid of tiles.</summary>
    UnsupportedFormat,

    /// <summary>A compression that the reader does not decode.</summary>
    UnsupportedCompression,

    /// <summary>Bands whose meaning is not plain: more than RGB and alpha, floating point, one bit; or a turned image.</summary>
    UnsupportedPixels,

    /// <summary>OpenSlide is needed and not installed.</summary>
    OpenSlideMissing,

    /// <summary>One tile (or one region, with OpenSlide) does not decode; others may.</summary>
    TileUnreadable,
}

/// <summary>A slide that can't be read: one sentence with the file, the reason and what to do.</summary>
public sealed class SlideException : Exception
{
    /// <param name="path">The file.</param>
    /// <param name="fault">The kind of fault.</param>
    /// <param name="reason">The rest of the sentence that begins with the file's name.</param>
    public SlideException(string path, SlideFault fault, string reason)
        : base($"{path}: {reason}.")
    {
        Path = path;
        Fault = fault;
        Reason = reason;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The kind of fault.</summary>
    public SlideFault Fault { get; }

    /// <summary>The sentence without the file's name and the full stop.</summary>
    public string Reason { get; }

    /// <summary>Where the fault is one tile: its place. With OpenSlide, which does not name tiles, only the level is known.</summary>
    public TilePlace? Tile { get; init; }

    /// <summary>Whether OpenSlide is not to be asked: it would read the file without a word, and wrongly.</summary>
    internal bool IsFinal { get; init; }
}

/// <summary>A tile of a level's grid; −1 where it is not known.</summary>
public readonly record struct TilePlace(int Level, int Column, int Row);

internal static class SlideFaults
{
    /// <summary>Whether OpenSlide, with more formats and codecs, may succeed where the embedded reader gave up for this reason.</summary>
    public static bool MayBeReadByOpenSlide(this SlideException fault) =>
        !fault.IsFinal && fault.Fault is SlideFault.NotASlide or SlideFault.UnsupportedFormat or SlideFault.UnsupportedCompression
            or SlideFault.UnsupportedPixels;
}
