namespace SSLP.Kernels;

/// <summary>
/// The bank's part of a training step on the CPU: one pass over the packed bank for the anchors and their auxiliary anchors together,
/// selection from the few candidates that each query keeps, and one walk over the bank's rows for the gradient.
/// </summary>
/// <remarks>
/// <para>Multiply-adds: (1 + auxiliary)·B·N·D for the pass, which is the floor, and B·(M + |S| + |F|)·D for the gradient. A query whose row
/// agrees with no other in the clusterings can add nothing to F, and an auxiliary one is then left out.</para>
/// <para>Never materialised: a B × N array, a sorted bank, a mask. Exact: thresholds from a sample only decide which rows are looked at,
/// and are checked. Scratch beyond bank and packed copy: <see cref="ScratchBytes"/>, about 31 MB at N = 681,486 with two threads, whatever
/// B.</para>
/// <para>Deterministic: the result is a function of the inputs, the seed and the step, not of the number of threads.
/// Managed allocation: none after the first calls at a shape.</para>
/// </remarks>
internal sealed unsafe partial class ThreeTermStepCpu : IThreeTermStep
{
    /// <summary>What the candidate lists of all threads together may hold. Below it, more anchors share a pass over the bank.</summary>
    public const long CandidateBudgetBytes = 22L << 20;

    /// <summary>The scores of a block's queries and the panels that they are taken from share the second-level cache.</summary>
    private const int MaxBlockAnchors = 66;

    private readonly MemoryBank _bank;
    private readonly SpatialNeighbours _spatial;
    private readonly ThreeTermOptions _options;
    private readonly IWorkers _pool;
    private readonly ScoreSample _sample;
    private readonly Worker[] _workers;
    private readonly AlignedBuffer<float> _sums = new();
    private readonly WeightedRows _weighted;
    private readonly DrawnRanks _ranks;
    private readonly Prepare _prepare;
    private readonly Select _select;
    private readonly Loss _loss;
    private readonly Gradient _gradient;
    private ClusterAgreement? _clusters;  // null before the first clustering: no two rows agree
    private AnchorTerms[] _terms = [];
    private int[] _anchors = [];

    /// <param name="bank">Borrowed; its rows may change between calls, by <see cref="MemoryBank.Update"/>.</param>
    /// <param name="spatial">Index over the same rows; borrowed.</param>
    /// <param name="pool">Threads; borrowed.</param>
    /// <param name="isa">Width of the vectors; null: the widest that the processor accelerates.</param>
    /// <exception cref="ArgumentException">The parts do not fit, or an option is out of range.</exception>
    public ThreeTermStepCpu(MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options, IWorkers pool, InstructionSet? isa = null)
    {
        ThreeTermStep.CheckParts(bank.RowCount, spatial, options);
        (_bank, _spatial, _options, _pool) = (bank, spatial, options, pool);
        _sample = new ScoreSample(bank.RowCount, bank.Width);
        _workers = new Worker[pool.Workers];
        for (int w = 0; w < _workers.Length; w++)
            _workers[w] = new Worker(new CandidatePass(bank, _sample, isa ?? InstructionSets.Best), new RankedCandidates());
        _weighted = new WeightedRows(bank);
        _ranks = new DrawnRanks(options.Negatives);
        (_prepare, _select, _loss, _gradient) = (new Prepare(this), new Select(this), new Loss(this), new Gradient(this));
    }

    public TermSets Sets { get; } = new();

    /// <summary>Native bytes held beside the bank; the lists of <see cref="Sets"/> are managed and hold 8 bytes a row.</summary>
    public long ScratchBytes
    {
        get
        {
            long bytes = _sample.Bytes + _sums.Bytes + _weighted.Bytes;
            foreach (Worker worker in _workers)
                bytes += worker.Pass.Bytes + worker.Ranking.Bytes;
            return bytes;
        }
    }

    public void SetClusters(ClusterAgreement clusters)
    {
        ThreeTermStep.CheckClusters(_bank.RowCount, clusters);
        _clusters = clusters;
    }

    public ThreeTermResult Run(ReadOnlySpan<int> anchors, MatrixView features, in ThreeTermCall call, MatrixView gradient)
    {
        ThreeTermStep.CheckCall(_bank, anchors, features, gradient);
        int batch = anchors.Length;
        if (_terms.Length < batch)
            (_terms, _anchors) = (new AnchorTerms[batch], new int[batch]);
        anchors.CopyTo(_anchors);
        _sums.EnsureLength((long)batch * _bank.Stride);
        Sets.Reset(batch);

        _prepare.Run(features, call);
        _select.Run(features, batch);
        _loss.Run(ThreeTermStep.PerAnchor(call.Weights, Sets), batch);
        _gradient.Run(gradient);
        return ThreeTermStep.Report(_terms.AsSpan(0, batch), call.Weights, Sets, anchors, _spatial);
    }

