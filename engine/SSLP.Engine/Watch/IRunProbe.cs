using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Watch;

/// <summary>What a probe of a running training saw.</summary>
/// <param name="Accuracy">Null where there was nothing to judge.</param>
/// <param name="BalancedAccuracy">Null where there was nothing to judge.</param>
/// <param name="Auc">Null where there was nothing to judge.</param>
/// <param name="Why">Why there was nothing, a sentence; else null.</param>
public readonly record struct RunReading(double? Accuracy, double? BalancedAccuracy, double? Auc, string? Why);

/// <summary>Judges a backbone while it is trained, and changes nothing of what is learned.</summary>
public interface IRunProbe
{
    /// <summary>What it judges by, in one line.</summary>
    string Describe { get; }

    /// <summary>Reads the network as it is now.</summary>
    /// <param name="backbone">In any mode, in which it is left.</param>
    /// <param name="cancel">Stops between batches.</param>
    RunReading Read(ResNet backbone, CancellationToken cancel);
}

/// <summary>Makes a run's probe, once the run knows what its network is given and where it runs.</summary>
/// <param name="source">Patches with classes; stays the caller's.</param>
/// <param name="preprocessing">What the network's inputs go through.</param>
/// <param name="device">Where the network is.</param>
/// <param name="pool">Threads of the scaling; stays the caller's.</param>
/// <param name="seed">Of the draw: the same for a resumed run.</param>
public delegate IRunProbe RunProbeFactory(IPatchSource source, EncoderPreprocessing preprocessing, Device device, IWorkers pool, int seed);
