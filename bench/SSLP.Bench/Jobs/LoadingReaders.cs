using System.Diagnostics;
using NetVips;
using SSLP.Engine.Torch;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using SSLP.Kernels;

namespace SSLP.Bench.Jobs;

/// <summary>
/// The scene's slides in every reader beside the ring, all on the same threads. Each timed round begins with files just opened, or it would
/// read the round before from memory.
/// </summary>
internal sealed class LoadingReaders : IDisposable
{
    /// <summary>Patches that a thread takes at a time, as the ring's threads do.</summary>
    private const int Grain = 4;

    private readonly LoadingScene _scene;
    private readonly WorkerPool _pool;
    private readonly SlideRuntime _runtime;
    private readonly DecoderProbe[] _decoders;
    private readonly int[] _decoderTile;
    private readonly byte[][] _patch;

    public LoadingReaders(LoadingScene scene, int threads)
    {
        _scene = scene;
        _runtime = new SlideRuntime(scene.Decoding);
        _pool = new WorkerPool(threads);
        _patch = [.. Enumerable.Range(0, _pool.Workers).Select(_ => new byte[scene.Side * scene.Side * 3])];
        _decoders = new DecoderProbe[scene.Slides.Length];
        _decoderTile = new int[scene.Places.Length];
        foreach (IGrouping<int, (int Index, LoadingPlace Item)> ofSlide in scene.Places.Index().GroupBy(place => place.Item.Slide))
        {
            _decoders[ofSlide.Key] = DecoderProbe.Load(
                _runtime, scene.Slides[ofSlide.Key], 0, scene.Half, ofSlide.Select(place => (place.Item.TileColumn, place.Item.TileRow)));
            foreach ((int number, (int Index, LoadingPlace Item) place) in ofSlide.Index())
                _decoderTile[place.Index] = number;
        }
    }

    /// <summary>The bare decoder on the same tiles, whole and, where they are JPEG or JPEG 2000, in memory.</summary>
    public double Decode() => Time(worker => place => _decoders[_scene.Places[place].Slide].Decode(_decoderTile[place], _patch[worker]));

    /// <summary>
    /// read_region of a reader (at half the resolution, four pixels' mean of it), into a buffer that every patch overwrites.
    /// </summary>
    public double ReadRegions(SlideReader reader)
    {
        Slide[] slides = [.. _scene.Slides.Select(path => Slide.Open(path, reader, _runtime))];
        try
        {
            return Time(worker => place =>
            {
                LoadingPlace at = _scene.Places[place];
                slides[at.Slide].ReadReduced(0, _scene.Half ? 2 : 1, at.X, at.Y, _scene.Side, _scene.Side, _patch[worker], _scene.Side * 3);
            });
        }
        finally
        {
            foreach (Slide slide in slides)
                slide.Dispose();
        }
    }

    /// <summary>
    /// libvips' crop (at half the resolution, its shrink of it); its own threads are set to one, since the bench's are the ones counted.
    /// </summary>
    public double Crop()
    {
        NetVips.NetVips.Concurrency = 1;
        int step = _scene.Half ? 2 : 1;
        Image[] images = [.. _scene.Slides.Select(path => Image.Tiffload(path))];
        try
        {
            return Time(_ => place =>
            {
                LoadingPlace at = _scene.Places[place];
                using Image crop = images[at.Slide].Crop((int)at.X * step, (int)at.Y * step, _scene.Side * step, _scene.Side * step);
                using Image patch = step == 1 ? crop.Copy() : crop.Shrink(step, step);
                patch.WriteToMemory<byte>();
            });
        }
        finally
        {
            foreach (Image image in images)
                image.Dispose();
        }
    }

    /// <summary>Adds the ways that this machine has; notes those that it lacks.</summary>
    public void AddTo(BenchRounds ways, List<string> notes)
    {
        ways.AddTimed($"decoder, bare {DecoderName}", Decode);
        if (OpenSlideLibrary.IsAvailable)
            ways.AddTimed($"openslide {OpenSlideLibrary.Version} read_region", () => ReadRegions(SlideReader.OpenSlide));
        else
            notes.Add("openslide is not installed");
        // libvips opens its modules for the whole process, and Debian's bring another MagickCore, to which Magick.NET would bind and crash.
        // It reads these slides without any: it is told, before it loads, to look for them where there are none.
        LibcEnvironment.SetWhereUnset("VIPSHOME", "/dev/null");
        AddVips(ways, notes);
    }

    private void AddVips(BenchRounds ways, List<string> notes)
    {
        if (!ModuleInitializer.VipsInitialized)
            notes.Add("libvips is not installed");
        else if (FaultOfCrop() is { } fault)
            notes.Add($"libvips does not read these slides: {fault}");
        else
            ways.AddTimed($"libvips {NetVips.NetVips.Version(0)}.{NetVips.NetVips.Version(1)} crop", Crop);
    }

    /// <summary>Who decodes the tiles.</summary>
    private string DecoderName => _scene.Compression switch
    {
        "Jpeg" => _runtime.JpegDecoderName,
        { } name when name.StartsWith("Jpeg2000", StringComparison.Ordinal) => _runtime.Jpeg2000DecoderName,
        { } name => name.ToLowerInvariant(),
    };

    /// <summary>Why libvips can't read a first patch of each slide, in a line; null where it can.</summary>
    private string? FaultOfCrop()
    {
        try
        {
            foreach (string path in _scene.Slides)
            {
                using var image = Image.Tiffload(path);
                using Image pixel = image.Crop(0, 0, 1, 1);
                pixel.WriteToMemory<byte>();
            }
            return null;
        }
        catch (VipsException e)
        {
            return e.Message.ReplaceLineEndings(" ").Trim();
        }
    }

    public void Dispose()
    {
        foreach (DecoderProbe? decoder in _decoders)
            decoder?.Dispose();
        _pool.Dispose();
        _runtime.Dispose();
    }

    private double Time(Func<int, Action<int>> readerOfWorker)
    {
        var work = new PlaceWork(_scene.Places.Length, [.. Enumerable.Range(0, _pool.Workers).Select(readerOfWorker)]);
        long start = Stopwatch.GetTimestamp();
        _pool.Run(work, (_scene.Places.Length + Grain - 1) / Grain);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private sealed class PlaceWork(int places, Action<int>[] read) : IParallelWork
    {
        public void Execute(int item, int worker)
        {
            for (int place = item * Grain; place < Math.Min(places, (item + 1) * Grain); place++)
                read[worker](place);
        }
    }
}
