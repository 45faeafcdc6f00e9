namespace SSLP.Interop.Slides;

/// <summary>Size of a level-0 pixel.</summary>
/// <param name="X">µm per pixel across.</param>
/// <param name="Y">µm per pixel down.</param>
/// <param name="Source">
/// Where it was read: "aperio.MPP", "tiff.ResolutionUnit", "ome.PhysicalSizeX", "philips.DICOM_PIXEL_SPACING", "openslide.mpp-x", …
/// </param>
public sealed record Mpp(double X, double Y, string Source)
{
    /// <summary>The finest size that a microscope has, µm per pixel. What a file states below it is a mistaken unit.</summary>
    public const double Finest = 0.05;

    /// <summary>
    /// The coarsest size that a slide's finest level has, µm per pixel. Above it are print resolutions (72 … 1200 dpi) and mistaken units.
    /// </summary>
    public const double Coarsest = 20;

    /// <summary>Whether both sizes are ones that a microscope has.</summary>
    public bool IsBelievable => X is >= Finest and <= Coarsest && Y is >= Finest and <= Coarsest;
}

/// <summary>What a file says of the size of its pixels, and what is to be thought of it.</summary>
/// <param name="Mpp">The size that is used; null where the file states none that can be believed. It is never guessed.</param>
/// <param name="Notes">
/// What a person should know: sizes that contradict each other, sizes that no microscope has, text that is no number. Clauses that go on
/// from the file's name, without a full stop. Empty where there is one plain statement, or none at all.
/// </param>
public sealed record PixelSize(Mpp? Mpp, IReadOnlyList<string> Notes);
