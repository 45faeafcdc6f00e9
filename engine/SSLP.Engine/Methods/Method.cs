using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Methods;

/// <summary>What a method is given for one step.</summary>
/// <param name="Views">Augmented, normalised images, [B, 3, H, W] each, as many as the method asks for.</param>
/// <param name="Patches">Patch ids = bank rows of the batch, B.</param>
/// <param name="Step">Steps done before this one.</param>
/// <param name="Ramp">w(t).</param>
/// <param name="IsWatched">The method is to leave what it compared in <see cref="Method.Compared"/>.</param>
internal readonly record struct TrainingBatch(IReadOnlyList<Tensor> Views, ReadOnlyMemory<int> Patches, int Step, double Ramp,
    bool IsWatched = false);

/// <summary>What <see cref="Method.Prepare"/> wrote, on the device.</summary>
/// <param name="Address">Device address.</param>
/// <param name="Words">The same as int64 numbers of torch's, two ints each.</param>
internal readonly record struct StepInputs(ulong Address, Tensor Words);

/// <summary>One way to learn, without labels but for the ceiling. The trainer does what all share: patches, views, optimizer, schedule,
/// checkpoints.</summary>
internal abstract class Method : IDisposable
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

    /// <summary>Is told the stages of each step, for a bench; null in training.</summary>
    internal StepClock? Clock { get; set; }

    /// <summary>Moves the networks.</summary>
    public virtual void To(Device device) => Encoder.to(device);

    /// <summary>Called before each step, while the readers already fill the batches of it and of the next ones.</summary>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="stepsPerEpoch">Batches of an epoch.</param>
    public virtual void BeginStep(int step, int stepsPerEpoch)
    {
    }

    /// <summary>Whether <see cref="BeginStep"/> of a step reads what the steps before left: then they must be known to be done.</summary>
    internal virtual bool LooksBack(int step, int stepsPerEpoch) => false;

    /// <summary>What of the method such a run will never come to, as a sentence; null where all of it takes part.</summary>
    public virtual string? Idle(int totalSteps, int stepsPerEpoch) => null;

    /// <summary>
    /// Forward, loss and backward: leaves the gradients in <see cref="Encoder"/>'s parameters. Besides those it changes the networks' batch
    /// statistics and nothing else, so that a step that went wrong can be taken back. Its tensors go with the caller's scope.
    /// </summary>
    public abstract StepTerms Step(TrainingBatch batch);

    /// <summary>The CUDA kernels that the method can enqueue its steps on; null where it has none.</summary>
    internal virtual KernelSet? OnDevice => null;

    /// <summary>Ints that <see cref="Prepare"/> writes for a batch.</summary>
    internal virtual int InputInts(int batch) => 0;

    /// <summary>
    /// Draws what of a step's inputs is a function of seed and step alone; on any thread, and ahead, while the step before is enqueued.
    /// </summary>
    /// <param name="batch">B.</param>
    /// <param name="step">Steps done before.</param>
    /// <param name="inputs">As for <see cref="Prepare"/>.</param>
    /// <returns>For <see cref="Prepare"/>.</returns>
    internal virtual int Draw(int batch, int step, Span<int> inputs) => 0;

    /// <summary>The host's share of a step that is enqueued, behind <see cref="Draw"/>: what the device needs besides the views.</summary>
    internal virtual void Prepare(ReadOnlySpan<int> patches, int step, double ramp, int drawn, Span<int> inputs)
    {
    }

    /// <summary>
    /// <see cref="Step"/> without a wait: what it found is in the report when the device is done. Only where <see cref="OnDevice"/> has
    /// kernels.
    /// </summary>
    /// <param name="batch">As for <see cref="Step"/>.</param>
    /// <param name="inputs">What <see cref="Prepare"/> wrote last.</param>
    /// <param name="report">Losses, sizes and faults. One that a step before has left stays there.</param>
    internal virtual void EnqueueStep(TrainingBatch batch, StepInputs inputs, StepReport report) => throw new NotSupportedException();

    /// <summary>What a report says of <see cref="EnqueueStep"/>.</summary>
    internal virtual StepTerms TermsOf(in StepReading reading) => throw new NotSupportedException();

    /// <summary>Takes what a report says of lists that did not fit; the step is then prepared and enqueued again.</summary>
    internal virtual void Widen(in StepReading reading)
    {
    }

    /// <summary><see cref="EndStep"/> without a wait; nothing moves where the report has a fault.</summary>
    internal virtual void EnqueueEnd(TrainingBatch batch, StepInputs inputs, StepReport report)
    {
    }

    /// <summary>The last <see cref="EnqueueEnd"/> moved nothing, as a report said: what the host noted of it goes.</summary>
    internal virtual void TakeBack(int batch)
    {
    }

    /// <summary>Called after the optimizer's step, in the scope of <see cref="Step"/>: here bank, queue and key encoder follow.</summary>
    public virtual void EndStep(TrainingBatch batch)
    {
    }

    /// <summary>
    /// Tensors of the method besides the encoder's as they are now, for the checkpoint: they may be written while training goes on, one
    /// checkpoint at a time.
    /// </summary>
    public virtual IEnumerable<SafetensorsItem> State() => [];

    /// <summary>The same as changes over the last state that <see cref="BaseTaken"/> was said of; null where that is not less.</summary>
    public virtual IEnumerable<SafetensorsItem>? Changes() => null;

    /// <summary>The last <see cref="State"/> is on the disk or about to be: <see cref="Changes"/> counts from it on.</summary>
    public virtual void BaseTaken()
    {
    }

    /// <summary>Takes back what <see cref="State"/>, or <see cref="Changes"/> over it, gave.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="rowOf">Of a run that goes on with more patches: this table's row of each of the file's, −1 where it is gone. Null: the
    /// same rows.</param>
    public virtual void Load(SafetensorsFile checkpoint, int[]? rowOf = null)
    {
    }

    public virtual void Dispose() => Encoder.Dispose();
}
