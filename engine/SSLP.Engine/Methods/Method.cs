using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Methods;

/// <summary>What a method is given for one step.</summary>
/// <param name="Views">Augmented, normalised images, [B, 3, H, W] each, as many as the method asks for.</param>
/// <param name="Patches">Patch ids = bank rows of the batch, B.</param>
/// <param name="Step">Steps done before this one.</param>
/// <param name="Ramp">w(t).</param>
/// <param name="IsWatched">The method is to leave what it compared in <see cref="Method.Compared"/>.</param>
public readonly record struct TrainingBatch(IReadOnlyList<Tensor> Views, ReadOnlyMemory<int> Patches, int Step, double Ramp, bool IsWatched = false);

/// <summary>One way to learn, without labels but for the ceiling. The trainer does what all share: patches, views, optimizer, schedule, checkpoints.</summary>
public abstract class Method : IDisposable
{
    /// <summary>The encoder that learns and is exported.</summary>
    public abstract Encoder Encoder { get; }

    /// <summary>Every network that a step runs, with the prefix of its names in messages.</summary>
    public virtual IEnumerable<(string Prefix, Encoder Network)> Networks => [(string.Empty, Encoder)];

    /// <summary>Views of each patch that a step takes.</summary>
    public abstract int Views { get; }

    /// <summary>One line for run.json: the method with its constants as they came out.</summary>
    public abstract string Describe { get; }

    /// <summary>What the last watched step compared; null where the method compares nothing, or no step was watched.</summary>
    public ComparedFeatures? Compared { get; protected set; }

    /// <summary>Moves the networks.</summary>
    public virtual void To(Device device) => Encoder.to(device);

    /// <summary>Called before the first step of an epoch.</summary>
    /// <param name="epoch">From 0.</param>
    public virtual void BeginEpoch(int epoch)
    {
    }

    /// <summary>
    /// Forward, loss and backward: leaves the gradients in <see cref="Encoder"/>'s parameters. Besides those it changes the networks' batch statistics
    /// and nothing else, so that a step that went wrong can be taken back. Its tensors go with the caller's scope.
    /// </summary>
    public abstract StepTerms Step(TrainingBatch batch);

    /// <summary>Called after the optimizer's step, in the scope of <see cref="Step"/>: here bank, queue and key encoder follow.</summary>
    public virtual void EndStep(TrainingBatch batch)
    {
    }

    /// <summary>Tensors of the method besides the encoder's, for the checkpoint.</summary>
    public virtual IEnumerable<SafetensorsItem> State() => [];

    /// <summary>Takes back what <see cref="State"/> gave.</summary>
    public virtual void Load(SafetensorsFile checkpoint)
    {
    }

    public virtual void Dispose() => Encoder.Dispose();
}