    public void Dispose()
    {
        foreach (Worker worker in _workers)
        {
            worker.Pass.Dispose();
            worker.Ranking.Dispose();
        }
        _sample.Dispose();
        _sums.Dispose();
        _weighted.Dispose();
    }

    /// <summary>Scratch of one thread.</summary>
    private readonly record struct Worker(CandidatePass Pass, RankedCandidates Ranking);

    /// <summary>Before the pass: the draw of ranks, the sample of the bank, and for each anchor S, A and d_ii. Items: two, and one an
    /// anchor.</summary>
    private sealed class Prepare(ThreeTermStepCpu step) : IParallelWork
    {
        private MatrixView _features;
        private ThreeTermCall _call;

        public void Run(MatrixView features, in ThreeTermCall call)
        {
            (_features, _call) = (features, call);
            step._pool.Run(this, 2 + features.Rows);
        }

        public void Execute(int item, int worker)
        {
            ThreeTermOptions options = step._options;
            if (item == 0)
            {
                int candidates = NegativeRanks.Candidates(options.Sampling, step._bank.RowCount, options.PoolShare);
                step._ranks.Draw(options.Sampling, _call.Seed, _call.Step, candidates);
            }
            else if (item == 1)
                step._sample.Refresh(step._bank);
            else
                FindSpatial(item - 2);
        }

        private void FindSpatial(int b)
        {
            int anchor = step._anchors[b];
            ReadOnlySpan<float> feature = _features.Row(b);
            ThreeTermOptions options = step._options;
            var query = new SpatialQuery(
                options.RadiusPatches, options.SpatialSample, options.AuxiliaryAnchors, _call.Seed, _call.Step);
            step._spatial.Query(anchor, feature, step._bank, query, step.Sets.Spatial, step.Sets.Auxiliary, b);
            step.Sets.Self.Add(b, anchor, OrderedSums.Dot(feature, step._bank.Row(anchor)));
        }
    }

    /// <summary>After the sets: the terms of each anchor; similarities turn into gradient factors. One item an anchor.</summary>
    private sealed class Loss(ThreeTermStepCpu step) : IParallelWork
    {
        private TermWeights _factors;

        public void Run(TermWeights factors, int batch)
        {
            _factors = factors;
            step._pool.Run(this, batch);
        }

        public void Execute(int item, int worker)
        {
            TermSets sets = step.Sets;
            step._terms[item] = ThreeTermLoss.ToGradientFactors(
                ref sets.Self.WritableScores(item)[0], sets.Spatial.WritableScores(item), sets.Feature.WritableScores(item),
                sets.Negatives.WritableScores(item), step._options.Temperature, _factors, step._options.DetachNegatives);
        }
    }

    /// <summary>The last part: dL/df. One item an anchor, after the walk over the bank for all negatives.</summary>
    private sealed class Gradient(ThreeTermStepCpu step) : IParallelWork
    {
        private MatrixView _target;

        public void Run(MatrixView target)
        {
            _target = target;
            if (!step._options.DetachNegatives)
                step._weighted.Run(step.Sets.Negatives, step._pool);
            step._pool.Run(this, target.Rows);
        }

        public void Execute(int item, int worker)
        {
            TermSets sets = step.Sets;
            int stride = step._bank.Stride;
            float* sum = step._sums.Pointer + (nint)item * stride;
            new Span<float>(sum, stride).Clear();
            WeightedRows.Prefetch(step._bank, sets.Spatial[item]);
            WeightedRows.Prefetch(step._bank, sets.Feature[item]);
            WeightedRows.Add(step._bank, sets.Self[item], sets.Self.Scores(item), sum);
            WeightedRows.Add(step._bank, sets.Spatial[item], sets.Spatial.Scores(item), sum);
            WeightedRows.Add(step._bank, sets.Feature[item], sets.Feature.Scores(item), sum);
            var gradient = new Span<float>(sum, _target.Width);
            if (!step._options.DetachNegatives)
                step._weighted.AddTo(item, gradient);
            gradient.CopyTo(_target.Row(item));
        }
    }
}
