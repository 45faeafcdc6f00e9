using SSLP.Kernels.Tests.Device;

namespace SSLP.Kernels.Tests;

/// <summary>Buffers and one implementation over them, named "reference", "cpu ISA threads" or "cuda".</summary>
internal sealed unsafe class MomentumSgdWorld : IDisposable
{
    private readonly int[] _parts;
    private readonly int _length, _padded;
    private readonly WorkerPool? _pool;
    private readonly TestDevice? _device;
    private readonly IMomentumSgd _sgd;
    private readonly IDisposable[] _memory;
    private readonly VectorView _weights, _momentum, _gradient, _key;

    public MomentumSgdWorld(string implementation, int[] parts)
    {
        (_parts, _length) = (parts, parts.Sum());
        string[] words = implementation.Split(' ');
        if (words[0] == "cpu")
            _pool = new WorkerPool(int.Parse(words[2]));
        else if (words[0] == "cuda")
            _device = new TestDevice();
        _sgd = words[0] switch
        {
            "reference" => new MomentumSgdReference(),
            "cuda" => new MomentumSgdCuda(_device!),
            _ => new MomentumSgdCpu(_pool!, Enum.Parse<InstructionSet>(words[1])),
        };
        _padded = _device is null ? _length : (_length + 3) / 4 * 4;
        (VectorView View, IDisposable Memory)[] buffers = [.. Enumerable.Range(0, 4).Select(_ => Allocate())];
        (_weights, _momentum, _gradient, _key) = (buffers[0].View, buffers[1].View, buffers[2].View, buffers[3].View);
        _memory = [.. buffers.Select(buffer => buffer.Memory)];
        Write(_weights, Draw(100, _length));
        Write(_momentum, Enumerable.Repeat(IMomentumSgd.FreshMomentum, _length));
        Write(_key, Draw(101, _length));
    }

    public float[] Weights => Read(_weights);

    public float[] Momentum => Read(_momentum);

    public float[] Key => Read(_key);

    /// <summary>The norm of a gradient drawn from a seed, with one of its numbers planted, and the step by it.</summary>
    public double Step(int seed, MomentumSgdRates rates, int at = -1, float planted = 0)
    {
        float[] gradient = Draw(seed, _length);
        if (at >= 0)
            gradient[at] = planted;
        double norm = Norm(gradient);
        Move(rates);
        return norm;
    }

    public void StepAgain(MomentumSgdRates rates)
    {
        Span<VectorView> pieces = stackalloc VectorView[_parts.Length];
        Split(pieces);
        _sgd.Norm(pieces);
        _sgd.Step(_weights, _momentum, pieces, rates);
        _sgd.Follow(_key, _weights, 0.99);
    }

    public double Norm(IEnumerable<float> gradient)
    {
        Write(_gradient, gradient);
        return _sgd.Norm(Pieces());
    }

    public void Move(MomentumSgdRates rates) => _sgd.Step(_weights, _momentum, Pieces(), rates);

    public void MoveShort(MomentumSgdRates rates) => _sgd.Step(_weights, new VectorView(_momentum.Data, 8), Pieces(), rates);

    public void Follow(double momentum) => _sgd.Follow(_key, _weights, momentum);

    public void Dispose()
    {
        _sgd.Dispose();
        foreach (IDisposable memory in _memory)
            memory.Dispose();
        _device?.Dispose();
        _pool?.Dispose();
    }

    private VectorView[] Pieces()
    {
        if (_device is not null)
            return [_gradient];
        var pieces = new VectorView[_parts.Length];
        Split(pieces);
        return pieces;
    }

    private void Split(Span<VectorView> pieces)
    {
        int at = 0;
        for (int i = 0; i < _parts.Length; i++)
        {
            pieces[i] = new VectorView(_gradient.Data + at, _parts[i]);
            at += _parts[i];
        }
    }

    private static float[] Draw(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)(random.NextDouble() * 2 - 1) * 0.1f)];
    }

    private (VectorView, IDisposable) Allocate()
    {
        if (_device is not null)
        {
            IDeviceBlock block = ((IComputeDevice)_device).Allocate(Math.Max(16, _padded * sizeof(float)));
            return (new VectorView((float*)block.Address, _padded), block);
        }
        var buffer = new AlignedBuffer<float>(Math.Max(1, _length));
        return (new VectorView(buffer.Pointer, _length), buffer);
    }

    private void Write(VectorView to, IEnumerable<float> values)
    {
        float[] padded = [.. values, .. new float[_padded - _length]];
        fixed (float* source = padded)
        {
            if (_device is not null)
                _device.Upload((ulong)to.Data, source, padded.Length * sizeof(float));
            else
                padded.CopyTo(new Span<float>(to.Data, padded.Length));
        }
    }

    private float[] Read(VectorView from)
    {
        float[] padded = new float[_padded];
        fixed (float* destination = padded)
        {
            if (_device is not null)
                _device.ReadBack(destination, (ulong)from.Data, padded.Length * sizeof(float));
            else
                new Span<float>(from.Data, _padded).CopyTo(padded);
        }
        return padded[.._length];
    }
}
