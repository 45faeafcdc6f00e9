using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Features;

/// <summary>
/// Features of every patch of a source: the whole patch scaled (bilinear, antialiased), its centre cut out, normalised as the encoder's
/// file says, through the frozen backbone in evaluation mode.
/// </summary>
public static class Embedder
{
    private const int Slots = 3;

    /// <summary>What an encoder file says of itself.</summary>
    /// <exception cref="Fault">There is no such file.</exception>
    public static EncoderDescription Describe(string path) => File.Exists(path)
        ? EncoderFile.Describe(path)
        : throw new Fault(FaultKind.Input, $"There is no encoder '{path}'; sslp pretrain writes one as RUN/encoder.safetensors.");

    /// <summary>The backbone that a run with this seed begins with, in evaluation mode.</summary>
    public static ResNet Untrained(Architecture architecture, long seed, Device device)
    {
        ResNet backbone = EngineContext.Seeded(seed, () => new ResNet(architecture));
        backbone.to(device);
        backbone.eval();
        return backbone;
    }

    /// <summary>
    /// Gives a network the batch statistics of patches, by running averages as a training leaves them: passes over the patches, at least
    /// <see cref="CalibrationBatches"/> batches, no gradient, no weight changed. Evaluation mode is restored.
    /// </summary>
    public static void Calibrate(
        ResNet backbone, EncoderPreprocessing preprocessing, IPatchSource source, Device device, WorkerPool pool,
        CancellationToken cancel = default)
    {
        int[] patches = [.. Enumerable.Range(0, source.Table.Count)];
        var options = new EmbedOptions();
        int batches = Math.Max(1, (patches.Length + options.BatchSize - 1) / options.BatchSize);
        backbone.train();
        for (int done = 0; done < CalibrationBatches; done += batches)
        {
            using var sink = new MemorySink(patches.Length, backbone.Features);
            Stream(backbone, preprocessing, source, patches, device, pool, options, sink, null, cancel);
        }
        backbone.eval();
    }

    /// <summary>A running average with momentum 0.1 has forgotten all but a thousandth of its start by then.</summary>
    private const int CalibrationBatches = 64;

    /// <summary>A backbone from its file, on a device, in evaluation mode.</summary>
    /// <param name="path">encoder.safetensors.</param>
    /// <param name="device">Where it will run.</param>
    /// <param name="use">How it will be fed; a difference from its training is refused.</param>
    /// <param name="allowMismatch">Load it although it differs.</param>
    public static (ResNet Backbone, EncoderDescription Description) Load(string path, Device device, EncoderUse use, bool allowMismatch)
    {
        EncoderDescription described = Describe(path);
        if (!Enum.TryParse(described.Arch, ignoreCase: true, out Architecture architecture))
            throw new Fault(FaultKind.Input,
                $"'{path}' holds a '{described.Arch}', which this version cannot build; it knows " +
                $"{string.Join(", ", Enum.GetNames<Architecture>())}.");
        var backbone = new ResNet(architecture);
        EncoderFile.Load(path, backbone.state_dict(), use, allowMismatch);
        backbone.to(device);
        backbone.eval();
        return (backbone, described);
    }

    /// <summary>Computes the features of all patches that read, in memory.</summary>
    /// <param name="backbone">In evaluation mode, on <paramref name="device"/>.</param>
    /// <param name="preprocessing">What its inputs go through.</param>
    /// <param name="source">The patches.</param>
    /// <param name="device">Where the network runs.</param>
    /// <param name="pool">Threads.</param>
    /// <param name="progress">Patches done.</param>
    /// <param name="cancel">Stops between batches.</param>
    /// <returns>One row a patch that read, and the ids of those that did not.</returns>
    public static (FeatureTable Features, IReadOnlyList<int> Unread) Run(
        ResNet backbone, EncoderPreprocessing preprocessing, IPatchSource source, Device device, IWorkers pool,
        IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        int count = source.Table.Count;
        int[] patches = [.. Enumerable.Range(0, count)];
        using var sink = new MemorySink(count, backbone.Features);
        IReadOnlyList<int> unread = Stream(backbone, preprocessing, source, patches, device, pool, new EmbedOptions(), sink,
            progress, cancel);
        // A copy: the table of a manifest lies in a mapped file, which closes with the source.
        var table = new FeatureTable(source.Table.Select(patches), sink.Values, backbone.Features, source.Describe,
            FeatureFile.OriginsOf(source, patches));
        if (unread.Count > 0)
            table = table.Select([.. patches.Except(unread)]);
        return (table, unread);
    }

