using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>
/// A memory bank from a checkpoint, and to one: whole, or the rows that changed over the checkpoint that is its
/// <see cref="SafetensorsFile.Base"/>. Always by the block: a bank of 10 M rows is 5 GB.
/// </summary>
internal static class BankState
{
    private const int BlockRows = 65_536;

    /// <summary>Name of the changed rows' numbers, int32 [k], and of their vectors, float32 [k, D].</summary>
    public static string RowsOf(string name) => name + ".changed_rows";

    /// <inheritdoc cref="RowsOf"/>
    public static string ValuesOf(string name) => name + ".changed";

    /// <inheritdoc cref="LoadFrom(MemoryBank, SafetensorsFile, string, int, int, int[])"/>
    public static void LoadFrom(this MemoryBank bank, SafetensorsFile file, string name) => bank.LoadFrom(file, name, bank.RowCount, 0);

    /// <param name="bank">Takes the rows.</param>
    /// <param name="file">A checkpoint.</param>
    /// <param name="name">The bank's.</param>
    /// <param name="rows">Rows of the whole bank, of which <paramref name="bank"/> may hold a part.</param>
    /// <param name="ownFirst">The first row that it holds.</param>
    /// <param name="rowOf">Where each row of the file goes, −1 for nowhere; null: to its own number, and every row is there.</param>
    /// <exception cref="Fault">The file's bank has another shape.</exception>
    public static void LoadFrom(this MemoryBank bank, SafetensorsFile file, string name, int rows, int ownFirst, int[]? rowOf = null)
    {
        Read(file, name, rowOf?.Length ?? rows, bank.Width, (first, values) =>
        {
            int count = values.Length / bank.Width;
            if (rowOf is null)
            {
                int from = Math.Max(first, ownFirst), to = Math.Min(first + count, ownFirst + bank.RowCount);
                if (from < to)
                    bank.LoadRows(from - ownFirst, values.Slice((from - first) * bank.Width, (to - from) * bank.Width));
                return;
            }
            for (int i = 0; i < count; i++)
                if (rowOf[first + i] >= 0 && (uint)(rowOf[first + i] - ownFirst) < (uint)bank.RowCount)
                    bank.LoadRows(rowOf[first + i] - ownFirst, values.Slice(i * bank.Width, bank.Width));
        });
    }

    /// <summary>The rows of all processes as one tensor [N, D]. Every process writes it at the same time, and the same bytes; by the block,
    /// so that none holds more than its part.</summary>
    public static SafetensorsItem ToItem(MemoryBank bank, int rows, IShards shards, string name) =>
        new(name, SafetensorsDtype.F32, [rows, bank.Width], stream =>
        {
            float[] block = new float[Math.Min(BlockRows, rows) * bank.Width];
            for (int rank = 0; rank < shards.Size; rank++)
            {
                int count = ShardRows.Count(rows, rank, shards.Size);
                for (int row = 0; row < count; row += BlockRows)
                {
                    Span<float> part = block.AsSpan(0, Math.Min(BlockRows, count - row) * bank.Width);
                    if (rank == shards.Rank)
                        bank.SaveRows(row, part);
                    shards.Broadcast(part, rank);
                    stream.Write(MemoryMarshal.AsBytes(part));
                }
            }
        });

    /// <summary>The rows as a tensor [N, D] of the caller's scope: 4·N·D bytes.</summary>
    /// <inheritdoc cref="LoadFrom(MemoryBank, SafetensorsFile, string, int, int, int[])" path="/exception"/>
    public static Tensor ReadBank(SafetensorsFile file, string name)
    {
        SafetensorsFile whole = file.Entries.ContainsKey(name) ? file : file.Base ?? file;
        if (!whole.Entries.TryGetValue(name, out SafetensorsEntry? entry)
            || entry.Shape is not [> 0 and <= int.MaxValue and var rows, > 0 and <= int.MaxValue and var width])
            throw new Fault(FaultKind.Data, $"'{file.Path}' holds no '{name}'.");
        Tensor bank = empty([rows, width], ScalarType.Float32);
        Read(file, name, (int)rows, (int)width, (first, values) =>
            MemoryMarshal.AsBytes(values).CopyTo(KernelBridge.Bytes(bank, first * width * sizeof(float), values.Length * sizeof(float))));
        return bank;
    }

    private delegate void Take(int first, ReadOnlySpan<float> values);

    /// <summary>Gives every row by the block, those that a later checkpoint changed once more.</summary>
    private static void Read(SafetensorsFile file, string name, int rows, int width, Take take)
    {
        SafetensorsFile whole = file.Entries.ContainsKey(name) ? file : file.Base ?? file;
        if (!whole.Entries.TryGetValue(name, out SafetensorsEntry? entry) || entry.Dtype != SafetensorsDtype.F32
            || !entry.Shape.SequenceEqual([rows, width]))
            throw new Fault(FaultKind.Data, $"'{whole.Path}' holds no '{name}' of {rows} × {width}.");
        float[] block = new float[Math.Min(BlockRows, rows) * width];
        for (int row = 0; row < rows; row += BlockRows)
        {
            Span<float> part = block.AsSpan(0, Math.Min(BlockRows, rows - row) * width);
            whole.ReadBytes(name, MemoryMarshal.AsBytes(part), (long)row * width * sizeof(float));
            take(row, part);
        }
        if (whole == file)
            return;
        int[] changed = ChangedRows(file, name, rows);
        for (int at = 0; at < changed.Length; at += BlockRows)
        {
            Span<float> part = block.AsSpan(0, Math.Min(BlockRows, changed.Length - at) * width);
            file.ReadBytes(ValuesOf(name), MemoryMarshal.AsBytes(part), (long)at * width * sizeof(float));
            for (int i = 0; i < part.Length / width; i++)
                take(changed[at + i], part.Slice(i * width, width));
        }
    }

    /// <summary>Numbers of the rows that a checkpoint lays over its base, ascending.</summary>
    /// <exception cref="Fault">There are none, or they are no rows of such a bank.</exception>
    public static int[] ChangedRows(SafetensorsFile file, string name, int rows)
    {
        if (!file.Entries.TryGetValue(RowsOf(name), out SafetensorsEntry? entry) || entry.Dtype != SafetensorsDtype.I32
            || entry.Shape.Count != 1 || entry.Shape[0] > rows)
            throw new Fault(FaultKind.Data, $"'{file.Path}' holds neither '{name}' nor the rows of it that changed.");
        int[] changed = new int[entry.Shape[0]];
        file.ReadAll<int>(RowsOf(name), changed);
        for (int i = 0; i < changed.Length; i++)
            if (changed[i] <= (i == 0 ? -1 : changed[i - 1]) || changed[i] >= rows)
                throw new Fault(FaultKind.Data, $"'{file.Path}' changes row {changed[i]} of a bank of {rows}.");
        return changed;
    }
}
