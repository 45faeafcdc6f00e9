using SSLP.Data.Tissue;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Interop.Slides;
using SSLP.Kernels;

namespace SSLP.Engine.Options;

/// <summary>
/// Every option of a pretraining run. Defaults are the paper's (method.md, Training). 0 in an option that says so means "scaled to the
/// data". Each says what it is on its property; <see cref="OptionTable"/> makes the keys of run.yaml and --set from that.
/// </summary>
public sealed record TrainingOptions
{
    private const OptionSource Stated = OptionSource.Stated, Behaviour = OptionSource.Behaviour;

    [Option("what is learned; supervised learns from labels: the ceiling")]
    public MethodKind Method { get; init; } = MethodKind.Sslp;

    [Option("passes over the patches", Least = 1, Source = Behaviour)]
    public int Epochs { get; init; } = 100;

    [Option("stop after this many steps, the schedule as long; 0: epochs decide")]
    public int MaxSteps { get; init; }

    [Option("anchors a step, B", Least = 2, Source = Behaviour)]
    public int BatchSize { get; init; } = 128;

    [Option("the backbone", Source = Behaviour)]
    public Architecture Arch { get; init; } = Architecture.ResNet18;

    [Option(
        "projection after the backbone; linearnorm is for short runs; auto: linear [B] for sslp and instdisc, mlp for mocov2, mlpnorm for "
        + "simclr; supervised has its classifier, whatever is set", TakesAuto = true)]
    public HeadKind? Head { get; init; }

    // A file may move: what a resumed run compares is its hash.
    [Option(
        "safetensors file that the backbone begins with: a run's encoder, or a ResNet of torchvision, timm, MoCo, lightly, mmselfsup, DINO "
        + "or Hugging Face; empty: random weights", Source = Behaviour, FreeOnResume = true)]
    public string Init { get; init; } = string.Empty;

    [Option("width of the projection, D", Least = 2, Most = 65536, Source = Stated)]
    public int Width { get; init; } = 128;

    [Option("arithmetic of the backbone")]
    public Precision Precision { get; init; } = Precision.Float32;

    [Option("where the network runs, and the CUDA kernels with it; auto: a GPU where there is one", FreeOnResume = true)]
    public DeviceChoice Device { get; init; } = DeviceKind.Auto;

    [Option("CPU threads; 0: one a core", Most = WorkerPool.MostWorkers, FreeOnResume = true)]
    public int Threads { get; init; }

    /// <summary>Which implementation of the kernels.</summary>
    [Option(
        "implementation of the kernels; auto: cuda where they share the network's device and agree with the CPU's on small inputs, "
        + "else cpu", FreeOnResume = true)]
    public KernelBackend Kernels { get; init; } = KernelBackend.Cpu;

    /// <summary>How the CUDA kernels score.</summary>
    [Option("how the CUDA kernels score", Names = ["fp32", "bf16"], FreeOnResume = true)]
    public DeviceScores Scores { get; init; }

    /// <summary>Who decodes JPEG tiles.</summary>
    [Option("who decodes JPEG tiles; the pixels are the same", FreeOnResume = true)]
    public JpegChoice Jpeg { get; init; }

    /// <summary>The lib folder of a Python torch; empty: the build's own libtorch.</summary>
    [Option("lib folder of a Python torch to use; empty: the build's own libtorch", FreeOnResume = true)]
    public string Libtorch { get; init; } = string.Empty;

    /// <summary>What a context is opened with for a run of these options.</summary>
    public EngineSettings Engine => new() { Threads = Threads, Kernels = Kernels, Scores = Scores, Jpeg = Jpeg, Libtorch = Libtorch };

    [Option("of everything that is drawn")]
    public long Seed { get; init; } = 1234;

    [Option("side of a patch cut from a slide", Unit = "px", Least = 8, Most = 8192, Source = Behaviour)]
    public int Patch { get; init; } = 256;

