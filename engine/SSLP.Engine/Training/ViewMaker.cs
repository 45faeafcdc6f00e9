using SSLP.Data.Loading;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>Bytes of a batch → augmented views as tensors on the device. Its buffers are allocated once.</summary>
internal sealed unsafe class ViewMaker : IDisposable
{
    private readonly AugmenterCpu _augmenter;
    private readonly Device _device;
    private readonly ulong _seed;
    private readonly StageWatch? _stages;
    private readonly int[] _patches;
    private readonly List<Tensor> _out = [];
    private ViewUpload? _upload;

    /// <param name="options">What is drawn for a view.</param>
    /// <param name="patchSize">P, side of the patches, px.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="device">Where the views are wanted.</param>
    /// <param name="pool">Threads.</param>
    /// <param name="stages">Is told the stages; null: nobody listens.</param>
    public ViewMaker(
        AugmentOptions options, int patchSize, int batchSize, ulong seed, Device device, IWorkers pool, StageWatch? stages = null)
    {
        _stages = stages;
        _augmenter = new AugmenterCpu(options, patchSize, pool);
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
        using StageRange augmenting = _stages.Range(Stage.Augment, views * ViewBytes);
        batch.Patches.CopyTo(_patches);
        while (_out.Count < views)
            _out.Add(empty([_patches.Length, 3, _augmenter.InputSize, _augmenter.InputSize], device: _device).DetachFromDisposeScope());
        if (_device.type == TorchSharp.DeviceType.CUDA)
            SendViews(batch, step, views);
        else
            for (int view = 0; view < views; view++)
                _augmenter.Apply(_seed, step, view, _patches, (byte*)batch.Pixels, (float*)KernelBridge.Address(_out[view]));
        return _out[..views];
    }

    private long ViewBytes => (long)_patches.Length * 3 * _augmenter.InputSize * _augmenter.InputSize * sizeof(float);

    public void Dispose()
    {
        _augmenter.Dispose();
        _upload?.Dispose();
        _out.ForEach(view => view.Dispose());
    }

    /// <summary>The second view is made while the first is copied.</summary>
    private void SendViews(PatchBatch batch, int step, int views)
    {
        _upload ??= new ViewUpload(Devices.ContextOf(_device)!, [.. _out.Select(KernelBridge.Address)],
            _out[0].NumberOfElements * sizeof(float));
        for (int view = 0; view < views; view++)
        {
            _augmenter.Apply(_seed, step, view, _patches, (byte*)batch.Pixels, _upload.Begin(view));
            using StageRange uploading = _stages.Range(Stage.Upload, ViewBytes);
            _upload.Send(view);
        }
    }
}
