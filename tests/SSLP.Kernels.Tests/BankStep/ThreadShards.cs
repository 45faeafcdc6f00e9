using System.Runtime.ExceptionServices;

namespace SSLP.Kernels.Tests;

/// <summary>Processes that are threads here: each runs the same body with its rank.</summary>
internal sealed class ThreadShards : IShards
{
    private readonly Array[] _told;
    private readonly Barrier _barrier;

    private ThreadShards(int rank, int size, Array[] told, Barrier barrier) => (Rank, Size, _told, _barrier) = (rank, size, told, barrier);

    public int Rank { get; }

    public int Size { get; }

    public static IShards[] Of(int size)
    {
        var told = new Array[size];
        var barrier = new Barrier(size);
        return [.. Enumerable.Range(0, size).Select(rank => new ThreadShards(rank, size, told, barrier))];
    }

    /// <summary>Each rank on a thread of its own; what one throws is thrown.</summary>
    public static void Run(int size, Action<int> body)
    {
        var thrown = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                body(rank);
            }
            catch (Exception fault)
            {
                thrown[rank] = fault;
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        if (thrown.FirstOrDefault(fault => fault is not null) is { } first)
            ExceptionDispatchInfo.Throw(first);
    }

    public void Sum(Span<float> values)
    {
        float[][] all = Exchange<float>(values);
        for (int i = 0; i < values.Length; i++)
            values[i] = all.Sum(each => each[i]);
    }

    public void Sum(Span<int> values)
    {
        int[][] all = Exchange<int>(values);
        for (int i = 0; i < values.Length; i++)
            values[i] = all.Sum(each => each[i]);
    }

    public void Broadcast(Span<float> values, int from) => Exchange<float>(values)[from].CopyTo(values);

    public int Gather<T>(ReadOnlySpan<T> own, ref T[] all)
        where T : unmanaged
    {
        all = [.. Exchange(own).SelectMany(each => each)];
        return all.Length;
    }

    public void Gather<T>(ReadOnlySpan<T> own, Span<T> all)
        where T : unmanaged => Exchange(own).SelectMany(each => each).ToArray().CopyTo(all);

    private T[][] Exchange<T>(ReadOnlySpan<T> own)
    {
        _told[Rank] = own.ToArray();
        _barrier.SignalAndWait();
        T[][] all = [.. _told.Cast<T[]>()];
        _barrier.SignalAndWait();
        return all;
    }
}

/// <summary>A step of several processes on their parts of a bank; all must come to the same sets and the same gradient.</summary>
internal sealed class StepInParts : IThreeTermStep
{
    private readonly MemoryBank _bank;
    private readonly MemoryBank[] _parts;
    private readonly WorkerPool[] _pools;
    private readonly ThreeTermStepSharded[] _steps;

    public StepInParts(MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options, int parts)
    {
        parts = Math.Min(parts, bank.RowCount);
        _bank = bank;
        IShards[] shards = ThreadShards.Of(parts);
        _parts = [.. shards.Select(shard => new MemoryBank(ShardRows.Count(bank.RowCount, shard.Rank, parts), bank.Width))];
        _pools = [.. shards.Select(shard => new WorkerPool(1 + shard.Rank % 2))];
        _steps = [.. shards.Select(shard => new ThreeTermStepSharded(
            _parts[shard.Rank], spatial, options, _pools[shard.Rank], shard))];
    }

    public TermSets Sets => _steps[^1].Sets;

    public void SetClusters(ClusterAgreement clusters) => Array.ForEach(_steps, step => step.SetClusters(clusters));

    public unsafe ThreeTermResult Run(ReadOnlySpan<int> anchors, MatrixView features, in ThreeTermCall call, MatrixView gradient)
    {
        int[] ids = anchors.ToArray();
        ThreeTermCall same = call;
        var results = new ThreeTermResult[_steps.Length];
        var gradients = new KernelTestData.Matrix[_steps.Length];
        float[] values = new float[_bank.Width];
        for (int row = 0, part = 0, at = 0; row < _bank.RowCount; row++, at++)
        {
            if (at == _parts[part].RowCount)
                (part, at) = (part + 1, 0);
            _bank.SaveRows(row, values);
            _parts[part].LoadRows(at, values);
        }
        ThreadShards.Run(_steps.Length, rank =>
        {
            gradients[rank] = new KernelTestData.Matrix(ids.Length, _bank.Width);
            results[rank] = _steps[rank].Run(ids, features, same, gradients[rank].View);
        });
        for (int rank = 0; rank < _steps.Length; rank++)
        {
            Xunit.Assert.Equal(results[0], results[rank]);
            for (int b = 0; b < ids.Length; b++)
                Xunit.Assert.True(gradients[0].View.Row(b).SequenceEqual(gradients[rank].View.Row(b)));
        }
        for (int b = 0; b < ids.Length; b++)
            gradients[0].View.Row(b).CopyTo(gradient.Row(b));
        Array.ForEach(gradients, matrix => matrix.Dispose());
        return results[0];
    }

    public void Dispose()
    {
        Array.ForEach(_steps, step => step.Dispose());
        Array.ForEach(_parts, part => part.Dispose());
        Array.ForEach(_pools, pool => pool.Dispose());
    }
}
