using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Interop.Slides;

namespace SSLP.Bench.Jobs;

/// <summary>A patch of the loading bench, in pixels of its slide's finest level.</summary>
internal readonly record struct LoadingPlace(int Slide, int TileColumn, int TileRow, long X, long Y);

/// <summary>
/// What every way of the loading bench reads: slides whose finest level has JPEG tiles of one square size, and patches of that size, each a
/// tile or, off the grid, across four of them.
/// </summary>
internal sealed class LoadingScene
{
    /// <summary>Patches in all, and of one slide at least where it has them: enough to time, few enough for seven rounds of every
    /// way.</summary>
    private const int MostPatches = 1200, LeastOfASlide = 64, MostOfASlide = 400;

    private LoadingScene(string[] slides, int side, LoadingPlace[] places, int batchSize, SlideRuntimeOptions decoding)
    {
        Decoding = decoding;
        Slides = slides;
        Side = side;
        Places = places;
        BatchSize = batchSize;
    }

    public string[] Slides { get; }

    /// <summary>Side of a tile and of a patch, px.</summary>
    public int Side { get; }

    /// <summary>A whole number of batches of <see cref="BatchSize"/>.</summary>
    public LoadingPlace[] Places { get; }

    public int BatchSize { get; }

    /// <summary>Decoder and caches.</summary>
    public SlideRuntimeOptions Decoding { get; }

    /// <summary>Takes the tile size that most slides have; slides of another and those without JPEG tiles are named in
    /// <paramref name="notes"/>.</summary>
    /// <exception cref="Fault">No slide serves.</exception>
    public static LoadingScene Choose(string path, bool offGrid, SlideRuntimeOptions decoding, List<string> notes)
    {
        var bySide = new Dictionary<int, List<(string Path, (int Column, int Row)[] Tiles)>>();
        foreach (SlideFile file in SlideListing.List(path))
        {
            if (Look(file, out int side, out (int, int)[] tiles) is { } refusal)
                notes.Add($"left out: {file.Name} ({refusal})");
            else if (bySide.TryGetValue(side, out var list))
                list.Add((file.Path, tiles));
            else
                bySide[side] = [(file.Path, tiles)];
        }
        if (bySide.Count == 0)
            throw new Fault(FaultKind.Input, $"No slide of '{path}' serves the loading bench: {string.Join("; ", notes.Take(3))}.");
        int chosen = bySide.MaxBy(pair => pair.Value.Count).Key;
        foreach (var (other, slides) in bySide.Where(pair => pair.Key != chosen))
            notes.AddRange(slides.Select(slide => $"left out: {Path.GetFileName(slide.Path)} (tiles of {other} px)"));
        return Lay(bySide[chosen], chosen, offGrid, decoding);
    }

    private static LoadingScene Lay(List<(string Path, (int Column, int Row)[] Tiles)> slides, int side, bool offGrid, SlideRuntimeOptions decoding)
    {
        int most = Math.Clamp(MostPatches / slides.Count, LeastOfASlide, MostOfASlide);
        int shiftX = offGrid ? (side / 2) + 3 : 0, shiftY = offGrid ? (side / 2) + 5 : 0;
        LoadingPlace[] places = [.. slides.SelectMany((slide, i) => slide.Tiles.Take(most).Select(tile => new LoadingPlace(
            i, tile.Column, tile.Row, ((long)tile.Column * side) + shiftX, ((long)tile.Row * side) + shiftY)))];
        int batch = new[] { 64, 32, 16, 8, 4 }.FirstOrDefault(size => places.Length >= 8 * size, 1);
        return new([.. slides.Select(slide => slide.Path)], side, places[..(places.Length / batch * batch)], batch, decoding);
    }

    /// <summary>Whole tiles of the finest level that have whole neighbours, row by row from its middle.</summary>
    /// <returns>Why the slide does not serve, or null.</returns>
    private static string? Look(SlideFile file, out int side, out (int, int)[] tiles)
    {
        (side, tiles) = (0, []);
        try
        {
            using var runtime = new SlideRuntime();
            using Slide slide = Slide.Open(file.Path, SlideReader.Embedded, runtime);
            SlideLevel level = slide.Levels[0];
            side = level.TileWidth;
            int columns = (int)(level.Width / side) - 1, rows = (int)(level.Height / side) - 1;
            if (level.TileWidth != level.TileHeight)
                return $"tiles of {level.TileWidth} × {level.TileHeight} px are not square";
            if (columns < 1 || rows < 1)
                return $"fewer than 2 × 2 whole tiles of {side} px";
            int first = Math.Max(0, (rows - (MostOfASlide / columns)) / 2);
            tiles = [.. Enumerable.Range(0, columns * (rows - first)).Select(i => (i % columns, first + (i / columns)))];
            return DecoderProbe.Load(runtime, slide, 0, tiles.Take(1)) is null ? "no JPEG tiles" : null;
        }
        catch (SlideException fault)
        {
            return fault.Reason;
        }
    }
}

/// <summary>The scene's patches as training reads them: by number, from slides that open when they are first asked for.</summary>
internal sealed class LoadingPatches(LoadingScene scene) : IPatchSource
{
    private readonly SlideRuntime _runtime = new(scene.Decoding);
    private SlideStore? _store;

    public PatchTable Table { get; } = new(
        [.. scene.Slides.Select((_, i) => $"{i}")], Column(scene, place => place.Slide), Column(scene, place => place.TileColumn), Column(scene, place => place.TileRow));

    public int PatchSize => scene.Side;

    public double? Mpp => null;

    public string Describe => $"{scene.Places.Length} patches of {scene.Slides.Length} slides";

    public void Read(int patch, Span<byte> rgb)
    {
        LoadingPlace place = scene.Places[patch];
        try
        {
            (_store ??= Open()).ReadRegion(place.Slide, 0, place.X, place.Y, scene.Side, scene.Side, rgb, scene.Side * 3);
        }
        catch (SlideException fault)
        {
            throw new PatchReadException(patch, Table.Slides[place.Slide], fault.Reason, fault);
        }
    }

    public void Dispose()
    {
        _store?.Dispose();
        _runtime.Dispose();
    }

    /// <summary>Closes every slide and opens it again, so that nothing of it is in our memory; no read may be running.</summary>
    public void Reopen()
    {
        _store?.Dispose();
        _store = Open();
        for (int slide = 0; slide < scene.Slides.Length; slide++)
            _store.Rent(slide).Dispose();
    }

    private SlideStore Open() => new(scene.Slides, SlidePatches.DefaultHandleBudget, SlideReader.Embedded, _runtime);

    private static int[] Column(LoadingScene scene, Func<LoadingPlace, int> value) => Array.ConvertAll(scene.Places, place => value(place));
}
