namespace SSLP.Kernels;

/// <summary>
/// The bank's part of a step where each of several processes holds a part of the rows: every process searches its own for all anchors, and
/// the sets, the terms and the gradient come out as <see cref="ThreeTermStepCpu"/>'s, in all of them.
/// </summary>
/// <remarks>
/// <para>A similarity is computed by whoever holds the row, and is then everybody's. Ranks come from histograms of the candidates' scores
/// that are summed over the processes; only the candidates of bins that hold a drawn rank, or the K-th nearest key, are told to others. The
/// gradient's sums over positives and negatives are taken by each over its own rows, and added.</para>
/// <para>Bytes that a process gives, B anchors of all processes: 4·B·(1 + |S|) and 4·B·A·D for the positives, for each query a histogram of
/// √(5·M·0.17·N) bins of 4 bytes at the paper's draw, 8 a candidate of the open bins and of F, and 4·B·D for the gradient.</para>
/// <para>What does not grow with D is held whole by each: places on the slides, cluster labels.</para>
/// <para>Managed allocation: none after the first calls at a shape, but where a list grows beyond what it ever held.</para>
/// </remarks>
internal sealed unsafe partial class ThreeTermStepSharded : IThreeTermStep
{
    private readonly MemoryBank _bank; // the rows from _first on
    private readonly int _first, _rows;
    private readonly SpatialNeighbours _spatial;
    private readonly ThreeTermOptions _options;
    private readonly IWorkers _pool;
    private readonly IShards _shards;
    private readonly ScoreSample _sample;
    private readonly CandidatePass[] _passes;
    private readonly WeightedRows _weighted;
    private readonly DrawnRanks _ranks;
    private readonly RowLists _ownPositives = new(), _ownNegatives = new();
    private readonly AlignedBuffer<float> _rowSums = new(); // [workers, stride]
    private readonly Scratch[] _scratch; // of each worker
    private readonly Items _takeSpatial, _takeRandom, _score, _loss, _keepOwn, _sumOwn;
    private readonly KeyExchange _told;
    private int[] _anchors = [], _starts = [];
    private float[] _scores = [], _sums = [];
    private AnchorTerms[] _terms = [];
    private int _batch;
    private MatrixView _features; // of the running step, as are the next three
    private SpatialQuery _spatialQuery;
    private TermWeights _factors;
    private RowLists _scored = new();
    private ClusterAgreement? _clusters; // null before the first clustering: no two rows agree

    /// <param name="bank">This process's rows, <see cref="ShardRows"/>; borrowed.</param>
    /// <param name="spatial">Index over all rows; borrowed.</param>
    /// <param name="options">Constants.</param>
    /// <param name="pool">Threads; borrowed.</param>
    /// <param name="shards">The processes; borrowed.</param>
    /// <param name="isa">Width of the vectors; null: the widest that the processor accelerates.</param>
    /// <exception cref="ArgumentException">The parts do not fit, or an option is out of range.</exception>
    public ThreeTermStepSharded(
        MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options, IWorkers pool, IShards shards, InstructionSet? isa = null)
    {
        _rows = spatial.Count;
        _first = ShardRows.First(_rows, shards.Rank, shards.Size);
        ThreeTermStep.CheckParts(_rows, spatial, options);
        if (bank.RowCount != ShardRows.Count(_rows, shards.Rank, shards.Size))
            throw new ArgumentException(
                $"Part {shards.Rank} of {shards.Size} of a bank of {_rows} patches is not of {bank.RowCount} rows.");
        (_bank, _spatial, _options, _pool, _shards) = (bank, spatial, options, pool, shards);
        _sample = new ScoreSample(bank.RowCount, bank.Width);
        _passes = [.. Enumerable.Range(0, pool.Workers).Select(_ => new CandidatePass(bank, _sample, isa ?? InstructionSets.Best))];
        _weighted = new WeightedRows(bank);
        _ranks = new DrawnRanks(options.Negatives);
        _rowSums.EnsureLength((long)pool.Workers * bank.Stride);
        _scratch = [.. Enumerable.Range(0, pool.Workers).Select(_ => new Scratch())];
        _told = new KeyExchange(shards);
        (_takeSpatial, _takeRandom, _score) = (new(TakeSpatial), new(TakeRandomNegatives), new(Score));
        (_loss, _keepOwn, _sumOwn) = (new(TakeLoss), new(KeepOwn), new(SumOwn));
        (_findCandidates, _measure, _fill) = (new(FindCandidates), new(Measure), new(Fill));
        (_findNearest, _findFeature, _openRanks, _takeRanks) = (new(FindNearest), new(FindFeature), new(OpenRanks), new(TakeRanks));
    }

    public TermSets Sets { get; } = new();

    private bool ByRank => _options.Sampling != NegativeSampling.Random;

    public void SetClusters(ClusterAgreement clusters)
    {
        ThreeTermStep.CheckClusters(_rows, clusters);
        _clusters = clusters;
    }

    public ThreeTermResult Run(ReadOnlySpan<int> anchors, MatrixView features, in ThreeTermCall call, MatrixView gradient)
    {
        ThreeTermStep.CheckShapes(_rows, _bank.Width, anchors, features, gradient);
        ThreeTermStep.RefuseNonFinite(anchors, features);
        (_batch, _features) = (anchors.Length, features);
        anchors.CopyTo(Room(ref _anchors, _batch));
        Sets.Reset(_batch);
        _ranks.Draw(
            _options.Sampling, call.Seed, call.Step, NegativeRanks.Candidates(_options.Sampling, _rows, _options.PoolShare));
        _sample.Refresh(_bank);
        _spatialQuery = new SpatialQuery(_options.RadiusPatches, _options.SpatialSample, _options.AuxiliaryAnchors, call.Seed, call.Step);
        TakeSpatial();
        if (ByRank || _clusters is not null)
            Search();
        if (!ByRank)
        {
            _pool.Run(_takeRandom, _batch);
            Score(Sets.Negatives);
        }
        _factors = ThreeTermStep.PerAnchor(call.Weights, Sets);
        Room(ref _terms, _batch);
        _pool.Run(_loss, _batch);
        SumRows(gradient);
        return ThreeTermStep.Report(_terms.AsSpan(0, _batch), call.Weights, Sets, anchors, _spatial);
    }

