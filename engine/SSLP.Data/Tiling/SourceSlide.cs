using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>A slide that patches are read from.</summary>
/// <param name="Path">The file.</param>
/// <param name="ScaleX">Level-0 pixels per patch pixel across.</param>
/// <param name="ScaleY">Level-0 pixels per patch pixel down.</param>
/// <param name="Width">Columns of level 0, px.</param>
/// <param name="Height">Rows of level 0, px.</param>
internal sealed record SourceSlide(string Path, double ScaleX, double ScaleY, long Width, long Height)
{
    /// <summary>Finds a slide of a manifest where it was or in another folder, and checks that it is the same file.</summary>
    /// <exception cref="Fault">It is gone or has another size.</exception>
    public static SourceSlide Locate(ManifestSlide slide, SlideGrid grid, string? slidesFolder)
    {
        string path = slidesFolder is null ? slide.Path : SlideNames.Find(slidesFolder, [slide.Name], "The manifest")[0];
        if (!System.IO.Path.Exists(path))
            throw new Fault(FaultKind.Input, $"{path} is gone; tile the slides again, or name the folder they are in now with --slides.");
        if (BytesOf(path) is var bytes && bytes != slide.Bytes)
            throw new Fault(FaultKind.Input, $"{path} has {bytes} bytes; it had {slide.Bytes} when it was tiled. Tile the slides again.");
        return new(path, grid.ScaleX, grid.ScaleY, grid.Width, grid.Height);
    }

    /// <summary>Size of a slide's file; of a DICOM slide, of all the files in its folder.</summary>
    public static long BytesOf(string path) =>
        Directory.Exists(path) ? new DirectoryInfo(path).EnumerateFiles().Sum(file => file.Length) : new FileInfo(path).Length;

    /// <summary>Opens a slide once to learn its pixel size.</summary>
    /// <exception cref="Fault">It does not open, says no pixel size, or is too coarse.</exception>
    public static SourceSlide Probe(string path, double mpp, double? assumeMpp, bool upsample, SlideRuntime? runtime)
    {
        try
        {
            using var slide = Slide.Open(path, runtime: runtime);
            if (SlideInspection.PixelSizeOf(slide, assumeMpp) is not { } own)
                throw new Fault(FaultKind.Input, $"{path} {SlideInspection.WithoutMpp(slide)}.");
            return upsample || Math.Max(own.X, own.Y) <= mpp * (1 + SlideInspection.CoarserTolerance)
                ? new(path, mpp / own.X, mpp / own.Y, slide.Levels[0].Width, slide.Levels[0].Height)
                : throw new Fault(FaultKind.Input,
                    string.Create(CultureInfo.InvariantCulture,
                        $"{path} has {own.X:0.####} µm per pixel at its finest, coarser than the {mpp:0.####} asked for; ask for a " +
                        $"coarser --mpp, or --upsample."));
        }
        catch (SlideException e)
        {
            throw new Fault(FaultKind.Input, e.Message, e);
        }
    }
}
