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
        int batch = anchors.Length;
        int[] ids = anchors.ToArray();
        Sets.Reset(batch);
        _ranks.Draw(
            _options.Sampling, call.Seed, call.Step, NegativeRanks.Candidates(_options.Sampling, _rows, _options.PoolShare));
        _sample.Refresh(_bank);
        TakeSpatial(ids, features, call);
        if (ByRank || _clusters is not null)
            Search(ids, features);
        if (!ByRank)
            TakeRandomNegatives(ids, features);

        TermWeights factors = ThreeTermStep.PerAnchor(call.Weights, Sets);
        var terms = new AnchorTerms[batch];
        Each(batch, (b, _) => terms[b] = ThreeTermLoss.ToGradientFactors(
            ref Sets.Self.WritableScores(b)[0], Sets.Spatial.WritableScores(b), Sets.Feature.WritableScores(b),
            Sets.Negatives.WritableScores(b), _options.Temperature, factors, _options.DetachNegatives));
        SumRows(gradient);
        return ThreeTermStep.Report(terms, call.Weights, Sets, anchors, _spatial);
    }

    public void Dispose()
    {
        foreach (CandidatePass pass in _passes)
            pass.Dispose();
        _sample.Dispose();
        _weighted.Dispose();
    }

    private bool IsOwn(int row) => (uint)(row - _first) < (uint)_bank.RowCount;

    private ReadOnlySpan<float> OwnRow(int row) => _bank.Row(row - _first);

    /// <summary>S, A and d_ii of every anchor.</summary>
    private void TakeSpatial(int[] anchors, MatrixView features, ThreeTermCall call)
    {
        var query = new SpatialQuery(_options.RadiusPatches, _options.SpatialSample, _options.AuxiliaryAnchors, call.Seed, call.Step);
        Each(anchors.Length, (b, _) =>
        {
            Sets.Self.Add(b, anchors[b]);
            _spatial.Query(anchors[b], query, Sets.Spatial, b);
        });
        Score(Sets.Self, features);
        Score(Sets.Spatial, features);
        for (int b = 0; b < anchors.Length; b++)
            for (int s = 0; s < Sets.Spatial.Length(b); s++)
                SpatialNeighbours.KeepMostSimilar(
                    Sets.Auxiliary, b, Sets.Spatial[b][s], Sets.Spatial.Scores(b)[s], _options.AuxiliaryAnchors);
    }

    private void TakeRandomNegatives(int[] anchors, MatrixView features)
    {
        Each(anchors.Length, (b, _) => ThreeTermStep.TakeByRow(_rows, anchors[b], _ranks.Ranks, Sets, b));
        Score(Sets.Negatives, features);
    }

    /// <summary>Similarities of all rows of the lists to their anchors, each from whoever holds the row.</summary>
    private void Score(RowLists lists, MatrixView features)
    {
        int[] starts = new int[lists.Count + 1];
        for (int b = 0; b < lists.Count; b++)
            starts[b + 1] = starts[b] + lists.Length(b);
        float[] scores = new float[starts[^1]];
        Each(lists.Count, (b, _) =>
        {
            ReadOnlySpan<int> rows = lists[b];
            for (int j = 0; j < rows.Length; j++)
                if (IsOwn(rows[j]))
                    scores[starts[b] + j] = OrderedSums.Dot(features.Row(b), OwnRow(rows[j]));
        });
        _shards.Sum(scores);
        for (int b = 0; b < lists.Count; b++)
            scores.AsSpan(starts[b], lists.Length(b)).CopyTo(lists.WritableScores(b));
    }

    /// <summary>dL/df from the factors in the sets: the sums over this process's rows, added to the others'.</summary>
    private void SumRows(MatrixView gradient)
    {
        int batch = gradient.Rows, width = gradient.Width, stride = _bank.Stride;
        _ownPositives.Reset(batch);
        _ownNegatives.Reset(batch);
        Each(batch, (b, _) =>
        {
            foreach (RowLists lists in (RowLists[])[Sets.Self, Sets.Spatial, Sets.Feature])
                KeepOwn(lists, _ownPositives, b);
            if (!_options.DetachNegatives)
                KeepOwn(Sets.Negatives, _ownNegatives, b);
        });
        _weighted.Run(_ownNegatives, _pool);
        float[] sums = new float[batch * width];
        Each(batch, (b, _) =>
        {
            float[] sum = new float[stride];
            fixed (float* into = sum)
                WeightedRows.Add(_bank, _ownPositives[b], _ownPositives.Scores(b), into);
            Span<float> own = sums.AsSpan(b * width, width);
            sum.AsSpan(0, width).CopyTo(own);
            _weighted.AddTo(b, own);
        });
        _shards.Sum(sums);
        for (int b = 0; b < batch; b++)
            sums.AsSpan(b * width, width).CopyTo(gradient.Row(b));
    }

    private void KeepOwn(RowLists from, RowLists into, int b)
    {
        ReadOnlySpan<int> rows = from[b];
        ReadOnlySpan<float> weights = from.Scores(b);
        for (int j = 0; j < rows.Length; j++)
            if (IsOwn(rows[j]))
                into.Add(b, rows[j] - _first, weights[j]);
    }

    private void Each(int items, Action<int, int> body) => _pool.Run(new Items(body), items);

    private sealed class Items(Action<int, int> body) : IParallelWork
    {
        public void Execute(int item, int worker) => body(item, worker);
    }
}
