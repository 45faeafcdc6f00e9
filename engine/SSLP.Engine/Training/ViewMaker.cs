using SSLP.Engine.Sampling;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>Bytes of a batch → augmented views as tensors on the device. Its buffers are allocated once.</summary>
public sealed unsafe class ViewMaker : IDisposable
{
    private readonly Augmenter _augmenter;
    private readonly Device _device;
    private readonly ulong _seed;
    private readonly int[] _patches;
    private readonly List<Tensor> _host = [];

    /// <param name="options">What is drawn for a view.</param>
    /// <param name="patchSize">P, side of the patches, px.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="device">Where the views are wanted.</param>
    /// <param name="pool">Threads.</param>
    public ViewMaker(AugmentOptions options, int patchSize, int batchSize, ulong seed, Device device, WorkerPool pool)
    {
        _augmenter = new Augmenter(options, patchSize, pool);
        (_device, _seed, _patches) = (device, seed, new int[batchSize]);
    }

    /// <summary>Ids of the batch that <see cref="Make"/> was last given; a copy, so that the ring's slot can go back.</summary>
    public ReadOnlyMemory<int> Patches => _patches;

    /// <summary>The views of a batch, [B, 3, S, S] float32 each; valid until the next call.</summary>
    /// <param name="batch">Pixels and ids.</param>
    /// <param name="step">Steps done before; every draw is a function of (seed, step, patch, view).</param>
    /// <param name="views">How many.</param>
    public IReadOnlyList<Tensor> Make(PatchBatch batch, int step, int views)
    {
        batch.Patches.CopyTo(_patches);
        while (_host.Count < views)
            _host.Add(empty([_patches.Length, 3, _augmenter.InputSize, _augmenter.InputSize]).DetachFromDisposeScope());
        for (int view = 0; view < views; view++)
            fixed (byte* output = _host[view].bytes)
                _augmenter.Apply(_seed, step, view, _patches, (byte*)batch.Pixels, (float*)output);
        return _device.type == TorchSharp.DeviceType.CPU ? _host[..views] : [.. _host[..views].Select(h => h.to(_device))];
    }

    public void Dispose()
    {
        _augmenter.Dispose();
        _host.ForEach(h => h.Dispose());
    }
}
