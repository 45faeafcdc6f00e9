using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Optimizer;

/// <summary>
/// The optimizer of pretraining: <see cref="IMomentumSgd"/> over an encoder's weights, with the bits and the checkpoints of TorchSharp's
/// SGD. Gradients are left where torch makes them and forgotten before the next step, so that a backward pass gives its own away and
/// neither clears nor adds. On a CUDA device without kernels of ours the same is done in torch's operations, on all weights at once.
/// </summary>
internal sealed unsafe class FlatSgd : IDisposable
{
    private const string StateName = "optimizer.sgd";

    private readonly KernelSet _kernels;
    private readonly FlatWeights _weights;
    private readonly IMomentumSgd? _kernel;
    private readonly Tensor _momentum;
    private readonly double _initialRate, _factor, _decay;
    private readonly bool _isOnHost;
    private readonly VectorView[] _pieces;
    private readonly AlignedBuffer<byte> _saved = new(); // of the last checkpoint, kept for the next
    private double _rate;
    private bool _hasBegun;

    /// <param name="encoder">What learns, where it will run; stays the caller's.</param>
    /// <param name="kernels">Implementation and threads; stays the caller's.</param>
    /// <param name="learningRate">Before the first step's own.</param>
    /// <param name="momentum">μ.</param>
    /// <param name="weightDecay">λ.</param>
    public FlatSgd(Encoder encoder, KernelSet kernels, double learningRate, double momentum, double weightDecay)
    {
        (_initialRate, _rate, _factor, _decay) = (learningRate, learningRate, momentum, weightDecay);
        (_kernels, _weights) = (kernels, encoder.Flatten());
        _isOnHost = _weights.Values.device_type == TorchSharp.DeviceType.CPU;
        _kernel = KernelBridge.MomentumSgd(kernels, _weights.Values.device);
        _momentum = empty_like(_weights.Values).FillInPlace(IMomentumSgd.FreshMomentum).DetachFromDisposeScope();
        _pieces = new VectorView[_isOnHost ? _weights.Parameters.Count : 1];
    }

    /// <summary>Forgets the gradients.</summary>
    public void ClearGradients()
    {
        foreach (Parameter parameter in _weights.Parameters)
            parameter.grad = null;
    }

