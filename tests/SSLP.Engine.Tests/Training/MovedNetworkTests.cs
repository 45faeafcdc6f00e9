using SSLP.Engine.Methods;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Training;

/// <summary>
/// A network whose parameters are other objects after its move, as they are on CUDA. A change of type takes the same way in TorchSharp as
/// one of device, and needs no GPU.
/// </summary>
public sealed class MovedNetworkTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-moved-").FullName;
    private readonly TestPatches _source = new(slides: 1, side: 5, patchSize: 16);
    private readonly KernelSet _kernels = new(KernelBackend.Cpu, threads: 1);
    private Moving? _method;

    public void Dispose()
    {
        _source.Dispose();
        _kernels.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public void Learns_after_the_move_and_resumes_from_its_checkpoint()
    {
        float[] before = [], after;
        using (Trainer trainer = Trainer(steps: 2, method => before = Weights(method)))
        {
            Assert.True(trainer.Run(null, CancellationToken.None).Finished);
            after = Weights(_method!);
        }

        Assert.NotEqual(before, after);
        using Trainer resumed = Trainer(steps: 2, _ => { });
        Assert.True(resumed.Resume());
        Assert.Equal(2, resumed.StepsDone);
        Assert.Equal(after, Weights(_method!));
    }

    private Trainer Trainer(int steps, Action<Method> made)
    {
        TrainingOptions options = new()
        {
            Epochs = 1,
            MaxSteps = steps,
            BatchSize = 8,
            InputSize = 16,
            Width = 16,
            Threads = 1,
            CheckpointEvery = 1
        };
        var folder = new RunFolder(Path.Combine(_root, "run"));
        Directory.CreateDirectory(folder.Root);
        made(_method = new Moving());
        return new Trainer(options, folder, _source, _method, CPU, _kernels);
    }

    private static float[] Weights(Method method) =>
        [.. method.Encoder.parameters().SelectMany(p => p.detach().cpu().flatten().ToArray<float>())];

    private sealed class Moving : Method
    {
        public override Encoder Encoder { get; } = new(Architecture.ResNet18, HeadKind.Linear, 16);

        public override int Views => 1;

        public override string Describe => "a network that moves";

        public override void To(Device device)
        {
            nint before = Encoder.parameters().First().Handle;
            Encoder.to(ScalarType.Float64).to(ScalarType.Float32);
            Assert.NotEqual(before, Encoder.parameters().First().Handle);
        }

        public override StepTerms Step(TrainingBatch batch)
        {
            Tensor loss = Encoder.forward(batch.Views[0]).narrow(1, 0, 1).mean();
            loss.backward();
            return new StepTerms(loss.item<float>(), loss.item<float>());
        }
    }
}
