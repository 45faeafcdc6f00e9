using SSLP.Data.Loading;
using SSLP.Engine.Methods;
using SSLP.Engine.Torch;
using SSLP.Interop.Cuda;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>A batch on the kernels' device.</summary>
/// <param name="Slot">Where.</param>
/// <param name="Step">Steps done before.</param>
/// <param name="Patches">Its ids; a copy, so that the ring's slot can go back.</param>
/// <param name="Views">[B, 3, S, S] float32 each, valid until the next batch is sent.</param>
/// <param name="Inputs">The method's.</param>
internal sealed record SentBatch(int Slot, int Step, ReadOnlyMemory<int> Patches, IReadOnlyList<Tensor> Views, StepInputs Inputs);

/// <summary>
/// Batches on their way to the kernels' device, as bytes: pixels in one copy out of the ring's own memory, and what the host drew for the
/// step (plans of the views, the method's inputs) in a small one behind it. A batch stays in its slot until the report of its step has been
/// read, so that the step can be done again; the copy into one slot runs on a stream of its own beside the step on the other. Views are
/// made on the device, in tensors that are allocated once. What is a function of seed and step is drawn on another thread, a step ahead.
/// </summary>
internal sealed unsafe class DeviceSlots : IDisposable
{
    private const int Alignment = 256;

    private readonly KernelSet _kernels;
    private readonly CudaContext _context;
    private readonly CudaStream _copies;
    private readonly AugmenterCuda _augmenter;
    private readonly Method _method;
    private readonly Slot[] _slots;
    private readonly Tensor[] _out;
    private readonly ulong _seed;
    private readonly long _pixelBytes, _planBytes, _drawnBytes;
    private long _count;
    private Task<int>? _ahead; // draws for the next batch into its slot, which no open step has
    private int _aheadStep;

    /// <param name="kernels">The CUDA kernels; stay the caller's.</param>
    /// <param name="options">What is drawn for a view.</param>
    /// <param name="patchSize">P, side of the patches, px.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="method">Draws its inputs; says how many views there are. Stays the caller's.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="device">Where the network is: where the kernels are.</param>
    /// <param name="slots">Batches on the device at once.</param>
    public DeviceSlots(
        KernelSet kernels, AugmentOptions options, int patchSize, int batchSize, Method method, ulong seed, Device device, int slots)
    {
        (_kernels, _context, _method, _seed) = (kernels, kernels.Context!, method, seed);
        _augmenter = (AugmenterCuda)kernels.Augmenter(options, patchSize);
        _pixelBytes = (long)batchSize * patchSize * patchSize * 3;
        _planBytes = Aligned((long)batchSize * sizeof(AugmentPlan));
        _drawnBytes = method.Views * _planBytes + Aligned(Math.Max(1, method.InputInts(batchSize)) * (long)sizeof(int));
        _out = [.. Enumerable.Range(0, method.Views).Select(_ =>
            empty([batchSize, 3, options.InputSize, options.InputSize], device: device).DetachFromDisposeScope())];
        _copies = _context.CreateStream();
        _slots = [.. Enumerable.Range(0, slots).Select(_ => new Slot(_context, _pixelBytes, _drawnBytes, batchSize, device))];
        // Before the first copies: what libtorch gave may have been used by kernels that are not done.
        foreach (Slot slot in _slots)
            _context.DefaultStream.EnqueueRecord(slot.Consumed);
    }

    private Slot Next => _slots[_count % _slots.Length];

    /// <summary>Draws what is known of the next batch beforehand, on another thread.</summary>
    /// <param name="step">Steps done before it.</param>
    /// <param name="expected">Its ids, as far as every patch reads.</param>
    public void DrawAhead(int step, ReadOnlyMemory<int> expected)
    {
        Slot slot = Next;
        _aheadStep = step;
        _ahead = Task.Run(() => Draw(slot, step, expected.Span));
    }

    /// <summary>What was drawn ahead is not wanted.</summary>
    public void ForgetAhead()
    {
        _ahead?.Wait();
        _ahead = null;
    }

    /// <summary>
    /// Sends a batch and makes its views. The ring's memory is read until <see cref="WaitForCopy"/>. The report of the step that had the
    /// slot before must have been read.
    /// </summary>
    /// <param name="batch">Pixels, in page-locked memory, and ids.</param>
    /// <param name="step">Steps done before; every draw is a function of (seed, step, patch, view).</param>
    /// <param name="ramp">w(t).</param>
    public SentBatch Send(PatchBatch batch, int step, double ramp)
    {
        _context.MakeCurrent();
        int? drawn = _ahead is not null && _aheadStep == step ? _ahead.GetAwaiter().GetResult() : null;
        ForgetAhead();
        int number = (int)(_count++ % _slots.Length);
        Slot slot = _slots[number];
        ReadOnlySpan<int> ids = batch.Patches.Span;
        if (drawn is null)
            drawn = Draw(slot, step, ids);
        else
            Redraw(slot, step, ids);
        _copies.EnqueueWait(slot.Consumed);
        _copies.EnqueueUpload(slot.Pixels.Address, (void*)batch.Pixels, _pixelBytes);
        return Enqueue(number, step, ramp, drawn.Value);
    }

