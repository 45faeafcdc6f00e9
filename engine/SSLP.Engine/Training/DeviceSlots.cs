using SSLP.Data.Loading;
using SSLP.Engine.Methods;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using SSLP.Interop.Cuda;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>
/// Batches on their way to the kernels' device, as bytes: pixels in one copy out of the ring's own memory, and what the host drew for the
/// step (plans of the views, the method's inputs) in a small one behind it. Two slots on the device: the copy of one runs on a stream of
/// its own beside the step on the other. Views are made there, in tensors that are allocated once.
/// </summary>
internal sealed unsafe class DeviceSlots : IDisposable
{
    private const int Slots = 2, Alignment = 256;

    private readonly KernelSet _kernels;
    private readonly CudaContext _context;
    private readonly CudaStream _copies;
    private readonly AugmenterCuda _augmenter;
    private readonly DeviceBuffer[] _device = new DeviceBuffer[Slots];
    private readonly PinnedBuffer[] _drawn = new PinnedBuffer[Slots];
    private readonly CudaEvent[] _uploaded = new CudaEvent[Slots], _consumed = new CudaEvent[Slots];
    private readonly Tensor[] _out;
    private readonly int[] _patches;
    private readonly bool[] _blurs;
    private readonly ulong _seed;
    private readonly long _pixelBytes, _planBytes, _inputBytes;
    private long _count;

    /// <param name="kernels">The CUDA kernels; stay the caller's.</param>
    /// <param name="options">What is drawn for a view.</param>
    /// <param name="patchSize">P, side of the patches, px.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="method">Says how many views and inputs there are.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="device">Where the network is: where the kernels are.</param>
    public DeviceSlots(KernelSet kernels, AugmentOptions options, int patchSize, int batchSize, Method method, ulong seed, Device device)
    {
        (_kernels, _context, _seed, _patches) = (kernels, kernels.Context!, seed, new int[batchSize]);
        _augmenter = (AugmenterCuda)kernels.Augmenter(options, patchSize);
        _pixelBytes = Aligned((long)batchSize * patchSize * patchSize * 3);
        _planBytes = Aligned((long)batchSize * sizeof(AugmentPlan));
        _inputBytes = Aligned(Math.Max(1, method.InputInts(batchSize)) * (long)sizeof(int));
        _out = [.. Enumerable.Range(0, method.Views).Select(_ =>
            empty([batchSize, 3, options.InputSize, options.InputSize], device: device).DetachFromDisposeScope())];
        _blurs = new bool[_out.Length];
        _copies = _context.CreateStream();
        for (int slot = 0; slot < Slots; slot++)
        {
            _device[slot] = _context.AllocateDevice(_pixelBytes + DrawnBytes);
            _drawn[slot] = _context.AllocatePinned(DrawnBytes);
            new Span<byte>(_drawn[slot].Pointer, checked((int)DrawnBytes)).Clear();
            (_uploaded[slot], _consumed[slot]) = (_context.CreateEvent(), _context.CreateEvent());
        }
    }

    /// <summary>Ids of the batch that was last sent; a copy, so that the ring's slot can go back.</summary>
    public ReadOnlyMemory<int> Patches => _patches;

    /// <summary>Device address of the method's inputs of the batch that was last sent.</summary>
    public ulong Inputs => _device[Slot].Address + (ulong)(_pixelBytes + _out.Length * _planBytes);

    private long DrawnBytes => _out.Length * _planBytes + _inputBytes;

    private int Slot => (int)((_count - 1) % Slots);

    /// <summary>
    /// Sends a batch and makes its views, [B, 3, S, S] float32 each, which are valid until the next call. The ring's memory is read until
    /// the step has been waited for.
    /// </summary>
    /// <param name="batch">Pixels, in page-locked memory, and ids.</param>
    /// <param name="method">Draws its inputs.</param>
    /// <param name="step">Steps done before; every draw is a function of (seed, step, patch, view).</param>
    /// <param name="ramp">w(t).</param>
    public IReadOnlyList<Tensor> Send(PatchBatch batch, Method method, int step, double ramp)
    {
        ulong pixels, plans;
        using (method.Stages.Range(Stage.Upload, (long)_patches.Length * _augmenter.PatchSize * _augmenter.PatchSize * 3 + DrawnBytes))
            (pixels, plans) = Upload(batch, method, step, ramp);
        using StageRange augmenting = method.Stages.Range(Stage.Augment, _out.Sum(view => view.numel()) * sizeof(float));
        for (int view = 0; view < _out.Length; view++)
            _augmenter.EnqueueApply(
                pixels, plans + (ulong)(view * _planBytes), _patches.Length, _blurs[view], KernelBridge.Lent(_out[view], _kernels));
        return _out;
    }

    /// <summary>Draws and enqueues the copies; the addresses of pixels and plans there.</summary>
    private (ulong Pixels, ulong Plans) Upload(PatchBatch batch, Method method, int step, double ramp)
    {
        _context.MakeCurrent();
        _count++;
        batch.Patches.CopyTo(_patches);
        if (!_uploaded[Slot].HasPassed)
            _uploaded[Slot].Synchronize(); // the copy of two steps ago
        byte* drawn = _drawn[Slot].Pointer;
        for (int view = 0; view < _out.Length; view++)
            _blurs[view] = _augmenter.DrawPlans(
                _seed, step, view, _patches, new Span<AugmentPlan>(drawn + view * _planBytes, _patches.Length));
        method.Prepare(_patches, step, ramp, new Span<int>(drawn + _out.Length * _planBytes, (int)(_inputBytes / sizeof(int))));

        ulong pixels = _device[Slot].Address, plans = pixels + (ulong)_pixelBytes;
        _copies.EnqueueWait(_consumed[Slot]);
        _copies.EnqueueUpload(pixels, (void*)batch.Pixels, (long)_patches.Length * _augmenter.PatchSize * _augmenter.PatchSize * 3);
        _copies.EnqueueUpload(plans, drawn, DrawnBytes);
        _copies.EnqueueRecord(_uploaded[Slot]);
        _context.DefaultStream.EnqueueWait(_uploaded[Slot]);
        return (pixels, plans);
    }

    /// <summary>All work on the batch that was last sent has been enqueued: its slot may be written when that is done.</summary>
    public void EnqueueConsumed()
    {
        _context.MakeCurrent();
        _context.DefaultStream.EnqueueRecord(_consumed[Slot]);
    }

    public void Dispose()
    {
        _context.MakeCurrent();
        _copies.Synchronize();
        _context.DefaultStream.Synchronize();
        foreach (IDisposable part in (IDisposable[])[_augmenter, .. _device, .. _drawn, .. _uploaded, .. _consumed, _copies, .. _out])
            part.Dispose();
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
