using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Engine.Torch;
using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Features;

/// <summary>
/// Features of every patch of a source: the whole patch scaled (bilinear, antialiased), its centre cut out, normalised as the encoder's file
/// says, through the frozen backbone in evaluation mode.
/// </summary>
public static class Embedder
{
    private const int BatchSize = 64, Slots = 3;

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

    /// <summary>A backbone from its file, on a device, in evaluation mode.</summary>
    /// <param name="path">encoder.safetensors.</param>
    /// <param name="device">Where it will run.</param>
    /// <param name="use">How it will be fed; a difference from its training is refused.</param>
    /// <param name="allowMismatch">Load it although it differs.</param>
    public static (ResNet Backbone, EncoderDescription Description) Load(string path, Device device, EncoderUse use, bool allowMismatch)
    {
        EncoderDescription described = Describe(path);
        if (!Enum.TryParse(described.Arch, ignoreCase: true, out Architecture architecture))
            throw new Fault(FaultKind.Input, $"'{path}' holds a '{described.Arch}', which this version cannot build; it knows {string.Join(", ", Enum.GetNames<Architecture>())}.");
        var backbone = new ResNet(architecture);
        EncoderFile.Load(path, backbone.state_dict(), use, allowMismatch);
        backbone.to(device);
        backbone.eval();
        return (backbone, described);
    }

    /// <summary>Computes the features of all patches that read.</summary>
    /// <param name="backbone">In evaluation mode, on <paramref name="device"/>.</param>
    /// <param name="preprocessing">What its inputs go through.</param>
    /// <param name="source">The patches.</param>
    /// <param name="device">Where the network runs.</param>
    /// <param name="pool">Threads.</param>
    /// <param name="progress">Patches done.</param>
    /// <param name="cancel">Stops between batches.</param>
    /// <returns>One row a patch that read, and the ids of those that did not.</returns>
    public static unsafe (FeatureTable Features, IReadOnlyList<int> Unread) Run(
        ResNet backbone, EncoderPreprocessing preprocessing, IPatchSource source, Device device, WorkerPool pool,
        IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        EngineContext.UseThreads(pool);
        int count = source.Table.Count, size = preprocessing.InputSize;
        int batches = (count + BatchSize - 1) / BatchSize;
        int[] order = [.. Enumerable.Range(0, batches * BatchSize).Select(i => Math.Min(i, count - 1))];
        var values = new float[(long)count * backbone.Features];
        var unread = new List<int>();
        using var augmenter = new Augmenter(OptionsOf(preprocessing, AugmentOptions.CropAndFlip), source.PatchSize, pool);
        using var ring = new BatchRing(
            new SkippingReader(source), source.PatchSize, BatchSize, Slots, pool.Workers,
            new AlignedBatchMemory(BatchRing.BytesFor(source.PatchSize, BatchSize, Slots)));
        using Tensor images = empty([BatchSize, 3, size, size]);
        using var inference = inference_mode();
        ring.Start(order, 0, batches);
        for (int b = 0; b < batches; b++)
        {
            using var scope = NewDisposeScope();
            PatchBatch batch = ring.Next(cancel);
            fixed (byte* output = images.bytes)
                augmenter.ApplyEvaluation(preprocessing.ResizedSide, BatchSize, (byte*)batch.Pixels, (float*)output);
            int first = b * BatchSize, used = Math.Min(BatchSize, count - first);
            for (int i = 0; i < used; i++)
                if (batch.Patches.Span[i] < 0)
                    unread.Add(first + i);
            ring.Release();
            Tensor features = backbone.forward(images.narrow(0, 0, used).to(device)).to(ScalarType.Float32).cpu().contiguous();
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(features.bytes).CopyTo(values.AsSpan(first * backbone.Features));
            progress?.Report(first + used);
        }
        var table = new FeatureTable(source.Table, values, backbone.Features, source.Describe, OriginsOf(source));
        if (unread.Count > 0)
            table = table.Select([.. Enumerable.Range(0, count).Except(unread)]);
        return (table, unread);
    }

    /// <summary>x, y of every patch in level-0 pixels, as CLAM and TRIDENT expect them; null where the patches were not cut from slides.</summary>
    private static long[]? OriginsOf(IPatchSource source)
    {
        var origins = new long[2 * source.Table.Count];
        for (int i = 0; i < source.Table.Count; i++)
        {
            if (source.OriginLevel0(i) is not { } origin)
                return null;
            (origins[2 * i], origins[(2 * i) + 1]) = origin;
        }
        return origins;
    }

    /// <summary>An augmentation that ends in this encoder's size and normalisation.</summary>
    internal static AugmentOptions OptionsOf(EncoderPreprocessing p, AugmentOptions augmentation) => augmentation with
    {
        InputSize = p.InputSize,
        Mean = (p.Mean.X, p.Mean.Y, p.Mean.Z),
        Deviation = (p.Std.X, p.Std.Y, p.Std.Z),
    };
}
