using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>
/// Patches read from whole slides, at the places of a manifest's grid or centred on given points. Slides open lazily and up to
/// <see cref="SlideRuntimeOptions.OpenSlides"/> stay open. What lies outside of a slide (points near its edge only) is white.
/// </summary>
public sealed class SlidePatches : IPatchSource
{
    private readonly IReadOnlyList<SourceSlide> _slides;
    private readonly SlideStore _store;
    private readonly PatchSampling?[] _sampling;
    private readonly Func<int, (double Left, double Top)> _cornerLevel0;
    private IDisposable? _owned;

    private SlidePatches(
        PatchTable table, int patchSize, double mpp, string describe, IReadOnlyList<SourceSlide> slides,
        Func<int, (double Left, double Top)> cornerLevel0, SlideRuntime? runtime)
    {
        Table = table;
        PatchSize = patchSize;
        Mpp = mpp;
        Describe = describe;
        _slides = slides;
        _cornerLevel0 = cornerLevel0;
        _store = new([.. slides.Select(slide => slide.Path)], (runtime?.Options ?? new()).OpenSlides, runtime: runtime);
        _sampling = new PatchSampling?[slides.Count];
    }

    /// <inheritdoc/>
    public PatchTable Table { get; }

    /// <inheritdoc/>
    public int PatchSize { get; }

    /// <inheritdoc/>
    public double? Mpp { get; }

    /// <inheritdoc/>
    public string Describe { get; }

    /// <summary>Slides open now.</summary>
    public int OpenSlides => _store.OpenCount;

    /// <summary>The patches of a manifest. The manifest must stay open as long as the source.</summary>
    /// <param name="manifest">Made by <see cref="Tiler"/> or opened from disk.</param>
    /// <param name="slidesFolder">Where the slides are now, if they have moved since they were tiled.</param>
    /// <param name="runtime">What the slides share, open longer than the source; null makes one that goes with it.</param>
    /// <exception cref="Fault">A slide is missing or has another size than when it was tiled.</exception>
    public static SlidePatches FromManifest(
        TileManifest manifest, string? slidesFolder = null, SlideRuntime? runtime = null)
    {
        SourceSlide[] slides = [.. manifest.Slides.Select((slide, i) => SourceSlide.Locate(slide, manifest.Grid(i), slidesFolder))];
        PatchTable table = manifest.Table;
        return new(table, manifest.PatchSize, manifest.Mpp,
            string.Create(CultureInfo.InvariantCulture,
                $"{Counted.Patches(table.Count)} of {manifest.PatchSize} px at {manifest.Mpp:0.####} µm on " +
                $"{Counted.Slides(slides.Length)}"),
            slides, Corner, runtime);

        (double, double) Corner(int patch)
        {
            SlideGrid grid = manifest.Grid(table.SlideOf[patch]);
            return (grid.Left(table.Col[patch]), grid.Top(table.Row[patch]));
        }
    }

    /// <summary>The patches of a manifest file, which is opened here and closed with the source.</summary>
    /// <inheritdoc cref="FromManifest"/>
    public static SlidePatches Open(
        string manifestFile, string? slidesFolder = null, SlideRuntime? runtime = null)
    {
        var manifest = TileManifest.Open(manifestFile);
        try
        {
            SlidePatches patches = FromManifest(manifest, slidesFolder, runtime);
            patches._owned = manifest;
            return patches;
        }
        catch
        {
            manifest.Dispose();
            throw;
        }
    }

    /// <summary>One patch centred on each point of a table such as <c>--labels</c> gives.</summary>
    /// <param name="points">Slides, centres in level-0 pixels, classes and splits.</param>
    /// <param name="slidesFolder">Folder of the slides that the points name.</param>
    /// <param name="patchSize">Side of a patch, px.</param>
    /// <param name="mpp">Pixel size of the patches, µm.</param>
    /// <param name="assumeMpp">Pixel size of slides that do not say theirs, µm.</param>
    /// <param name="upsample">Take slides that are coarser than <paramref name="mpp"/>.</param>
    /// <param name="runtime">What the slides share, open longer than the source; null makes one that goes with it.</param>
    /// <exception cref="Fault">A slide that is missing, has no pixel size or is too coarse.</exception>
    public static SlidePatches AtPoints(
        LabelledPoints points, string slidesFolder, int patchSize, double mpp, double? assumeMpp = null, bool upsample = false,
        SlideRuntime? runtime = null) =>
        AtPoints(points, SlideNames.Find(slidesFolder, points.Table.Slides, points.Path), patchSize, mpp, assumeMpp, upsample, runtime);