    /// <summary>Computes the features of patches, a batch in memory at a time, and hands them on as they come.</summary>
    /// <param name="backbone">In evaluation mode, on <paramref name="device"/>.</param>
    /// <param name="preprocessing">What its inputs go through.</param>
    /// <param name="source">The patches.</param>
    /// <param name="patches">Their ids in the order wanted.</param>
    /// <param name="device">Where the network runs.</param>
    /// <param name="pool">Threads.</param>
    /// <param name="options">Batch and arithmetic.</param>
    /// <param name="sink">Takes them; completed here after the last.</param>
    /// <param name="progress">Patches done.</param>
    /// <param name="cancel">Stops between batches.</param>
    /// <returns>The ids of patches that did not read.</returns>
    public static unsafe IReadOnlyList<int> Stream(
        ResNet backbone, EncoderPreprocessing preprocessing, IPatchSource source, int[] patches, Device device, IWorkers pool,
        EmbedOptions options,
        IFeatureSink sink, IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        EngineContext.UseThreads(pool);
        int size = preprocessing.InputSize, batchSize = options.BatchSize, batches = (patches.Length + batchSize - 1) / batchSize;
        // The last batch is filled up with its last patch, whose further rows nobody takes.
        int[] order = [.. patches, .. Enumerable.Repeat(patches.LastOrDefault(), (batches * batchSize) - patches.Length)];
        var unread = new List<int>();
        bool[] read = new bool[batchSize];
        using var augmenter = new AugmenterCpu(OptionsOf(preprocessing, AugmentOptions.CropAndFlip), source.PatchSize, pool);
        using var ring = new BatchRing(
            new SkippingReader(source), source.PatchSize, batchSize, Slots, pool.Workers,
            new AlignedBatchMemory(BatchRing.BytesFor(source.PatchSize, batchSize, Slots)));
        using Tensor images = empty([batchSize, 3, size, size]);
        using IDisposable inference = inference_mode();
        ring.Start(order, 0, batches);
        for (int b = 0; b < batches; b++)
        {
            using DisposeScope scope = NewDisposeScope();
            PatchBatch batch = ring.Next(cancel);
            fixed (byte* output = images.bytes)
                augmenter.ApplyEvaluation(preprocessing.ResizedSide, batchSize, (byte*)batch.Pixels, (float*)output);
            int first = b * batchSize, used = Math.Min(batchSize, patches.Length - first);
            for (int i = 0; i < used; i++)
            {
                read[i] = batch.Patches.Span[i] >= 0;
                if (!read[i])
                    unread.Add(patches[first + i]);
            }
            ring.Release();
            Tensor input = images.narrow(0, 0, used).to(device);
            if (options.Precision == Precision.BFloat16)
                input = input.to(ScalarType.BFloat16).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
            Tensor features = backbone.forward(input).to(ScalarType.Float32).cpu().contiguous();
            sink.Add(patches.AsSpan(first, used), System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(features.bytes),
                read.AsSpan(0, used));
            progress?.Report(first + used);
        }
        sink.Complete();
        return unread;
    }

    /// <summary>An augmentation that ends in this encoder's size and normalisation.</summary>
    internal static AugmentOptions OptionsOf(EncoderPreprocessing p, AugmentOptions augmentation) => augmentation with
    {
        InputSize = p.InputSize,
        Mean = (p.Mean.X, p.Mean.Y, p.Mean.Z),
        Deviation = (p.Std.X, p.Std.Y, p.Std.Z),
    };

    private sealed class MemorySink(int count, int width) : IFeatureSink
    {
        private int _next;

        public float[] Values { get; } = new float[(long)count * width];

        public void Add(ReadOnlySpan<int> patches, ReadOnlySpan<float> features, ReadOnlySpan<bool> read)
        {
            features.CopyTo(Values.AsSpan(_next));
            _next += features.Length;
        }

        public void Complete() { }

        public void Dispose() { }
    }
}

/// <summary>How an encoder is run over patches.</summary>
public sealed record EmbedOptions
{
    /// <summary>Patches at once. Default 64.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Arithmetic of the backbone. Default float32.</summary>
    public Precision Precision { get; init; } = Precision.Float32;
}
