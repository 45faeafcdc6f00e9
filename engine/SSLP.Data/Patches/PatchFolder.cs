using System.Globalization;
using SSLP.Data.Files;
using SSLP.Interop.Slides;

namespace SSLP.Data.Patches;

/// <summary>How a patches folder is opened.</summary>
public sealed record PatchFolderOptions
{
    /// <summary>Refuse a folder that says nothing of where its patches lie. Spatial training needs it; a probe does not. Default
    /// true.</summary>
    public bool RequireCoordinates { get; init; } = true;

    /// <summary>Micrometres per pixel of the patches as the user knows it; image files do not say it. Default unknown, or as patches.csv
    /// says.</summary>
    public double? Mpp { get; init; }

    /// <summary>Decoded pixels are kept in memory where all of them take no more bytes than this. Default 1 GiB.</summary>
    public long CacheBytes { get; init; } = 1L << 30;

    /// <summary>Is told when an image is decoded; null: nobody.</summary>
    public IReadWatch? Watch { get; init; }
}

/// <summary>
/// Patches that are already cut: a folder of images in one of the forms of <see cref="PatchFolderListing"/>. The patch size is the
/// commonest image size. Whatever of the folder is no patch is left out, counted and named (<see cref="LeftOut"/>). Cutting a slide leaves
/// narrower images at its right and bottom edges.
/// </summary>
public sealed class PatchFolder : IPatchSource
{
    private readonly string[] _files;
    private readonly byte[]?[]? _decoded;
    private readonly IReadWatch? _watch;

    private PatchFolder(string folder, PatchListing listing, List<ListedPatch> patches, int size, PatchFolderOptions options, double? mpp)
    {
        Folder = folder;
        PatchSize = size;
        Mpp = mpp;
        _watch = options.Watch;
        _files = [.. patches.Select(patch => patch.File)];
        _decoded = patches.Count * (long)size * size * 3 <= options.CacheBytes ? new byte[]?[patches.Count] : null;
        (Table, string places) = PatchFolderTable.Of(listing, patches, size);
        Understood = $"{listing.Understood}; {places}";
    }

    public string Folder { get; }

    /// <inheritdoc/>
    public PatchTable Table { get; }

    /// <inheritdoc/>
    public int PatchSize { get; }

    /// <inheritdoc/>
    public double? Mpp { get; }

    /// <inheritdoc/>
    public bool IsCheapAtRandom => true;

    /// <summary>How names, folders, columns and places were read: a phrase.</summary>
    public string Understood { get; }

    /// <summary>Images left out because a slide's edge cut them: smaller than the patch size in width or height.</summary>
    public int PartialPatches { get; private init; }

    /// <summary>Images left out because they cannot be opened or are of a kind that is not read: path and reason.</summary>
    public IReadOnlyList<string> Unreadable { get; private init; } = [];

    /// <summary>What of the folder is no patch here, a phrase each kind: how many, and which is the first.</summary>
    public IReadOnlyList<string> LeftOut { get; private init; } = [];

    /// <inheritdoc/>
    public string Describe =>
        $"{Counted.Patches(Table.Count)} of {PatchSize} px{(Table.HasSlides ? $" on {Counted.Slides(Table.Slides.Count)}" : "")} "
        + $"from {Folder}"
        + string.Concat(LeftOut.Select(what => $"; left out: {what}"))
        + (Table.HasCoordinates ? "" : "; no coordinates, so no spatial neighbours");