    /// <summary>The same batch once more, from its slot.</summary>
    public SentBatch Again(SentBatch sent, double ramp)
    {
        _context.MakeCurrent();
        Slot slot = _slots[sent.Slot];
        int drawn = Draw(slot, sent.Step, [.. slot.Patches]);
        _copies.EnqueueWait(slot.Consumed);
        return Enqueue(sent.Slot, sent.Step, ramp, drawn);
    }

    /// <summary>The copy out of the ring that was last sent has passed; where there was none, too. The device is as good as never behind
    /// with it: it runs beside the step before.</summary>
    public void WaitForCopy()
    {
        if (_count == 0)
            return;
        _context.MakeCurrent();
        CudaEvent uploaded = _slots[(_count - 1) % _slots.Length].Uploaded;
        if (!uploaded.HasPassed)
            uploaded.Synchronize();
    }

    /// <summary>All work on a batch has been enqueued: its slot may be written when that is done.</summary>
    public void EnqueueConsumed(int slot)
    {
        _context.MakeCurrent();
        _context.DefaultStream.EnqueueRecord(_slots[slot].Consumed);
    }

    public void Dispose()
    {
        ForgetAhead();
        _context.MakeCurrent();
        _copies.Synchronize();
        _context.DefaultStream.Synchronize();
        foreach (IDisposable part in (IDisposable[])[_augmenter, .. _slots, _copies, .. _out])
            part.Dispose();
    }

    // What was drawn goes over, and the views are made.
    private SentBatch Enqueue(int number, int step, double ramp, int drawn)
    {
        Slot slot = _slots[number];
        _method.Prepare(slot.Patches, step, ramp, drawn, Inputs(slot));
        ulong plans = KernelBridge.Lent(slot.Words, _kernels);
        _copies.EnqueueUpload(plans, slot.Drawn.Pointer, _drawnBytes);
        _copies.EnqueueRecord(slot.Uploaded);
        _context.DefaultStream.EnqueueWait(slot.Uploaded);
        for (int view = 0; view < _out.Length; view++)
            _augmenter.EnqueueApply(
                slot.Pixels.Address, plans + (ulong)(view * _planBytes), slot.Patches.Length, Blurs(slot, view),
                KernelBridge.Lent(_out[view], _kernels));
        long first = _out.Length * _planBytes;
        Tensor words = slot.Words.narrow(0, first / sizeof(long), (_drawnBytes - first) / sizeof(long));
        return new(number, step, slot.Patches, _out, new StepInputs(plans + (ulong)first, words));
    }

    private int Draw(Slot slot, int step, ReadOnlySpan<int> ids)
    {
        ids.CopyTo(slot.Patches);
        for (int view = 0; view < _out.Length; view++)
            _augmenter.DrawPlans(_seed, step, view, ids, Plans(slot, view));
        return _method.Draw(ids.Length, step, Inputs(slot));
    }

    // A patch that did not read was replaced by another: its views are drawn anew.
    private void Redraw(Slot slot, int step, ReadOnlySpan<int> ids)
    {
        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i] == slot.Patches[i])
                continue;
            slot.Patches[i] = ids[i];
            for (int view = 0; view < _out.Length; view++)
                _augmenter.DrawPlans(_seed, step, view, ids.Slice(i, 1), Plans(slot, view).Slice(i, 1));
        }
    }

    private bool Blurs(Slot slot, int view)
    {
        foreach (ref readonly AugmentPlan plan in Plans(slot, view))
        {
            if (plan.BlurSigma > 0)
                return true;
        }
        return false;
    }

    private Span<AugmentPlan> Plans(Slot slot, int view) => new(slot.Drawn.Pointer + view * _planBytes, slot.Patches.Length);

    private Span<int> Inputs(Slot slot)
    {
        long first = _out.Length * _planBytes;
        return new(slot.Drawn.Pointer + first, (int)((_drawnBytes - first) / sizeof(int)));
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Room for one batch.</summary>
    private sealed class Slot : IDisposable
    {
        public Slot(CudaContext context, long pixelBytes, long drawnBytes, int batchSize, Device device)
        {
            (Pixels, Drawn) = (context.AllocateDevice(pixelBytes), context.AllocatePinned(drawnBytes));
            new Span<byte>(Drawn.Pointer, checked((int)drawnBytes)).Clear();
            // Torch's memory, so that its operations can read there, too.
            Words = empty([drawnBytes / sizeof(long)], ScalarType.Int64, device).DetachFromDisposeScope();
            (Uploaded, Consumed, Patches) = (context.CreateEvent(), context.CreateEvent(), new int[batchSize]);
        }

        public DeviceBuffer Pixels { get; }

        /// <summary>Plans of each view, then the method's inputs.</summary>
        public PinnedBuffer Drawn { get; }

        /// <summary>The same on the device.</summary>
        public Tensor Words { get; }

        public CudaEvent Uploaded { get; }

        public CudaEvent Consumed { get; }

        public int[] Patches { get; }

        public void Dispose()
        {
            foreach (IDisposable part in (IDisposable[])[Pixels, Drawn, Words, Uploaded, Consumed])
                part.Dispose();
        }
    }
}
