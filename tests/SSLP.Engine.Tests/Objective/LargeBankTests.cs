using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using SSLP.Engine.Objective;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Engine.Tests.Objective;

/// <summary>A bank of more bytes than a span holds: 5,000,000 rows of 128 in a sparse file, zeros but for a few rows.</summary>
public sealed class LargeBankTests : IDisposable
{
    private const int Rows = 5_000_000, Width = 128;

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-large-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Rows_beyond_two_gigabytes_are_read_where_they_lie()
    {
        string path = SparseBank([0, 4_194_303, 4_194_304, Rows - 1]);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal((long)Rows * Width * sizeof(float), file.Entries["bank"].Bytes);
        var seen = new Dictionary<int, float>();
        float[] block = new float[Width];
        foreach (int row in (int[])[0, 1, 4_194_303, 4_194_304, Rows - 2, Rows - 1])
        {
            file.ReadBytes("bank", System.Runtime.InteropServices.MemoryMarshal.AsBytes(block.AsSpan()), (long)row * Width * sizeof(float));
            seen[row] = block[3];
        }
        Assert.Equal([0, 0f, 4_194_303, 4_194_304, 0, Rows - 1], seen.Values.Select(v => v));
    }

    [Fact]
    public void A_bank_beyond_two_gigabytes_is_loaded_and_saved()
    {
        Assert.SkipUnless(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes > 12L << 30
            && Environment.GetEnvironmentVariable("SSLP_LARGE_TESTS") == "1",
            "takes 5.2 GB of memory and minutes: set SSLP_LARGE_TESTS=1 on a machine of 12 GB");
        int[] marked = [0, 4_194_303, 4_194_304, Rows - 1];
        using var bank = new MemoryBank(Rows, Width);
        using (var file = SafetensorsFile.Open(SparseBank(marked)))
            bank.LoadFrom(file, "bank");
        Assert.All(marked, row => Assert.Equal(row, bank.Row(row)[3]));
        string again = Path.Combine(_root, "again.safetensors");
        var snapshot = new BankSnapshot(bank);
        snapshot.Take();
        SafetensorsWriter.Write(again, [snapshot.ToItem("bank")]);
        using var saved = SafetensorsFile.Open(again);
        using TorchSharp.torch.Tensor tensor = BankState.ReadBank(saved, "bank");
        Assert.All(marked, row => Assert.Equal(row, tensor[row, 3].item<float>()));
    }

    /// <summary>No checksum: the file takes a few kB of the disk, and 2.6 GB would have to be hashed.</summary>
    private string SparseBank(int[] marked)
    {
        long bytes = (long)Rows * Width * sizeof(float);
        string json = $"{{\"bank\":{{\"dtype\":\"F32\",\"shape\":[{Rows},{Width}],\"data_offsets\":[0,{bytes}]}}}}";
        byte[] head = [.. new byte[8], .. Encoding.UTF8.GetBytes(json)];
        BinaryPrimitives.WriteInt64LittleEndian(head, json.Length);
        string path = Path.Combine(_root, "sparse.safetensors");
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
        RandomAccess.Write(file, head, 0);
        RandomAccess.SetLength(file, head.Length + bytes);
        foreach (int row in marked)
            RandomAccess.Write(file, BitConverter.GetBytes((float)row), head.Length + ((((long)row * Width) + 3) * sizeof(float)));
        return path;
    }
}
