using SSLP.Engine.Objective;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Engine.Tests.Objective;

public sealed class BankStateTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-bank-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>A bank of more than 2³¹ numbers does not fit an array: no more than a block is held beside it.</summary>
    [Fact]
    public void A_bank_is_read_by_the_block_and_to_the_bit()
    {
        const int rows = 200_000, width = 8, block = 65_536 * width * sizeof(float);
        string path = Path.Combine(_root, "bank.safetensors");
        using MemoryBank saved = MemoryBank.CreateRandom(rows, width, seed: 1), loaded = new(rows, width);
        var snapshot = new BankSnapshot(saved);
        snapshot.Take();
        SafetensorsWriter.Write(path, [snapshot.ToItem("bank")], new Dictionary<string, string>());
        using var file = SafetensorsFile.Open(path);
        long before = GC.GetAllocatedBytesForCurrentThread();
        loaded.LoadFrom(file, "bank");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, block + 100_000);
        float[] expected = new float[rows * width], found = new float[rows * width];
        saved.SaveRows(0, expected);
        loaded.SaveRows(0, found);
        Assert.Equal(expected, found);
    }
}
