using SSLP.Data.Tissue;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Torch;
using SSLP.Interop.Slides;
using SSLP.Kernels;

namespace SSLP.Engine.Options;

/// <summary>What is learned; each is a file of its own in Training/Methods.</summary>
public enum MethodKind
{
    /// <summary>Self, intra and inter against semi-hard negatives (Li, Lin, Xu, MICCAI 2021).</summary>
    Sslp,

    /// <summary>The self term alone against random negatives of the bank (Wu et al. 2018).</summary>
    InstDisc,

    /// <summary>Two views, momentum encoder, queue (He et al. 2020; Chen et al. 2020b).</summary>
    MoCoV2,

    /// <summary>Two views, every other patch of the batch a negative (Chen et al. 2020a).</summary>
    SimClr,

    /// <summary>A classifier on the labels: no self-supervision, but the ceiling for it.</summary>
    Supervised,
}

/// <summary>What of the memory bank a checkpoint holds.</summary>
public enum CheckpointBank
{
    /// <summary>The rows that changed since the last whole checkpoint, where the bank is large and they are less than half of it; else
    /// all.</summary>
    Auto,

    /// <summary>The rows that changed, however small the bank is, while they are less than half of it.</summary>
    Changes,

    /// <summary>All of it: every file can be read alone.</summary>
    Whole,
}

/// <summary>
/// Every option of a pretraining run. Defaults are the paper's (method.md, Training). 0 in an option that says so means "scaled to the
/// data". Each has a snake_case key in <see cref="OptionTable"/>, for run.yaml and --set.
/// </summary>
public sealed record TrainingOptions
{
    public MethodKind Method { get; init; } = MethodKind.Sslp;

    public int Epochs { get; init; } = 100;

    public int MaxSteps { get; init; }

    public int BatchSize { get; init; } = 128;

    public Architecture Arch { get; init; } = Architecture.ResNet18;

    public HeadKind? Head { get; init; }

    /// <summary>Safetensors file that the backbone begins with; empty: random weights.</summary>
    public string Init { get; init; } = string.Empty;

    public int Width { get; init; } = 128;

    public Precision Precision { get; init; } = Precision.Float32;

    public DeviceKind Device { get; init; } = DeviceKind.Auto;

    public int Threads { get; init; }

    /// <summary>Which implementation of the kernels.</summary>
    public KernelBackend Kernels { get; init; } = KernelBackend.Cpu;

    /// <summary>How the CUDA kernels score.</summary>
    public DeviceScores Scores { get; init; }

    /// <summary>Who decodes JPEG tiles.</summary>
    public JpegChoice Jpeg { get; init; }

    /// <summary>The lib folder of a Python torch; empty: the build's own libtorch.</summary>
    public string Libtorch { get; init; } = string.Empty;

    /// <summary>What a context is opened with for a run of these options.</summary>
    public EngineSettings Engine => new() { Threads = Threads, Kernels = Kernels, Scores = Scores, Jpeg = Jpeg, Libtorch = Libtorch };

    public long Seed { get; init; } = 1234;

    public int Patch { get; init; } = 256;

    public double Mpp { get; init; } = 0.5;

    /// <summary>How tissue is told from glass on slides that the run tiles itself. Default auto.</summary>
    public TissueMethod Tissue { get; init; } = TissueMethod.Auto;

    /// <summary>Strength of stain or density (0–254) above which is tissue. Default null: Otsu's, slide by slide.</summary>
    public int? TissueThreshold { get; init; }

    /// <summary>The two of them.</summary>
    public TissueOptions TissueRule => new() { Method = Tissue, Threshold = TissueThreshold };

    public int InputSize { get; init; } = 224;

    public double LearningRate { get; init; } = 0.015;

    public double Momentum { get; init; } = 0.9;

    public double WeightDecay { get; init; } = 1e-4;

    public double Temperature { get; init; } = 0.07;

    public double BankMomentum { get; init; } = 0.5;

    public double Radius { get; init; } = 3;

    public int AuxiliaryAnchors { get; init; } = 1;

    public int NearestKeys { get; init; }

    public int Negatives { get; init; }

    public double PoolShare { get; init; } = 0.2;

    public NegativeSampling NegativeSampling { get; init; } = NegativeSampling.SemiHard;

    public int Clusters { get; init; }

    public int ClusterRuns { get; init; } = 3;

    public int ClusterIterations { get; init; } = 20;

    public int ClusterEvery { get; init; }

    public double RampEpochs { get; init; }

    public double IntraWeight { get; init; } = 1;

    public double InterWeight { get; init; } = 1;

    public bool DetachNegatives { get; init; }

    public double KeyMomentum { get; init; } = 0.999;

    public int Queue { get; init; } = 65536;

    public AugmentOptions Augment { get; init; } = AugmentOptions.Sslp;

    public int RunLength { get; init; }

    public int WindowRuns { get; init; } = 256;

    public bool BalanceSlides { get; init; }

    public int Prefetch { get; init; } = 4;

    public int WatchEvery { get; init; } = 100;

    public bool StopOnCollapse { get; init; }

    public int ProbeEvery { get; init; }

    public int CheckpointEvery { get; init; }

    public double CheckpointMinutes { get; init; } = 10;

    public CheckpointBank CheckpointBank { get; init; } = CheckpointBank.Auto;

    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Where a method's own paper differs from SSLP's values.</summary>
    public static TrainingOptions DefaultsOf(MethodKind method) => method switch
    {
        MethodKind.MoCoV2 => new() { Method = method, LearningRate = 0.03, Temperature = 0.2, Augment = AugmentOptions.MoCoV2 },
        MethodKind.SimClr => new() { Method = method, LearningRate = 0.03, Temperature = 0.1, Augment = AugmentOptions.MoCoV2 },
        _ => new() { Method = method },
    };

    /// <summary>The head of the method where none was asked for: MLP for MoCo v2 and SimCLR, linear for the others.</summary>
    public HeadKind HeadOrDefault => Head ?? (Method is MethodKind.MoCoV2 or MethodKind.SimClr ? HeadKind.Mlp : HeadKind.Linear);

    /// <summary>The objective's constants for a bank of N rows, with what was asked for in place of the scaled defaults.</summary>
    public ObjectivePlan ObjectiveFor(int rows)
    {
        ObjectivePlan scaled = ObjectivePlan.For(rows, AuxiliaryAnchors);
        return scaled with
        {
            Terms = scaled.Terms with
            {
                Temperature = Temperature,
                RadiusPatches = Radius,
                NearestKeys = NearestKeys > 0 ? NearestKeys : scaled.Terms.NearestKeys,
                Negatives = Negatives > 0 ? Negatives : scaled.Terms.Negatives,
                PoolShare = PoolShare,
                Sampling = NegativeSampling,
                DetachNegatives = DetachNegatives,
            },
            Clusters = Clusters > 0 ? Math.Min(Clusters, rows) : scaled.Clusters,
            ClusterRuns = ClusterRuns,
            ClusterIterations = ClusterIterations,
            BankMomentum = BankMomentum,
            IntraWeight = IntraWeight,
            InterWeight = InterWeight,
        };
    }
}
