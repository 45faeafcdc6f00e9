using SSLP.Engine.Model;
using SSLP.Engine.Optimizer;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Optimizer;

/// <summary>Beside TorchSharp's SGD over the same gradients: the same weights, the same bytes in a checkpoint.</summary>
public sealed class FlatSgdTests : IDisposable
{
    private const double Rate = 0.015, Momentum = 0.9, Decay = 1e-4;

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-sgd-").FullName;
    private readonly KernelSet _kernels = new(KernelBackend.Cpu, threads: 2);
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Encoder _ours = NewEncoder(), _torchs = NewEncoder();

    public FlatSgdTests() => TorchRuntime.Load();

    public void Dispose()
    {
        _ours.Dispose();
        _torchs.Dispose();
        _scope.Dispose();
        _kernels.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Theory]
    [InlineData(Momentum, Decay)]
    [InlineData(Momentum, 0)]
    [InlineData(0, Decay)]
    public void Weights_and_checkpoint_are_torch_s_to_the_bit(double momentum, double decay)
    {
        using var ours = new FlatSgd(_ours, _kernels, Rate, momentum, decay);
        using SGD torchs = optim.SGD(_torchs.parameters(), Rate, momentum, weight_decay: decay);
        Assert.Equal(Bytes(torchs), Bytes(ours));
        for (int step = 0; step < 4; step++)
        {
            double rate = Rate / (1 + step);
            Plant(step);
            ours.Step(rate);
            Step(torchs, rate);
            AssertSameWeights();
            Assert.Equal(Bytes(torchs), Bytes(ours));
        }
    }

