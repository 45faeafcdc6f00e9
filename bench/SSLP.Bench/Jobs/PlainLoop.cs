using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Bench.Jobs;

/// <summary>
/// The same network in a loop of TorchSharp's own: forward, a given gradient backward, SGD. No patches, no bank, no guard, no log.
/// </summary>
internal sealed class PlainLoop : IDisposable
{
    private readonly Encoder _encoder;
    private readonly SGD _optimizer;
    private readonly Tensor _images, _gradient;
    private readonly Device _device;
    private readonly EngineContext _context;

    /// <param name="batch">B.</param>
    /// <param name="side">Of the input, px.</param>
    /// <param name="width">D.</param>
    /// <param name="precision">Of the backbone.</param>
    /// <param name="device">Where the network is.</param>
    /// <param name="context">Threads; stays the caller's.</param>
    public PlainLoop(int batch, int side, int width, Precision precision, Device device, EngineContext context)
    {
        (_context, _device) = (context, device);
        _encoder = EngineContext.Seeded(1, () => new Encoder(Architecture.ResNet18, HeadKind.Linear, width) { Precision = precision });
        _encoder.to(device);
        _encoder.train();
        _optimizer = optim.SGD(_encoder.parameters(), 0.015, 0.9, weight_decay: 1e-4);
        _images = randn([batch, 3, side, side], device: device);
        _gradient = randn([batch, width], device: device);
    }

    public void Run(int steps)
    {
        _context.Enter();
        for (int step = 0; step < steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            _optimizer.zero_grad();
            _encoder.forward(_images).backward([_gradient]);
            _optimizer.step();
        }
        if (_device.type == DeviceType.CUDA)
            cuda.synchronize(_device);
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _encoder.Dispose();
        _images.Dispose();
        _gradient.Dispose();
    }
}
