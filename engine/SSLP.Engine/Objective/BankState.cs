using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Engine.Weights;
using SSLP.Kernels;

namespace SSLP.Engine.Objective;

/// <summary>A memory bank to and from a checkpoint.</summary>
internal static class BankState
{
    // Written and read by the block: a bank of 10 M rows is 5 GB.
    private const int BlockRows = 65_536;

    /// <summary>The rows as a float32 tensor [N, D]; they are read when the file is written.</summary>
    public static SafetensorsItem ToItem(this MemoryBank bank, string name) =>
        new(name, SafetensorsDtype.F32, [bank.RowCount, bank.Width], stream =>
        {
            var block = new float[Math.Min(BlockRows, bank.RowCount) * bank.Width];
            for (int row = 0; row < bank.RowCount; row += BlockRows)
            {
                Span<float> part = block.AsSpan(0, Math.Min(BlockRows, bank.RowCount - row) * bank.Width);
                bank.SaveRows(row, part);
                stream.Write(MemoryMarshal.AsBytes(part));
            }
        });

    /// <exception cref="Fault">The file's bank has another shape.</exception>
    public static void LoadFrom(this MemoryBank bank, SafetensorsFile file, string name)
    {
        if (!file.Entries.TryGetValue(name, out SafetensorsEntry? entry) || !entry.Shape.SequenceEqual([bank.RowCount, bank.Width]))
            throw new Fault(FaultKind.Data, $"'{file.Path}' holds no '{name}' of {bank.RowCount} × {bank.Width}.");
        var block = new float[Math.Min(BlockRows, bank.RowCount) * bank.Width];
        for (int row = 0; row < bank.RowCount; row += BlockRows)
        {
            Span<float> part = block.AsSpan(0, Math.Min(BlockRows, bank.RowCount - row) * bank.Width);
            file.ReadBytes(name, MemoryMarshal.AsBytes(part), (long)row * bank.Width * sizeof(float));
            bank.LoadRows(row, part);
        }
    }
}