    /// <summary>Lists the folder and reads every image's header.</summary>
    /// <exception cref="Fault">The folder or one of its files does not fit; the message says which and why.</exception>
    public static PatchFolder Open(string folder, PatchFolderOptions? options = null, CancellationToken cancel = default)
    {
        options ??= new();
        PatchListing listing = PatchFolderListing.List(folder);
        List<ListedPatch> listed = listing.Patches;
        if (listed[0].X is null && options.RequireCoordinates)
            throw new Fault(FaultKind.Input,
                $"The patch names of {folder} carry no coordinates (the first is {Path.GetFileName(listed[0].File)}); "
                + $"name them <slide>_<col>_<row>_<label>, or write a {PatchFolderListing.CsvName} with file,slide,col,row.");
        ((int Width, int Height)[] sizes, List<string> unreadable) = ReadSizes(listed, cancel);
        if (unreadable.Count == listed.Count)
            throw new Fault(FaultKind.Input, $"None of the {listed.Count} images of {folder} can be opened; the first: {unreadable[0]}.");
        (int width, int height) = sizes.Where(size => size.Width > 0).GroupBy(size => size).MaxBy(group => group.Count())!.Key;
        if (width != height)
            throw new Fault(FaultKind.Input, $"Most images of {folder} are {width} × {height} px; patches must be square.");
        int larger = Array.FindIndex(sizes, size => size.Width > width || size.Height > height);
        if (larger >= 0)
            throw new Fault(FaultKind.Input,
                $"{listed[larger].File} is {sizes[larger].Width} × {sizes[larger].Height} px where most patches are "
                + $"{width} × {height}; cut all patches to one size.");
        List<ListedPatch> whole = [.. listed.Where((_, i) => sizes[i] == (width, height))];
        int partial = listed.Count - whole.Count - unreadable.Count;
        if (partial > 0)
            listing.LeftOut.Add($"{partial} smaller images, cut by a slide's edge, the first "
                + listed.Where((_, i) => sizes[i].Width > 0 && sizes[i] != (width, height)).First().File);
        if (unreadable.Count > 0)
            listing.LeftOut.Add($"{unreadable.Count} images that cannot be read, the first {unreadable[0]}");
        return new(folder, listing, whole, width, options, ScaleOf(folder, listing.Mpp, options.Mpp))
        {
            PartialPatches = partial,
            Unreadable = unreadable,
            LeftOut = listing.LeftOut,
        };
    }

    /// <inheritdoc/>
    public void Read(int patch, Span<byte> rgb)
    {
        this.CheckRead(patch, rgb.Length);
        if (_decoded?[patch] is { } kept)
        {
            kept.CopyTo(rgb);
            return;
        }
        try
        {
            using var decoding = new ReadRange(_watch, ReadStage.Decode, rgb.Length);
            PatchImage.Decode(_files[patch], PatchSize, PatchSize, rgb);
        }
        catch (Exception e) when (e is Fault or IOException or UnauthorizedAccessException)
        {
            throw new PatchReadException(patch, Table.SlideName(patch), $"{Path.GetFileName(_files[patch])}: {e.Message}", e);
        }
        // Two threads may both decode a patch the first time; they store the same pixels.
        if (_decoded is not null)
            _decoded[patch] = rgb.ToArray();
    }

    /// <summary>Nothing is held open between reads.</summary>
    public void Dispose() { }

    /// <summary>Size of every image; 0 × 0 and an entry in the list for one that cannot be opened.</summary>
    private static ((int Width, int Height)[] Sizes, List<string> Unreadable) ReadSizes(List<ListedPatch> listed, CancellationToken cancel)
    {
        var sizes = new (int, int)[listed.Count];
        string?[] faults = new string?[listed.Count];
        Parallel.For(0, listed.Count, new ParallelOptions { CancellationToken = cancel }, i =>
        {
            try
            {
                sizes[i] = PatchImage.ReadSize(listed[i].File);
            }
            catch (Exception e) when (e is Fault or IOException or UnauthorizedAccessException)
            {
                faults[i] = $"{listed[i].File}: {e.Message}";
            }
        });
        return (sizes, [.. faults.OfType<string>()]);
    }

    /// <summary>Image files do not say their scale: patches.csv may, and the user; both must say the same.</summary>
    private static double? ScaleOf(string folder, double? listed, double? given) =>
        listed is { } a && given is { } b && Math.Abs(a - b) > 0.01 * a
            ? throw new Fault(FaultKind.Input, string.Create(CultureInfo.InvariantCulture,
                $"The {PatchFolderListing.CsvName} of {folder} gives {a:0.####} µm per pixel and {b:0.####} is asked; leave the one that " +
                $"is wrong out."))
            : listed ?? given;
}