    [Fact]
    public void Its_next_checkpoint_takes_the_memory_of_the_one_before()
    {
        using var ours = new FlatSgd(_ours, _kernels, Rate, Momentum, Decay);
        Plant(0);
        ours.Step(Rate);
        long bytes = ours.ToItem().Shape[0];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(bytes, ours.ToItem().Shape[0]);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, 300_000); // what TorchSharp says of each weight; their numbers are 45 MB
    }

    [Fact]
    public void A_checkpoint_of_torch_s_goes_on_here_and_ours_there()
    {
        using SGD torchs = optim.SGD(_torchs.parameters(), Rate, Momentum, weight_decay: Decay);
        using var before = new FlatSgd(_ours, _kernels, Rate, Momentum, Decay);
        Plant(1);
        Step(torchs, Rate);
        before.Step(Rate);
        string path = Path.Combine(_root, "torchs.safetensors");
        SafetensorsWriter.Write(path, [SafetensorsItem.From<byte>("optimizer.sgd", Bytes(torchs), Bytes(torchs).Length)]);
        using var ours = new FlatSgd(_ours, _kernels, Rate, Momentum, Decay);
        using (var file = SafetensorsFile.Open(path))
            ours.LoadFrom(file);
        using SGD there = optim.SGD(_torchs.parameters(), Rate, Momentum, weight_decay: Decay);
        using (var reader = new BinaryReader(new MemoryStream(Bytes(ours))))
            there.load_state_dict(reader);
        Plant(2);
        ours.Step(Rate);
        Step(there, Rate);
        AssertSameWeights();
    }

    [Fact]
    public void The_norm_is_that_of_all_gradients_in_float64()
    {
        using var ours = new FlatSgd(_ours, _kernels, Rate, Momentum, Decay);
        Assert.Equal(0, ours.GradientNorm());
        Plant(3);
        double squares = _ours.parameters().Sum(p => p.grad!.to(ScalarType.Float64).square().sum().item<double>());
        Assert.Equal(Math.Sqrt(squares), ours.GradientNorm(), 1e-9 * squares);
        using Tensor planted = _ours.parameters().Last().grad!;
        planted.view(-1)[0] = tensor(float.NaN);
        Assert.True(double.IsNaN(ours.GradientNorm()));
    }

    [Fact]
    public void Nothing_moves_before_the_first_gradient_and_a_missing_one_is_zero_after_it()
    {
        using var ours = new FlatSgd(_ours, _kernels, Rate, Momentum, Decay);
        using SGD torchs = optim.SGD(_torchs.parameters(), Rate, Momentum, weight_decay: Decay);
        ours.Step(Rate);
        AssertSameWeights();
        Plant(1);
        ours.Step(Rate);
        Step(torchs, Rate);
        ours.ClearGradients();
        torchs.zero_grad();
        ours.Step(Rate);
        Step(torchs, Rate);
        AssertSameWeights();
    }

    [Fact]
    public void Parameters_stay_what_they_were_and_a_backward_pass_reaches_them()
    {
        Parameter[] before = [.. _ours.parameters()];
        float[] values = Weights(_ours);
        FlatWeights flat = _ours.Flatten();
        Assert.Same(flat, _ours.Flatten());
        Assert.Equal(before, _ours.parameters());
        Assert.Equal(values, Weights(_ours));
        Assert.Equal(values, TensorNumbers.ToArray<float>(flat.Values.narrow(0, 0, flat.Count)));
        Tensor images = randn(4, 3, 32, 32);
        _ours.forward(images).narrow(1, 0, 1).sum().backward();
        _torchs.forward(images).narrow(1, 0, 1).sum().backward();
        foreach ((Parameter ours, Parameter torchs) in _ours.parameters().Zip(_torchs.parameters()))
        {
            Assert.True(ours.is_leaf);
            Assert.Equal(TensorNumbers.ToArray<float>(torchs.grad!), TensorNumbers.ToArray<float>(ours.grad!));
        }
    }

    [Fact]
    public void A_moved_network_is_made_flat_anew()
    {
        FlatWeights first = _ours.Flatten();
        _ours.to(ScalarType.Float64).to(ScalarType.Float32);
        FlatWeights second = _ours.Flatten();
        Assert.NotSame(first, second);
        Assert.Equal(Weights(_torchs), Weights(_ours));
    }

    [Fact]
    public void The_kernel_follows_with_the_bits_of_torch_s_operations()
    {
        using Encoder query = NewEncoder(seed: 9);
        using IMomentumSgd kernel = KernelBridge.MomentumSgd(_kernels, CPU)!;
        _ours.FollowByMomentum(query, 0.999, kernel);
        using (no_grad())
        {
            foreach ((Parameter key, Parameter source) in _torchs.parameters().Zip(query.parameters()))
                key.mul_(0.999).add_(source, alpha: 1 - 0.999);
        }
        AssertSameWeights();
        _ours.FollowByMomentum(query, 0.75, null);
        using (no_grad())
        {
            foreach ((Parameter key, Parameter source) in _torchs.parameters().Zip(query.parameters()))
                key.mul_(0.75).add_(source, alpha: 0.25);
        }
        AssertSameWeights();
    }

    private static Encoder NewEncoder(long seed = 5)
    {
        TorchRuntime.Load();
        return EngineContext.Seeded(seed, () => new Encoder(Architecture.ResNet18, HeadKind.Mlp, 19));
    }

    /// <summary>The same random gradients for both, of several sizes of number.</summary>
    private void Plant(int seed)
    {
        random.manual_seed(seed);
        foreach ((Parameter ours, Parameter torchs) in _ours.parameters().Zip(_torchs.parameters()))
        {
            Tensor gradient = randn_like(ours) * Math.Pow(10, -seed);
            ours.grad = gradient.detach();
            torchs.grad = gradient.detach().clone();
        }
    }

    private static void Step(SGD optimizer, double rate)
    {
        foreach (optim.ILearningRateController group in optimizer.ParamGroups)
            group.LearningRate = rate;
        optimizer.step();
    }

    private void AssertSameWeights() => Assert.Equal(Weights(_torchs), Weights(_ours));

    private static float[] Weights(Encoder encoder) => [.. encoder.parameters().SelectMany(p => TensorNumbers.ToArray<float>(p.detach()))];

    private static byte[] Bytes(SGD optimizer)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream))
            optimizer.save_state_dict(writer);
        return stream.ToArray();
    }

    private static byte[] Bytes(FlatSgd optimizer)
    {
        using var stream = new MemoryStream();
        optimizer.ToItem().Emit(stream);
        return stream.ToArray();
    }
}