    public void Dispose()
    {
        foreach (CandidatePass pass in _passes)
            pass.Dispose();
        _sample.Dispose();
        _weighted.Dispose();
        _rowSums.Dispose();
    }

    /// <summary>As much of a buffer as is asked for: it grows, and what it held is then gone.</summary>
    private static Span<T> Room<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = new T[Math.Max(length, 2 * buffer.Length)];
        return buffer.AsSpan(0, length);
    }

    private bool IsOwn(int row) => (uint)(row - _first) < (uint)_bank.RowCount;

    private ReadOnlySpan<float> OwnRow(int row) => _bank.Row(row - _first);

    /// <summary>S, A and d_ii of every anchor.</summary>
    private void TakeSpatial()
    {
        _pool.Run(_takeSpatial, _batch);
        Score(Sets.Self);
        Score(Sets.Spatial);
        for (int b = 0; b < _batch; b++)
            for (int s = 0; s < Sets.Spatial.Length(b); s++)
                SpatialNeighbours.KeepMostSimilar(
                    Sets.Auxiliary, b, Sets.Spatial[b][s], Sets.Spatial.Scores(b)[s], _options.AuxiliaryAnchors);
    }

    private void TakeSpatial(int b, int worker)
    {
        Sets.Self.Add(b, _anchors[b]);
        _spatial.Query(_anchors[b], _spatialQuery, Sets.Spatial, b);
    }

    private void TakeRandomNegatives(int b, int worker) => ThreeTermStep.TakeByRow(_rows, _anchors[b], _ranks.Ranks, Sets, b);

    private void TakeLoss(int b, int worker) => _terms[b] = ThreeTermLoss.ToGradientFactors(
        ref Sets.Self.WritableScores(b)[0], Sets.Spatial.WritableScores(b), Sets.Feature.WritableScores(b),
        Sets.Negatives.WritableScores(b), _options.Temperature, _factors, _options.DetachNegatives);

    /// <summary>Similarities of all rows of the lists to their anchors, each from whoever holds the row.</summary>
    private void Score(RowLists lists)
    {
        _scored = lists;
        Span<int> starts = Room(ref _starts, lists.Count + 1);
        starts[0] = 0;
        for (int b = 0; b < lists.Count; b++)
            starts[b + 1] = starts[b] + lists.Length(b);
        Span<float> scores = Room(ref _scores, starts[^1]);
        scores.Clear(); // of rows that others hold
        _pool.Run(_score, lists.Count);
        _shards.Sum(scores);
        for (int b = 0; b < lists.Count; b++)
            scores.Slice(starts[b], lists.Length(b)).CopyTo(lists.WritableScores(b));
    }

    private void Score(int b, int worker)
    {
        ReadOnlySpan<int> rows = _scored[b];
        for (int j = 0; j < rows.Length; j++)
            if (IsOwn(rows[j]))
                _scores[_starts[b] + j] = OrderedSums.Dot(_features.Row(b), OwnRow(rows[j]));
    }

    /// <summary>dL/df from the factors in the sets: the sums over this process's rows, added to the others'.</summary>
    private void SumRows(MatrixView gradient)
    {
        int width = gradient.Width;
        _ownPositives.Reset(_batch);
        _ownNegatives.Reset(_batch);
        _pool.Run(_keepOwn, _batch);
        _weighted.Run(_ownNegatives, _pool);
        Span<float> sums = Room(ref _sums, _batch * width);
        _pool.Run(_sumOwn, _batch);
        _shards.Sum(sums);
        for (int b = 0; b < _batch; b++)
            sums.Slice(b * width, width).CopyTo(gradient.Row(b));
    }

    private void KeepOwn(int b, int worker)
    {
        KeepOwn(Sets.Self, _ownPositives, b);
        KeepOwn(Sets.Spatial, _ownPositives, b);
        KeepOwn(Sets.Feature, _ownPositives, b);
        if (!_options.DetachNegatives)
            KeepOwn(Sets.Negatives, _ownNegatives, b);
    }

    private void KeepOwn(RowLists from, RowLists into, int b)
    {
        ReadOnlySpan<int> rows = from[b];
        ReadOnlySpan<float> weights = from.Scores(b);
        for (int j = 0; j < rows.Length; j++)
            if (IsOwn(rows[j]))
                into.Add(b, rows[j] - _first, weights[j]);
    }

    private void SumOwn(int b, int worker)
    {
        int width = _bank.Width, stride = _bank.Stride;
        float* sum = _rowSums.Pointer + (nint)worker * stride;
        new Span<float>(sum, stride).Clear();
        WeightedRows.Add(_bank, _ownPositives[b], _ownPositives.Scores(b), sum);
        Span<float> own = _sums.AsSpan(b * width, width);
        new ReadOnlySpan<float>(sum, width).CopyTo(own);
        _weighted.AddTo(b, own);
    }

    /// <summary>A part of the step, made once: a delegate for each call would be garbage of every step.</summary>
    private sealed class Items(Action<int, int> body) : IParallelWork
    {
        public void Execute(int item, int worker) => body(item, worker);
    }
}