    /// <summary>
    /// Euclidean norm of all gradients, summed in float64: not finite where one of them is not, and from 2⁶⁴ on, where a step could take a
    /// finite weight to infinity. 0 where there are none.
    /// </summary>
    public double GradientNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        if (!_weights.Parameters.Any(HasGradient))
            return 0;
        if (_kernel is not null)
            return _kernel.Norm(Gradient());
        double norm = Joined().to(ScalarType.Float64).norm().item<double>();
        return norm < IMomentumSgd.GreatestNorm ? norm : norm + double.PositiveInfinity;
    }

    /// <summary>
    /// Its square into a step's report, without a wait: a fault where it is not finite. Where the optimizer works on the host beside
    /// kernels that do, the host's sum goes there.
    /// </summary>
    public void EnqueueNorm(StepReport report)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        if (_kernel is MomentumSgdCuda device)
        {
            device.EnqueueNorm(Gradient(), report);
            return;
        }
        double norm = GradientNorm();
        report.EnqueueJudge(KernelBridge.Lent(tensor(norm * norm, ScalarType.Float64), _kernels));
    }

    /// <summary>Where the host stands, for <see cref="TakeBack"/>.</summary>
    public (bool HasBegun, double Rate) Mark => (_hasBegun, _rate);

    /// <summary>Steps since <paramref name="mark"/> moved nothing, as a report said: they count as not done.</summary>
    public void TakeBack((bool HasBegun, double Rate) mark) => (_hasBegun, _rate) = mark;

    /// <summary>
    /// One step. Before the first gradient of all there is nothing to do; from then on a parameter without one has zeros, and its momentum
    /// and decay move it.
    /// </summary>
    /// <param name="rate">η.</param>
    /// <param name="report">Of a step that is enqueued: where it has a fault nothing moves.</param>
    public void Step(double rate, StepReport? report = null)
    {
        if (report is not null && !KernelBridge.MayMove(_kernel, report))
            return;
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        _rate = rate;
        _hasBegun |= _weights.Parameters.Any(HasGradient);
        if (!_hasBegun)
            return;
        if (_kernel is not null)
        {
            long count = _isOnHost ? _weights.Count : _weights.Values.numel();
            VectorView weights = KernelBridge.Vector(_weights.Values, count), momentum = KernelBridge.Vector(_momentum, count);
            _kernel.Step(weights, momentum, Gradient(), new MomentumSgdRates(rate, _factor, _decay));
            return;
        }
        Tensor direction = Joined().Plus(_weights.Values, _decay);
        _momentum.TimesInPlace(_factor).PlusInPlace(direction);
        _weights.Values.PlusInPlace(_momentum, -rate);
    }

    /// <summary>The optimizer's state as TorchSharp's SGD writes it: momentum buffers by parameter, and its numbers. It holds until the
    /// next one is asked for, which takes the same memory.</summary>
    public SafetensorsItem ToItem()
    {
        using DisposeScope scope = NewDisposeScope();
        using SGD torchs = Torchs();
        if (_hasBegun && _factor != 0)
        {
            foreach ((SGD.State state, Tensor place) in States(torchs))
                state.momentum_buffer = place.DetachFromDisposeScope();
        }
        foreach (SGD.ParamGroup group in torchs.ParamGroups)
            group.LearningRate = _rate;
        // Counted first: native memory does not grow while it is written.
        using var count = new CountingStream();
        Save(torchs, count);
        byte* memory = _saved.EnsureLength(count.Count);
        using var stream = new UnmanagedMemoryStream(memory, count.Count, count.Count, FileAccess.Write);
        Save(torchs, stream);
        return SafetensorsItem.From(StateName, SafetensorsDtype.U8, [count.Count], memory);
    }

    /// <summary>Takes back what <see cref="ToItem"/>, or TorchSharp's SGD, wrote.</summary>
    public void LoadFrom(SafetensorsFile file)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        byte[] bytes = new byte[file.Entries[StateName].Bytes];
        file.ReadBytes(StateName, bytes);
        using SGD torchs = Torchs();
        using (var reader = new BinaryReader(new MemoryStream(bytes)))
            torchs.load_state_dict(reader);
        _momentum.FillInPlace(IMomentumSgd.FreshMomentum);
        _hasBegun = false;
        foreach ((SGD.State state, Tensor place) in States(torchs))
        {
            if (state.momentum_buffer is not { } saved)
                continue;
            place.copy_(saved);
            _hasBegun = true;
        }
    }

    public void Dispose()
    {
        _kernel?.Dispose();
        _momentum.Dispose();
        _saved.Dispose();
    }

    private static void Save(SGD torchs, Stream stream)
    {
        using var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        torchs.save_state_dict(writer);
    }

    private SGD Torchs() => optim.SGD(_weights.Parameters, _initialRate, _factor, weight_decay: _decay);

    /// <summary>Torch's state of every parameter, with the place of its momentum in ours; of the caller's scope.</summary>
    private IEnumerable<(SGD.State State, Tensor Place)> States(SGD torchs)
    {
        long at = 0;
        foreach ((OptimizerState state, Parameter parameter) in torchs.state_dict().State.Zip(_weights.Parameters))
        {
            yield return ((SGD.State)state, _momentum.narrow(0, at, parameter.numel()).view(parameter.shape));
            at += parameter.numel();
        }
    }

    private static bool HasGradient(Parameter parameter)
    {
        using Tensor? gradient = parameter.grad;
        return gradient is not null;
    }

    /// <summary>
    /// The gradient for a kernel: on the host where torch has it, a piece a parameter; on a device joined. Of the caller's scope.
    /// </summary>
    private ReadOnlySpan<VectorView> Gradient()
    {
        if (!_isOnHost)
        {
            Tensor joined = Joined();
            _pieces[0] = KernelBridge.Vector(joined, joined.numel());
            return _pieces;
        }
        for (int i = 0; i < _pieces.Length; i++)
        {
            Tensor gradient = GradientOf(_weights.Parameters[i]);
            _pieces[i] = KernelBridge.Vector(gradient, gradient.numel());
        }
        return _pieces;
    }

    private Tensor Joined()
    {
        long padding = _weights.Values.numel() - _weights.Count;
        return cat([.. _weights.Parameters.Select(p => GradientOf(p).reshape(-1)), zeros(padding, device: _weights.Values.device)], 0);
    }

    private static Tensor GradientOf(Parameter parameter) => (parameter.grad ?? zeros_like(parameter)).contiguous();
}
