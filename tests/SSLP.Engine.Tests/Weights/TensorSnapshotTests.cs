using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Weights;

public sealed class TensorSnapshotTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-snapshot-").FullName;

    public TensorSnapshotTests() => TorchRuntime.Load();

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void What_changes_after_it_was_taken_is_written_as_it_was()
    {
        using DisposeScope scope = NewDisposeScope();
        using var snapshot = new TensorSnapshot();
        (string, Tensor)[] tensors =
        [
            ("odd", arange(77, ScalarType.Float32).reshape(7, 11)), ("turned", arange(12, ScalarType.Float32).reshape(3, 4).t()),
            ("count", tensor(5L)), ("none", zeros(0, 3)), ("half", arange(9).to(ScalarType.BFloat16)), ("flags", arange(5).ge(2)),
        ];
        for (int round = 0; round < 2; round++)
        {
            Tensor[] before = [.. tensors.Select(t => t.Item2.clone())];
            IReadOnlyList<SafetensorsItem> items = snapshot.Take(tensors);
            foreach ((_, Tensor value) in tensors)
                value.copy_(ones_like(value));
            string path = Path.Combine(_root, $"{round}.safetensors");
            SafetensorsWriter.Write(path, items);
            using var file = SafetensorsFile.Open(path);
            foreach (((string name, _), Tensor expected) in tensors.Zip(before))
            {
                Tensor found = file.ReadTensor(name);
                Assert.Equal((expected.dtype, expected.shape.Length), (found.dtype, found.shape.Length));
                Assert.True(found.equal(expected).all().item<bool>(), name);
            }
        }
    }

    [Fact]
    public void A_network_s_next_checkpoint_takes_no_memory_of_its_size()
    {
        using var encoder = new Encoder(Architecture.ResNet18, HeadKind.Linear, 32);
        using var snapshot = new TensorSnapshot();
        string path = Path.Combine(_root, "network.safetensors");
        Write();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Write();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000); // names and a buffer; the weights are 45 MB
        Assert.InRange(new FileInfo(path).Length, 44_000_000, 46_000_000);

        void Write() => SafetensorsWriter.Write(path, snapshot.Take(encoder.State()));
    }
}
