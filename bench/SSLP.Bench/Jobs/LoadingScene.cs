using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Interop.Slides;

namespace SSLP.Bench.Jobs;

/// <summary>A patch of the loading bench, in pixels of its slide's finest level.</summary>
internal readonly record struct LoadingPlace(int Slide, int TileColumn, int TileRow, long X, long Y);

/// <summary>
/// What every way of the loading bench reads: slides that the embedded reader opens, of one kind of square tiles, and patches of that size,
/// each a tile or, off the grid, across four of them; at half the resolution, two by two tiles.
/// </summary>
internal sealed class LoadingScene
{
    /// <summary>Patches in all, and of one slide at least where it has them: enough to time, few enough for seven rounds of every
    /// way.</summary>
    private const int MostPatches = 1200, LeastOfASlide = 64, MostOfASlide = 400;

    private LoadingScene(string[] slides, TileKind kind, bool half, LoadingPlace[] places, int batchSize, SlideRuntimeOptions decoding)
    {
        (Compression, Half) = (kind.Compression, half);
        Decoding = decoding;
        Slides = slides;
        Side = kind.Side;
        Places = places;
        BatchSize = batchSize;
    }

    public string[] Slides { get; }

    /// <summary>Side of a tile and of a patch, px.</summary>
    public int Side { get; }

    /// <summary>How the tiles are packed: "Jpeg", "Jpeg2000Rgb", "Deflate", …</summary>
    public string Compression { get; }

    /// <summary>Whether patches are at half the resolution of the finest level: a patch is then 2 · side pixels of it wide.</summary>
    public bool Half { get; }

    /// <summary>A whole number of batches of <see cref="BatchSize"/>.</summary>
    public LoadingPlace[] Places { get; }

    public int BatchSize { get; }

    /// <summary>Decoder and caches.</summary>
    public SlideRuntimeOptions Decoding { get; }

    /// <summary>Takes the kind of tiles that most slides have; slides of another are named in <paramref name="notes"/>.</summary>
    /// <exception cref="Fault">No slide serves.</exception>
    public static LoadingScene Choose(BenchOptions options, string path, List<string> notes)
    {
        int step = options.Half ? 2 : 1;
        var byKind = new Dictionary<TileKind, List<(string Path, (int Column, int Row)[] Tiles)>>();
        foreach (SlideFile file in SlideListing.List(path))
        {
            if (Look(file, step, out TileKind kind, out (int, int)[] tiles) is { } refusal)
                notes.Add($"left out: {file.Name} ({refusal})");
            else if (byKind.TryGetValue(kind, out List<(string Path, (int Column, int Row)[] Tiles)>? list))
                list.Add((file.Path, tiles));
            else
                byKind[kind] = [(file.Path, tiles)];
        }
        if (byKind.Count == 0)
            throw new Fault(FaultKind.Input, $"No slide of '{path}' serves the loading bench: {string.Join("; ", notes.Take(3))}.");
        TileKind chosen = byKind.MaxBy(pair => pair.Value.Count).Key;
        foreach ((TileKind other, List<(string Path, (int Column, int Row)[] Tiles)> slides) in byKind.Where(pair => pair.Key != chosen))
            notes.AddRange(slides.Select(slide =>
                $"left out: {Path.GetFileName(slide.Path)} ({other.Compression} tiles of {other.Side} px)"));
        return Lay(byKind[chosen], chosen, options);
    }

    private static LoadingScene Lay(List<(string Path, (int Column, int Row)[] Tiles)> slides, TileKind kind, BenchOptions options)
    {
        (int side, bool offGrid) = (kind.Side, options.OffGrid);
        int most = Math.Clamp(MostPatches / slides.Count, LeastOfASlide, MostOfASlide);
        int shiftX = offGrid ? (side / 2) + 3 : 0, shiftY = offGrid ? (side / 2) + 5 : 0, step = options.Half ? 2 : 1;
        LoadingPlace[] places = [.. slides.SelectMany((slide, i) => slide.Tiles.Take(most).Select(tile => new LoadingPlace(
            i, tile.Column, tile.Row, ((long)tile.Column * side / step) + shiftX, ((long)tile.Row * side / step) + shiftY)))];
        int batch = new[] { 64, 32, 16, 8, 4 }.FirstOrDefault(size => places.Length >= 8 * size, 1);
        return new([.. slides.Select(slide => slide.Path)], kind, options.Half, places[..(places.Length / batch * batch)], batch,
            options.SlideRuntime);
    }

    /// <summary>Whole tiles of the finest level that have whole neighbours, each step-th, row by row from its middle.</summary>
    /// <returns>Why the slide does not serve, or null.</returns>
    private static string? Look(SlideFile file, int step, out TileKind kind, out (int, int)[] tiles)
    {
        (kind, tiles) = (default, []);
        try
        {
            using var runtime = new SlideRuntime();
            using var slide = Slide.Open(file.Path, SlideReader.Embedded, runtime);
            SlideLevel level = slide.Levels[0];
            int side = level.TileWidth;
            if (side < 1 || DecoderProbe.CompressionOf(slide) is not { } compression)
                return "no tiles that the embedded reader shows";
            kind = new(side, compression);
            int columns = (int)((level.Width / side) - 1) / step, rows = (int)((level.Height / side) - 1) / step;
            if (level.TileWidth != level.TileHeight)
                return $"tiles of {level.TileWidth} × {level.TileHeight} px are not square";
            if (columns < 1 || rows < 1)
                return $"fewer than {step + 1} × {step + 1} whole tiles of {side} px";
            int first = Math.Max(0, (rows - (MostOfASlide / columns)) / 2);
            tiles = [.. Enumerable.Range(0, columns * (rows - first)).Select(i => (i % columns * step, (first + (i / columns)) * step))];
            return null;
        }
        catch (SlideException fault)
        {
            return fault.Reason;
        }
    }
}

/// <summary>What of a slide's tiles the speed of a reader depends on.</summary>
internal readonly record struct TileKind(int Side, string Compression);

/// <summary>The scene's patches as training reads them: by number, from slides that open when they are first asked for.</summary>
internal sealed class LoadingPatches(LoadingScene scene) : IPatchSource
{
    private readonly SlideRuntime _runtime = new(scene.Decoding);
    private SlideStore? _store;

    public PatchTable Table { get; } = new(
        [.. scene.Slides.Select((_, i) => $"{i}")], Column(scene, place => place.Slide), Column(scene, place => place.TileColumn),
        Column(scene, place => place.TileRow));

    public int PatchSize => scene.Side;

    public double? Mpp => null;

    public string Describe => $"{scene.Places.Length} patches of {scene.Slides.Length} slides";

    public void Read(int patch, Span<byte> rgb)
    {
        LoadingPlace place = scene.Places[patch];
        try
        {
            using SlideStore.Lease lease = (_store ??= Open()).Rent(place.Slide);
            lease.Slide.ReadReduced(0, scene.Half ? 2 : 1, place.X, place.Y, scene.Side, scene.Side, rgb, scene.Side * 3);
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

    private SlideStore Open() => new(scene.Slides, new SlideRuntimeOptions().OpenSlides, SlideReader.Embedded, _runtime);

    private static int[] Column(LoadingScene scene, Func<LoadingPlace, int> value) => Array.ConvertAll(scene.Places, place => value(place));
}