    [Option(
        "pixel size at which patches are cut, 0.5 being 20x; of patches that are already cut: unknown unless it is set",
        Unit = "µm", Least = 1e-3, Most = 1e3, Source = Stated)]
    public double Mpp { get; init; } = 0.5;

    /// <summary>How tissue is told from glass on slides that the run tiles itself. Default auto.</summary>
    [Option("how tissue is told from glass where slides are tiled by the run; auto: by H&E's colours, by density where they say little")]
    public TissueMethod Tissue { get; init; } = TissueMethod.Auto;

    /// <summary>Strength of stain or density (0–254) above which is tissue. Default null: Otsu's, slide by slide.</summary>
    [Option("strength of stain or density above which is tissue; auto: Otsu's, slide by slide", Most = 254, TakesAuto = true)]
    public int? TissueThreshold { get; init; }

    /// <summary>The two of them.</summary>
    public TissueOptions TissueRule => new() { Method = Tissue, Threshold = TissueThreshold };

    [Option("side of the network's input", Unit = "px", Least = 8, Most = AugmentOptions.MostInputSize, Source = Behaviour)]
    public int InputSize { get; init; } = 224;

    /// <summary>Null: <see cref="LearningRateOrDefault"/>.</summary>
    [Option(
        "of SGD at the start of the cosine; auto: 0.03 * batch_size / 256, which is the paper's 0.015 at its batch of 128", Most = 100,
        TakesAuto = true, Source = Behaviour)]
    public double? LearningRate { get; init; }

    [Option("of SGD", Most = 1, Source = Behaviour)]
    public double Momentum { get; init; } = 0.9;

    [Option("of SGD", Most = 1, Source = Behaviour)]
    public double WeightDecay { get; init; } = 1e-4;

    [Option("tau of every term", Least = 1e-3, Most = 10, Source = Stated)]
    public double Temperature { get; init; } = 0.07;

    [Option("m of v <- unit((1 - m) v + m f)", Most = 1, Source = Behaviour)]
    public double BankMomentum { get; init; } = 0.5;

    [Option("T: spatial neighbours are closer than this", Unit = "patches", Least = 0.5, Most = 1e4, Source = Behaviour)]
    public double Radius { get; init; } = 3;

    [Option("spatial neighbours that also query for feature neighbours", Source = Behaviour)]
    public int AuxiliaryAnchors { get; init; } = 1;

    [Option("K of a feature query; 0: scaled to the bank, 4096 at the paper's size [B]")]
    public int NearestKeys { get; init; }

    [Option("M of an anchor; 0: scaled to the bank, 4096 at the paper's size [B]")]
    public int Negatives { get; init; }

    [Option("share of the bank that is the pool of negatives", Least = 1e-6, Most = 1, Source = Stated)]
    public double PoolShare { get; init; } = 0.2;

    [Option("which ranks the negatives have; semihard: Beta(5, 15) over the pool", Source = Stated)]
    public NegativeSampling NegativeSampling { get; init; } = NegativeSampling.SemiHard;

    [Option("of each k-means run; 0: scaled to the bank, 1000 at the paper's size [B]")]
    public int Clusters { get; init; }

    [Option("k-means runs that must agree, R", Least = 1, Source = Stated)]
    public int ClusterRuns { get; init; } = 3;

    [Option("of each k-means run", Least = 1, Source = Behaviour)]
    public int ClusterIterations { get; init; } = 20;

    [Option("steps between clusterings of the bank; 0: one at the start of each epoch but the first", Source = Behaviour)]
    public int ClusterEvery { get; init; }

    [Option("T_ramp of the intra and inter terms; 0: 10 % of the run's steps", Unit = "epochs", Most = 1e6, Source = Behaviour)]
    public double RampEpochs { get; init; }

    [Option("factor of the intra term besides the ramp; 0 leaves it out, and S with it where inter is out, too", Most = 1e3)]
    public double IntraWeight { get; init; } = 1;

