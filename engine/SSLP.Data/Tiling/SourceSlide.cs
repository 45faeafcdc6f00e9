using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>A slide that patches are read from.</summary>
/// <param name="Path">The file.</param>
/// <param name="ScaleX">Level-0 pixels per patch pixel across.</param>
/// <param name="ScaleY">Level-0 pixels per patch pixel down.</param>
internal sealed record SourceSlide(string Path, double ScaleX, double ScaleY)
{
    /// <summary>Finds a slide of a manifest where it was or in another folder, and checks that it is the same file.</summary>
    /// <exception cref="Fault">It is gone or has another size.</exception>
    public static SourceSlide Locate(ManifestSlide slide, SlideGrid grid, string? slidesFolder)
    {
        string path = slidesFolder is null ? slide.Path : System.IO.Path.Combine(slidesFolder, slide.Name);
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new Fault(FaultKind.Input, $"{path} is gone; tile the slides again, or name the folder they are in now with --slides.");
        if (file.Length != slide.Bytes)
            throw new Fault(FaultKind.Input, $"{path} has {file.Length} bytes; it had {slide.Bytes} when it was tiled. Tile the slides again.");
        return new(path, grid.ScaleX, grid.ScaleY);
    }

    /// <summary>Opens a slide once to learn its pixel size.</summary>
    /// <exception cref="Fault">It does not open, says no pixel size, or is too coarse.</exception>
    public static SourceSlide Probe(string path, double mpp, double? assumeMpp, bool upsample, SlideRuntime? runtime)
    {
        try
        {
            using Slide slide = Slide.Open(path, runtime: runtime);
            if ((slide.Mpp ?? (assumeMpp is double assumed ? new(assumed, assumed, "assumed") : null)) is not { } own)
                throw new Fault(FaultKind.Input, $"{path} does not say its pixel size; give it with --assume-mpp if you know it.");
            return upsample || Math.Max(own.X, own.Y) <= mpp * (1 + SlideInspection.CoarserTolerance)
                ? new(path, mpp / own.X, mpp / own.Y)
                : throw new Fault(FaultKind.Input, FormattableString.Invariant($"{path} has {own.X:0.####} µm per pixel at its finest, coarser than the {mpp:0.####} asked for; ask for a coarser --mpp, or --upsample."));
        }
        catch (SlideException e)
        {
            throw new Fault(FaultKind.Input, e.Message, e);
        }
    }
}
