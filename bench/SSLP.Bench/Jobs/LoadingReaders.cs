using System.Diagnostics;
using NetVips;
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
        foreach (var ofSlide in scene.Places.Index().GroupBy(place => place.Item.Slide))
        {
            using Slide slide = Slide.Open(scene.Slides[ofSlide.Key], SlideReader.Embedded, _runtime);
            _decoders[ofSlide.Key] = DecoderProbe.Load(_runtime, slide, 0, ofSlide.Select(place => (place.Item.TileColumn, place.Item.TileRow)))!;
            foreach (var (number, place) in ofSlide.Index())
                _decoderTile[place.Index] = number;
        }
    }

    /// <summary>The bare decoder on the same tiles, whole and in memory.</summary>
    public double Decode() => Time(worker => place => _decoders[_scene.Places[place].Slide].Decode(_decoderTile[place], _patch[worker]));

    /// <summary>read_region of a reader, into a buffer that every patch overwrites.</summary>
    public double ReadRegions(SlideReader reader)
    {
        Slide[] slides = [.. _scene.Slides.Select(path => Slide.Open(path, reader, _runtime))];
        try
        {
            return Time(worker => place =>
            {
                LoadingPlace at = _scene.Places[place];
                slides[at.Slide].ReadRegion(0, at.X, at.Y, _scene.Side, _scene.Side, _patch[worker]);
            });
        }
        finally
        {
            foreach (Slide slide in slides)
                slide.Dispose();
        }
    }

    /// <summary>libvips' crop; its own threads are set to one, since the bench's are the ones counted.</summary>
    public double Crop()
    {
        NetVips.NetVips.Concurrency = 1;
        Image[] images = [.. _scene.Slides.Select(path => Image.Tiffload(path))];
        try
        {
            return Time(_ => place =>
            {
                LoadingPlace at = _scene.Places[place];
                using Image crop = images[at.Slide].Crop((int)at.X, (int)at.Y, _scene.Side, _scene.Side);
                crop.WriteToMemory<byte>();
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
        ways.AddTimed($"decoder, bare {_runtime.JpegDecoderName}", Decode);
        if (OpenSlideLibrary.IsAvailable)
            ways.AddTimed($"openslide {OpenSlideLibrary.Version} read_region", () => ReadRegions(SlideReader.OpenSlide));
        else
            notes.Add("openslide is not installed");
        if (ModuleInitializer.VipsInitialized)
            ways.AddTimed($"libvips {NetVips.NetVips.Version(0)}.{NetVips.NetVips.Version(1)} crop", Crop);
        else
            notes.Add("libvips is not installed");
    }

    public void Dispose()
    {
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