    [Option("factor of the inter term besides the ramp; 0 leaves it out, and F with it", Most = 1e3)]
    public double InterWeight { get; init; } = 1;

    [Option("no gradient through the negatives, as SGCL has it")]
    public bool DetachNegatives { get; init; }

    [Option("mocov2: momentum of the key encoder", Most = 1)]
    public double KeyMomentum { get; init; } = 0.999;

    [Option("mocov2: keys in the queue, at most a patch each; 0: 65536, but no more than a tenth of the patches")]
    public int Queue { get; init; }

    [Option("a whole list of the augmentation; the keys below change one value")]
    public AugmentOptions Augment { get; init; } = AugmentOptions.Sslp;

    [Option("patches that follow each other on a slide and are shuffled as one; 0: 16 from slides, 1 from patches")]
    public int RunLength { get; init; }

    [Option("runs whose patches are shuffled among each other", Least = 1)]
    public int WindowRuns { get; init; } = 256;

    [Option("every slide gives the same number of patches an epoch")]
    public bool BalanceSlides { get; init; }

    [Option("batches in memory at once", Least = 2, Most = 1024, FreeOnResume = true)]
    public int Prefetch { get; init; } = 4;

    [Option("steps between readings of the signs of collapse; 0: none", FreeOnResume = true)]
    public int WatchEvery { get; init; } = 100;

    [Option("end the run, with a checkpoint and exit code 3, where the features have collapsed", FreeOnResume = true)]
    public bool StopOnCollapse { get; init; }

    [Option(
        "steps between kNN readings on labelled slides (of the split 'train', or --probe-labels); 500 costs about 1 % of the time; 0: none",
        FreeOnResume = true)]
    public int ProbeEvery { get; init; }

    [Option("steps between checkpoints, besides checkpoint_minutes and one at the end; 0: no steps are counted", FreeOnResume = true)]
    public int CheckpointEvery { get; init; }

    [Option(
        "time between checkpoints, which are written beside training; 0: no minutes are counted", Unit = "minutes", Most = 1e5,
        FreeOnResume = true)]
    public double CheckpointMinutes { get; init; } = 10;

    [Option(
        "rows of the bank in a checkpoint; auto: from 64 MB on those that changed since the last whole one", FreeOnResume = true)]
    public CheckpointBank CheckpointBank { get; init; } = CheckpointBank.Auto;

    [Option(
        "rows of the bank where several processes train: all in each, or a part in each that is searched for all; the losses are the same",
        FreeOnResume = true)]
    public BankPlacement Bank { get; init; } = BankPlacement.Replicated;

    [Option("checkpoints kept", Least = 1, FreeOnResume = true)]
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Where a method's own paper differs from SSLP's values.</summary>
    public static TrainingOptions DefaultsOf(MethodKind method) => method switch
    {
        MethodKind.MoCoV2 => new() { Method = method, Temperature = 0.2, Augment = AugmentOptions.MoCoV2 },
        MethodKind.SimClr => new() { Method = method, Temperature = 0.1, Augment = AugmentOptions.MoCoV2 },
        _ => new() { Method = method },
    };

    /// <summary>The head of the method's own paper where none was asked for: linear for SSLP and InstDisc, an MLP for MoCo v2, one with
    /// batch normalisation for SimCLR.</summary>
    public HeadKind HeadOrDefault => Head ?? Method switch
    {
        MethodKind.MoCoV2 => HeadKind.Mlp,
        MethodKind.SimClr => HeadKind.MlpNorm,
        _ => HeadKind.Linear,
    };

    /// <summary>
    /// 0.03 at 256 patches a step, in proportion to the batch (Goyal et al. 2017): InstDisc's and MoCo's value at their batch, and the
    /// SSLP paper's 0.015 at its 128. SimCLR's own paper takes 0.3 at 256 with LARS, which is not here; it gets what the others get.
    /// </summary>
    public double LearningRateOrDefault => LearningRate ?? 0.03 * BatchSize / 256;
}
