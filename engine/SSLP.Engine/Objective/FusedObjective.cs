using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>
/// SSLP's objective through the kernels: sets, terms and gradient in one pass over the packed bank, nothing of size B × N. What it
/// computes is <see cref="PlainObjective"/>'s definition.
/// </summary>
public sealed partial class FusedObjective : IBankObjective
{
    internal const string VectorsName = "bank.vectors", ClustersName = "bank.clusters";

    private readonly ObjectivePlan _plan;
    private readonly ulong _seed;
    private readonly MemoryBank _bank; // of several processes this one's part
    private readonly IShards? _shards;
    private readonly int _rows, _first;
    private readonly IThreeTermStep _step;
    private readonly IKMeans _kmeans;
    private readonly ChangedRows _changed; // since the last whole checkpoint
    private readonly BankSnapshot _snapshot; // of the checkpoint that is being written
    private int[] _labels; // [R, N]
    private int[]? _spareLabels; // of the clustering before, for the next one
    private volatile int[]? _writtenLabels; // of the checkpoint that is being written, which keeps them
    private bool _labelsChanged;

    /// <param name="plan">Constants.</param>
    /// <param name="table">Slide and place of each bank row.</param>
    /// <param name="width">D.</param>
    /// <param name="seed">Seed of the run: of the bank's first rows and of every draw.</param>
    /// <param name="kernels">Which implementation, on which threads; stays the caller's.</param>
    public FusedObjective(ObjectivePlan plan, PatchTable table, int width, ulong seed, KernelSet kernels)
        : this(plan, table, width, seed, kernels, null)
    {
    }

    /// <param name="plan">Constants.</param>
    /// <param name="table">Slide and place of each bank row.</param>
    /// <param name="width">D.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="kernels">Which implementation, on which threads; stays the caller's.</param>
    /// <param name="shards">The processes that hold a part of the rows each; null: this one holds all.</param>
    internal FusedObjective(ObjectivePlan plan, PatchTable table, int width, ulong seed, KernelSet kernels, IShards? shards)
    {
        (_plan, _seed, _kernels, _shards, _rows) = (plan, seed, kernels, shards, table.Count);
        _first = shards is null ? 0 : ShardRows.First(_rows, shards.Rank, shards.Size);
        int count = shards is null ? _rows : ShardRows.Count(_rows, shards.Rank, shards.Size);
        _bank = MemoryBank.CreateRandomPart(_first, count, width, seed, kernels.Pool);
        _snapshot = new BankSnapshot(_bank);
        var spatial = new SpatialNeighbours(table.SlideColumn, table.ColColumn, table.RowColumn);
        _step = kernels.ThreeTermStep(_bank, spatial, plan.Terms, shards);
        _kmeans = kernels.KMeans(_bank, _rows, shards);
        _update = kernels.MemoryBankUpdate(_bank) as MemoryBankUpdateCuda;
        _changed = new ChangedRows(table.Count);
        _labels = new int[checked(plan.ClusterRuns * table.Count)];
        for (int i = 0; i < _labels.Length; i++)
            _labels[i] = i % table.Count; // every row alone, until the first clustering
    }

    public string Describe =>
        $"SSLP: {_rows} rows of {_bank.Width}{(_shards is null ? "" : $" in {_shards.Size} parts")}, K {_plan.Terms.NearestKeys}, " +
        $"M {_plan.Terms.Negatives}, T {_plan.Terms.RadiusPatches}, "
        + $"{_plan.Terms.AuxiliaryAnchors} auxiliary anchors, {_plan.ClusterRuns} × {_plan.Clusters} clusters, {_plan.Terms.Sampling} " +
            $"negatives";

    public long BankBytes => (long)_bank.RowCount * _bank.Width * sizeof(float);

    /// <summary>The constants.</summary>
    public ObjectivePlan Plan => _plan;

    /// <summary>v on the host, for tests and reports; not while a checkpoint is being written. Of a bank in parts, this
    /// process's.</summary>
    public MemoryBank Bank
    {
        get
        {
            _update?.TakeHome();
            return _bank;
        }
    }

    /// <summary>Whether several processes hold a part of the rows each.</summary>
    internal bool IsInParts => _shards is not null;

    /// <summary>The kernel that a step takes, on this bank with its clusters: what the sets are to be asked of.</summary>
    public IThreeTermStep BankStep => _step;

    /// <summary>Labels [R, N], run after run.</summary>
    internal ReadOnlySpan<int> Labels => _labels;

    public (StepTerms Terms, Tensor Gradient) Step(ReadOnlySpan<int> anchors, Tensor features, int step, double ramp)
    {
        Tensor host = KernelBridge.ToHost(features);
        Tensor gradient = empty_like(host);
        ThreeTermResult r = _step.Run(
            anchors, KernelBridge.View(host), new ThreeTermCall(_plan.Weights(ramp), _seed, step), KernelBridge.View(gradient));
        var terms = new StepTerms(r.Loss, r.Self, r.Intra, r.Inter, r.SpatialSize, r.FeatureSize, r.NegativeSize, r.OtherSlideShare);
        return (terms, gradient.to(features.device));
    }

    public ComparedFeatures Compare(ReadOnlySpan<int> anchors, Tensor features, int step) => new(
        _bank.Width, features.ToArray<float>(), RowsNow(anchors), RowsNow(ComparedFeatures.SampleRows(_rows, anchors)),
        AreLearned: (long)step * anchors.Length >= _rows, _plan.Terms.Sampling, _plan.Terms.PoolShare);

