using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using static TorchSharp.torch;

namespace SSLP.Native;

/// <summary>A trained encoder, for features of patches or of the host's own pixels.</summary>
internal sealed class NativeEncoder : NativeObject
{
    private readonly NativeContext _context;
    private readonly EngineContext _engine;
    private readonly ResNet _backbone;
    private readonly EncoderDescription _described;

    public NativeEncoder(NativeContext context, string path)
        : base("encoder", isExclusive: true, context)
    {
        _context = context;
        string libtorch = OwnTorch.FolderFor(context.Libtorch);
        _engine = new(new EngineSettings { Threads = context.Threads, Kernels = context.Backend, Libtorch = libtorch },
            context.HostWorkers);
        try
        {
            (_backbone, _described) = Embedder.Load(path, CPU, new EncoderUse(), allowMismatch: false);
        }
        catch
        {
            _engine.Dispose();
            throw;
        }
    }

    /// <summary>Numbers of a feature.</summary>
    public int Width => _described.Width;

    public int InputSize => _described.Preprocessing.InputSize;

    public int PatchSize => _described.Preprocessing.PatchSize;

    public double Mpp => _described.Preprocessing.Mpp ?? 0;

    /// <summary>Features of patches into the host's memory.</summary>
    /// <param name="source">The patches.</param>
    /// <param name="patches">Their numbers.</param>
    /// <param name="features">[n, width]; the row of a patch that does not read is NaN.</param>
    /// <returns>Patches that did not read.</returns>
    public unsafe int Embed(IPatchSource source, int[] patches, float* features)
    {
        using var sink = new HostSink(features, Width);
        IReadOnlyList<int> unread = _context.Cancellable(stop => Embedder.Stream(
            _backbone, _described.Preprocessing, source, patches, CPU, _engine.Workers, new EmbedOptions(), sink, cancel: stop.Token));
        if (unread.Count > 0)
            _context.Warn($"{unread.Count} of {patches.Length} patches did not read and have no feature (NaN): the first is patch"
                + $" {unread[0]}.");
        return unread.Count;
    }

    public override void Dispose()
    {
        _backbone.Dispose();
        _engine.Dispose();
    }

    private sealed unsafe class HostSink(float* features, int width) : IFeatureSink
    {
        private float* _next = features;

        public void Add(ReadOnlySpan<int> patches, ReadOnlySpan<float> values, ReadOnlySpan<bool> read)
        {
            for (int i = 0; i < read.Length; i++, _next += width)
            {
                if (read[i])
                    values.Slice(i * width, width).CopyTo(new Span<float>(_next, width));
                else
                    new Span<float>(_next, width).Fill(float.NaN);
            }
        }

        public void Complete() { }

        public void Dispose() { }
    }
}

/// <summary>Patches that lie in the host's memory: [n, P, P, 3].</summary>
internal sealed unsafe class HostPixels(byte* rgb, int count, int patchSize, double? mpp) : IPatchSource
{
    public PatchTable Table { get; } = new(
        [.. Enumerable.Range(0, count).Select(i => $"patch {i}")], (int[])[.. Enumerable.Range(0, count)], new int[count], new int[count],
            hasCoordinates: false)
    {
        HasSlides = false,
    };

    public int PatchSize => patchSize;

    public double? Mpp => mpp;

    public string Describe => $"{count} patches of {patchSize} px in the host's memory";

    public bool IsCheapAtRandom => true;

    public void Read(int patch, Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(patch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(patch, count);
        int bytes = patchSize * patchSize * 3;
        new ReadOnlySpan<byte>(rgb + ((long)patch * bytes), bytes).CopyTo(target);
    }

    public void Dispose() { }
}
