using System.Globalization;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using SSLP.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Probes;

/// <summary>Training a classifier with the encoder before it; the defaults are the paper's fine-tuning (method.md, Evaluation).</summary>
/// <param name="LabelShare">Share of the labelled training patches that is used, 0 to 1; each class keeps its share and at least one
/// patch.</param>
/// <param name="LearningRate">At the start; a tenth after 60 % of the epochs, a hundredth after 80 %.</param>
/// <param name="Momentum">Of SGD; not stated in the paper, MoCo's protocol uses this one.</param>
/// <param name="WeightDecay">Of every parameter.</param>
/// <param name="BatchSize">Patches a step; fewer where there are fewer labels.</param>
/// <param name="Epochs">Passes over the labels used.</param>
/// <param name="Seed">Of the choice of labels, their order and the crops.</param>
/// <param name="Frozen">Train the classifier alone: the encoder stays as it is, in evaluation mode.</param>
public sealed record FineTuneOptions(
    double LabelShare = 1, double LearningRate = 0.001, double Momentum = 0.9, double WeightDecay = 1e-4, int BatchSize = 128,
    int Epochs = 100, int Seed = 0,
    bool Frozen = false)
{
    /// <summary>The paper's linear protocol: a frozen encoder, a new crop and flip of every patch in every epoch.</summary>
    public static FineTuneOptions Linear { get; } = new(LearningRate: 0.03, WeightDecay: 0, Frozen: true);
}

/// <summary>A linear classifier on the backbone, and all layers trained with it or none of them; crops and flips, no colour
/// augmentation.</summary>
public static class FineTune
{
    /// <param name="backbone">Where it starts; its weights are changed.</param>
    /// <param name="preprocessing">What its inputs go through.</param>
    /// <param name="name">Of the encoder, for tables.</param>
    /// <param name="source">Patches with classes.</param>
    /// <param name="split">Which are learned from and which judged.</param>
    /// <param name="device">Where the network is and runs.</param>
    /// <param name="pool">Threads of the augmentation.</param>
    /// <param name="options">How it is trained.</param>
    /// <param name="progress">Epochs done.</param>
    /// <param name="cancel">Stops after the running step.</param>
    public static ProbeResult Run(
        ResNet backbone, EncoderPreprocessing preprocessing, string name, IPatchSource source, ProbeSplit split, Device device,
        IWorkers pool,
        FineTuneOptions? options = null, IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        EngineContext.UseThreads(pool);
        FineTuneOptions o = options ?? new();
        int[] learned = ChooseLabels(source.Table, split.Train, o.LabelShare, o.Seed);
        // A patch that does not read is replaced from the same source: within this subset it cannot be one of the judged.
        PatchSubset training = new(source, learned, "labels used");
        int classes = source.Table.Classes!.Count;
        using Linear head = nn.Linear(backbone.Features, classes);
        nn.init.zeros_(head.weight!);
        nn.init.zeros_(head.bias!);
        head.to(device);
        Train(backbone, head, preprocessing, training, device, pool, o, progress, cancel);
        backbone.eval();
        (FeatureTable tested, _) = Embedder.Run(backbone, preprocessing, new PatchSubset(source, split.Test, "test"), device, pool,
            null, cancel);
        string setting = string.Create(
            CultureInfo.InvariantCulture, $"{(o.Frozen ? "crops " : "")}labels={100 * o.LabelShare:0.##}% epochs={o.Epochs}");
        return ProbeResult.From(o.Frozen ? "linear_sgd" : "finetune", setting, name, split.How, training.Table, tested.Patches,
            Scores(head, tested, device));
    }

    /// <summary>A share of the rows of each class, at least one, drawn by a seed; in table order.</summary>
    public static int[] ChooseLabels(PatchTable table, int[] rows, double share, int seed)
    {
        if (share is not (> 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(share), share, "The share of labels is above 0 and at most 1.");
        int[] shuffled = [.. rows];
        new Random(seed).Shuffle(shuffled);
        return [.. shuffled.GroupBy(row => table.LabelOf[row])
            .SelectMany(group => group.Take(Math.Max(1, (int)Math.Round(share * group.Count())))).Order()];
    }

    private static void Train(
        ResNet backbone, Linear head, EncoderPreprocessing preprocessing, PatchSubset training, Device device, IWorkers pool,
        FineTuneOptions o, IProgress<int>? progress, CancellationToken cancel)
    {
        int batchSize = Math.Min(o.BatchSize, training.Table.Count), batches = training.Table.Count / batchSize, slots = 3;
        using var views = new ViewMaker(Embedder.OptionsOf(preprocessing, AugmentOptions.CropAndFlip), training.PatchSize, batchSize,
            (ulong)o.Seed, device, pool);
        using var ring = new BatchRing(
            new ReplacingReader(training, (ulong)o.Seed), training.PatchSize, batchSize, slots, pool.Workers,
            new AlignedBatchMemory(BatchRing.BytesFor(training.PatchSize, batchSize, slots)));
        using SGD optimizer = optim.SGD([.. o.Frozen ? [] : backbone.parameters(), .. head.parameters()], o.LearningRate, o.Momentum,
            weight_decay: o.WeightDecay);
        int[] labels = training.Table.LabelOf.ToArray(), order = [.. Enumerable.Range(0, training.Table.Count)];
        Random random = new(o.Seed);
        backbone.train(!o.Frozen);
        for (int epoch = 0; epoch < o.Epochs; epoch++)
        {
            optimizer.SetLearningRate(LinearProbe.Decayed(o.LearningRate, epoch, o.Epochs));
            random.Shuffle(order);
            ring.Start([.. order], 0, batches, (long)epoch * batches);
            for (int batch = 0; batch < batches; batch++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor images = views.Make(ring.Next(cancel), epoch * batches + batch, 1)[0];
                ring.Release();
                Tensor truth = tensor([.. views.Patches.ToArray().Select(patch => (long)labels[patch])], device: device);
                optimizer.zero_grad();
                nn.functional.cross_entropy(head.forward(Features(backbone, images, o.Frozen)), truth).backward();
                optimizer.step();
            }
            progress?.Report(epoch + 1);
        }
    }

    private static Tensor Features(ResNet backbone, Tensor images, bool frozen)
    {
        using IDisposable? noGrad = frozen ? no_grad() : null;
        return backbone.forward(images);
    }

    private static float[] Scores(Linear head, FeatureTable features, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor x = tensor(features.Values).reshape(features.Count, features.Width).to(device);
        return head.forward(x).softmax(1).ToArray<float>();
    }
}
