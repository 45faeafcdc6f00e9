using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using TorchSharp;

namespace SSLP.Bench.Kernels;

/// <summary>A bank of random unit rows and 256 queries, for the kernels and as tensors.</summary>
public abstract class BankWorkload
{
    protected const int Batch = 256;
    private const int Width = 128;

    [Params(65_536, 681_486)]
    public int Rows { get; set; }

    protected WorkerPool Pool { get; private set; } = null!;

    protected MemoryBank Bank { get; private set; } = null!;

    protected MemoryBank Queries { get; private set; } = null!;

    protected torch.Tensor BankTensor { get; private set; } = null!;

    protected torch.Tensor QueryTensor { get; private set; } = null!;

    [GlobalSetup]
    public void Setup()
    {
        TorchRuntime.Load();
        Pool = new WorkerPool();
        torch.set_num_threads(Pool.Workers);
        Bank = MemoryBank.CreateRandom(Rows, Width, seed: 1, Pool);
        Queries = MemoryBank.CreateRandom(Batch, Width, seed: 2, Pool);
        BankTensor = ToTensor(Bank);
        QueryTensor = ToTensor(Queries);
        Open();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        Close();
        BankTensor.Dispose();
        QueryTensor.Dispose();
        Bank.Dispose();
        Queries.Dispose();
        Pool.Dispose();
    }

    /// <summary>Makes the operation that is measured.</summary>
    protected abstract void Open();

    /// <summary>Ends it.</summary>
    protected abstract void Close();

    private static torch.Tensor ToTensor(MemoryBank bank)
    {
        torch.Tensor rows = torch.empty(bank.RowCount, bank.Width);
        bank.SaveRows(0, MemoryMarshal.Cast<byte, float>(rows.bytes));
        return rows;
    }
}