    /// <summary>The same, for slides that lie anywhere.</summary>
    /// <param name="points">Slides, centres in level-0 pixels, classes and splits.</param>
    /// <param name="slidePaths">The files of the slides that the points name, in the order of their table.</param>
    /// <param name="patchSize">Side of a patch, px.</param>
    /// <param name="mpp">Pixel size of the patches, µm.</param>
    /// <param name="assumeMpp">Pixel size of slides that do not say theirs, µm.</param>
    /// <param name="upsample">Take slides that are coarser than <paramref name="mpp"/>.</param>
    /// <param name="runtime">What the slides share; null: one of its own.</param>
    /// <exception cref="Fault">A slide that is missing, has no pixel size or is too coarse.</exception>
    public static SlidePatches AtPoints(
        LabelledPoints points, IReadOnlyList<string> slidePaths, int patchSize, double mpp, double? assumeMpp = null, bool upsample = false,
        SlideRuntime? runtime = null)
    {
        SourceSlide[] slides = [.. slidePaths.Select(path => SourceSlide.Probe(path, mpp, assumeMpp, upsample, runtime))];
        PatchTable table = points.Table;
        return new(table, patchSize, mpp,
            string.Create(CultureInfo.InvariantCulture,
                $"{Counted.Patches(table.Count)} of {patchSize} px at {mpp:0.####} µm around the points of {points.Path}"),
            slides, Corner, runtime);

        (double, double) Corner(int patch)
        {
            SourceSlide slide = slides[table.SlideOf[patch]];
            return (points.X[patch] - (patchSize * slide.ScaleX / 2), points.Y[patch] - (patchSize * slide.ScaleY / 2));
        }
    }

    /// <inheritdoc/>
    public (long X, long Y)? OriginLevel0(int patch)
    {
        (double left, double top) = _cornerLevel0(patch);
        return ((long)Math.Round(left), (long)Math.Round(top));
    }

    /// <summary>Whether a patch has no pixel of its slide: it is white, and what it was asked for lies elsewhere.</summary>
    public bool IsOutside(int patch)
    {
        SourceSlide slide = _slides[Table.SlideOf[patch]];
        (double left, double top) = _cornerLevel0(patch);
        return left >= slide.Width || top >= slide.Height
            || left + (PatchSize * slide.ScaleX) <= 0 || top + (PatchSize * slide.ScaleY) <= 0;
    }

    /// <inheritdoc/>
    public SlideGeometry? GeometryOf(int slide)
    {
        SourceSlide own = _slides[slide];
        double mpp = Mpp!.Value;
        return new(PatchSize, mpp, mpp / own.ScaleX, mpp / own.ScaleY, own.Width, own.Height);
    }

    /// <inheritdoc/>
    public void Read(int patch, Span<byte> rgb)
    {
        this.CheckRead(patch, rgb.Length);
        int slide = Table.SlideOf[patch];
        try
        {
            using SlideStore.Lease lease = _store.Rent(slide);
            // A function of the slide's levels: two threads that both make it make the same.
            PatchSampling sampling = _sampling[slide] ??= new(lease.Slide, PatchSize, _slides[slide].ScaleX, _slides[slide].ScaleY);
            (double left, double top) = _cornerLevel0(patch);
            sampling.Read(lease.Slide, left, top, rgb);
        }
        catch (SlideException e)
        {
            throw new PatchReadException(patch, Table.Slides[slide], e.Reason, e);
        }
    }

    /// <summary>Closes all slides, and the manifest where <see cref="Open"/> opened it.</summary>
    public void Dispose()
    {
        _store.Dispose();
        _owned?.Dispose();
    }
}
