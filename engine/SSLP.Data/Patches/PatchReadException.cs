namespace SSLP.Data.Patches;

/// <summary>One patch could not be read. The loader replaces it by another patch of the same slide and counts it.</summary>
public sealed class PatchReadException : Exception
{
    public PatchReadException(int patch, string slide, string reason, Exception? inner = null)
        : base($"Patch {patch} of {slide} could not be read: {reason}", inner)
    {
        Patch = patch;
        Slide = slide;
        Reason = reason;
    }

    /// <summary>Index into the source's table.</summary>
    public int Patch { get; }

    public string Slide { get; }

    public string Reason { get; }
}
