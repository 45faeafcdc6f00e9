namespace SSLP.Data.Patches;

/// <summary>
/// Square RGB patches that can be read one at a time, by index into their table: cut from slides, or already cut.
/// Reads are thread-safe and keep no state between calls: the same index always gives the same pixels.
/// <para>
/// Ownership: a source owns the files that it opens and closes them when it is disposed. A source made from another one (a subset, another
/// table over the same pixels, two joined) opens nothing and owns nothing: disposing it leaves the other one open for whoever opened that.
/// </para>
/// </summary>
public interface IPatchSource : IDisposable
{
    /// <summary>Slide, grid position and label of every patch.</summary>
    PatchTable Table { get; }

    /// <summary>Side of every patch, pixels.</summary>
    int PatchSize { get; }

    /// <summary>Micrometres per pixel of the patches; null where nothing says it.</summary>
    double? Mpp { get; }

    /// <summary>One line for logs and run.json: what the patches are and where they come from.</summary>
    string Describe { get; }

    /// <summary>
    /// True where a patch costs the same wherever the one before it was: files of their own. False where neighbours share tiles or an open
    /// slide, so that reading them in runs is cheaper.
    /// </summary>
    bool IsCheapAtRandom => false;

    /// <summary>Top left corner of a patch on its slide, rounded to a level-0 pixel; null where the patches were not cut from slides
    /// here.</summary>
    (long X, long Y)? OriginLevel0(int patch) => null;

    /// <summary>How the patches of a slide of the table lie on it; null where they were not cut from slides here.</summary>
    SlideGeometry? GeometryOf(int slide) => null;

    /// <summary>Writes one patch to <paramref name="rgb"/>: PatchSize × PatchSize × 3 bytes, row by row, R G B.</summary>
    /// <exception cref="PatchReadException">The patch does not decode; another patch of its slide may.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="patch"/> is no index of the table.</exception>
    /// <exception cref="ArgumentException"><paramref name="rgb"/> has another length.</exception>
    void Read(int patch, Span<byte> rgb);
}

/// <summary>A slide and the patches that are cut from it, for files that other programs read.</summary>
/// <param name="PatchSize">Side of a patch, px.</param>
/// <param name="Mpp">Pixel size of the patches, µm.</param>
/// <param name="SlideMppX">Level-0 pixel size of the slide across, µm.</param>
/// <param name="SlideMppY">Level-0 pixel size of the slide down, µm.</param>
/// <param name="Width">Columns of level 0, px.</param>
/// <param name="Height">Rows of level 0, px.</param>
public readonly record struct SlideGeometry(int PatchSize, double Mpp, double SlideMppX, double SlideMppY, long Width, long Height);

/// <summary>Checks that every source makes in the same words.</summary>
internal static class PatchSourceChecks
{
    public static void CheckRead(this IPatchSource source, int patch, int destinationBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(patch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(patch, source.Table.Count);
        int bytes = source.PatchSize * source.PatchSize * 3;
        if (destinationBytes != bytes)
            throw new ArgumentException($"A patch of {source.PatchSize} px takes {bytes} bytes; the span has {destinationBytes}.");
    }
}