    public void Update(ReadOnlySpan<int> anchors, Tensor features)
    {
        if (_shards is null)
            _snapshot.Keep(anchors);
        _changed.Add(anchors);
        Tensor host = KernelBridge.ToHost(features);
        MatrixView all = KernelBridge.View(host);
        if (_shards is null)
            _bank.Update(anchors, all, (float)_plan.BankMomentum);
        else
            for (int i = 0; i < anchors.Length; i++)
                if (IsOwn(anchors[i]))
                    _bank.Update([anchors[i] - _first], all.Slice(i, 1), (float)_plan.BankMomentum);
        GC.KeepAlive(host);
    }

    public void Cluster(int clustering)
    {
        ulong[] seeds = [.. Enumerable.Range(0, _plan.ClusterRuns).Select(run => SeedOf(run, clustering))];
        if (!Clusters)
            return; // nothing asks which rows agree
        int[] labels = _spareLabels is { } spare && spare != _writtenLabels ? spare : new int[_labels.Length];
        _kmeans.Cluster(_plan.Clusters, _plan.ClusterIterations, seeds, labels);
        (_labels, _spareLabels, _labelsChanged) = (labels, _labels, true);
        _step.SetClusters(new ClusterAgreement(_labels, _rows));
    }

    public IEnumerable<SafetensorsItem> State()
    {
        if (_shards is not null)
            return [BankState.ToItem(_bank, _rows, _shards, VectorsName), Labelled(_labels)];
        _update?.TakeHome();
        _snapshot.Take();
        return [_snapshot.ToItem(VectorsName), Labelled(_labels)];
    }

    public IEnumerable<SafetensorsItem>? Changes()
    {
        // With its number a row takes 4·(D + 1) bytes: from half of the bank on, whole files are fewer bytes in the long run.
        // A bank in parts is written whole: its rows come by the block from all.
        if (_shards is not null || _changed.Count > _rows / 2)
            return null;
        _snapshot.Take(_changed);
        ReadOnlyMemory<int> rows = _snapshot.Rows;
        if (_update is { IsAhead: true })
            _update.TakeHome(rows.Span);
        return
        [
            SafetensorsItem.From(BankState.RowsOf(VectorsName), rows, rows.Length), _snapshot.ToItem(BankState.ValuesOf(VectorsName)),
            .. _labelsChanged ? [Labelled(_labels)] : Array.Empty<SafetensorsItem>(),
        ];
    }

    public void BaseTaken()
    {
        _changed.Clear();
        _labelsChanged = false;
    }

    public void Load(SafetensorsFile checkpoint, int[]? rowOf = null)
    {
        _bank.LoadFrom(checkpoint, VectorsName, _rows, _first, rowOf);
        SafetensorsFile labelled = checkpoint.Entries.ContainsKey(ClustersName) ? checkpoint : checkpoint.Base ?? checkpoint;
        _spareLabels = null;
        if (rowOf is null)
            ReadLabels(labelled, _labels);
        else
            _labels = Moved(ReadLabels(labelled, new int[checked(_plan.ClusterRuns * rowOf.Length)]), rowOf);
        _changed.Clear();
        if (checkpoint.Base is not null && rowOf is null)
            _changed.Add(BankState.ChangedRows(checkpoint, VectorsName, _rows));
        _labelsChanged = checkpoint.Base is not null && labelled == checkpoint;
        _step.SetClusters(new ClusterAgreement(_labels, _rows));
    }

    public void Dispose()
    {
        _step.Dispose();
        _kmeans.Dispose();
        _update?.Dispose();
        _bank.Dispose();
    }

    private bool IsOwn(int row) => (uint)(row - _first) < (uint)_bank.RowCount;

    private SafetensorsItem Labelled(int[] labels)
    {
        SafetensorsItem item = SafetensorsItem.From<int>(ClustersName, labels, _plan.ClusterRuns, _rows);
        _writtenLabels = labels;
        return item with
        {
            Emit = stream =>
            {
                item.Emit(stream);
                _writtenLabels = null;
            },
        };
    }

    private static int[] ReadLabels(SafetensorsFile file, int[] labels)
    {
        if (!file.Entries.ContainsKey(ClustersName))
            throw new Fault(FaultKind.Data, $"'{file.Path}' holds no '{ClustersName}'.");
        file.ReadAll<int>(ClustersName, labels);
        return labels;
    }

    /// <summary>Labels of a smaller bank's rows where they are now; a row that is new is alone until the next clustering.</summary>
    private int[] Moved(int[] before, int[] rowOf)
    {
        int[] labels = new int[_labels.Length];
        for (int run = 0; run < _plan.ClusterRuns; run++)
        {
            Span<int> now = labels.AsSpan(run * _rows, _rows);
            for (int row = 0; row < now.Length; row++)
                now[row] = -1 - row; // no cluster's number
            for (int row = 0; row < rowOf.Length; row++)
                if (rowOf[row] >= 0)
                    now[rowOf[row]] = before[(run * rowOf.Length) + row];
        }
        return labels;
    }

    /// <summary>
    /// The paper's program has 1234, 1235, 1236 for its three runs every time [B]. Here the clustering's number is in the upper half, so
    /// that no start is kept for good; the run's own seed is not in it, as checkpoints of every version have it.
    /// </summary>
    private static ulong SeedOf(int run, int clustering) => 1234 + (ulong)run + ((ulong)clustering << 32);
}
