namespace SSLP.Kernels;

/// <summary>
/// <see cref="IThreeTermStep"/> on a device: the sets, the loss and the gradient in about ten launches, one pass over the bank for the
/// anchors and their auxiliary anchors together. Features go over, the gradient, the terms and the sets' sizes come back.
/// </summary>
/// <remarks>
/// <para>Flops: 2·(1 + A)·B·N·D, and 2·B·(M + |S| + |F|)·D for the gradient. Device bytes beyond the bank: 16·(1 + A)·B·(ranks needed,
/// about 0.15·N for the paper's draw) for the sorted candidates, 8·B·M for the negatives.</para>
/// <para>Exact and deterministic: candidates are sorted by unique keys, reductions run in a fixed tree. While every row is alone in its
/// cluster F is empty and no A is looked for.</para>
/// </remarks>
internal sealed partial class ThreeTermStepCuda : IThreeTermStep
{
    private const int MaxWidth = 1024;  // a group sums one anchor's rows, four values a thread

    // Groups that keep a large device's memory busy with an anchor's rows, and most for one anchor.
    private const int GroupsWanted = 1024, MostSlices = 16;

    private readonly MemoryBank _bank;
    private readonly SpatialNeighbours _spatial;
    private readonly ThreeTermOptions _options;
    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly CandidateSearch _search;
    private readonly SpatialIndexOnDevice _index;
    private readonly SetOnDevice _spatialSet, _featureSet, _negativeSet;
    private readonly DeviceArray<float> _queries, _selfFactor, _terms, _slices, _gradient;
    private readonly DeviceArray<int> _ownRows, _classOf, _classStart, _members, _ranks, _positions;
    private readonly StepFlags _flags;
    private readonly int[] _hostRanks;
    private readonly TermSets _sets = new();
    private int[] _anchors = [];
    private int _largestClass = 1, _drawn;
    private bool _setsAreRead;

    /// <param name="bank">Borrowed; what is written to it later is followed.</param>
    /// <param name="spatial">Index over the same rows; borrowed.</param>
    /// <param name="device">Borrowed.</param>
    /// <param name="scores">What scores the bank; the sets and the loss do not depend on it.</param>
    /// <exception cref="ArgumentException">The parts do not fit, or an option is out of range.</exception>
    public ThreeTermStepCuda(
        MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options, IComputeDevice device,
        DeviceScores scores = DeviceScores.Float32)
    {
        ThreeTermStep.CheckParts(bank, spatial, options);
        if (bank.Width > MaxWidth)
            throw new ArgumentException($"On CUDA the bank step takes vectors of up to {MaxWidth} values; this bank's have {bank.Width}. Take kernels=cpu.");
        (_bank, _spatial, _options, _device) = (bank, spatial, options, device);
        _mirror = BankMirror.Borrow(bank, device);
        _search = new CandidateSearch(_mirror, device, scores);
        _index = new SpatialIndexOnDevice(spatial, options.RadiusPatches, device);
        (_spatialSet, _featureSet, _negativeSet) = (new SetOnDevice(device), new SetOnDevice(device), new SetOnDevice(device));
        (_queries, _selfFactor, _terms, _slices, _gradient) = (new(device), new(device), new(device), new(device), new(device));
        (_ownRows, _classOf, _classStart, _members) = (new(device), new(device), new(device), new(device));
        (_ranks, _positions, _flags) = (new(device), new(device), new(device));
        _hostRanks = new int[options.Negatives];
        _spatialSet.Capacity = _index.UsualNeighbours;
        _negativeSet.Capacity = Math.Max(1, options.Negatives);
        SetClusters(ClusterAgreement.None(bank.RowCount));
    }

    public TermSets Sets
    {
        get
        {
            if (!_setsAreRead)
                ReadSets();
            _setsAreRead = true;
            return _sets;
        }
    }

    private bool ByRank => _options.Sampling != NegativeSampling.Random;

    private int Auxiliary => _largestClass > 1 ? _options.AuxiliaryAnchors : 0;

    /// <summary>Where the auxiliary queries begin: whole 16 bytes after the anchors, as views must.</summary>
    private int AuxiliaryStart => (_anchors.Length + 3) / 4 * 4;

    public void SetClusters(ClusterAgreement clusters)
    {
        ThreeTermStep.CheckClusters(_bank, clusters);
        ReadOnlySpan<int> start = clusters.ClassStart;
        _largestClass = 1;
        for (int c = 0; c + 1 < start.Length; c++)
            _largestClass = Math.Max(_largestClass, start[c + 1] - start[c]);
        _classOf.EnsureLength(clusters.Rows).Upload(clusters.ClassOf);
        _classStart.EnsureLength(start.Length).Upload(start);
        _members.EnsureLength(clusters.Rows).Upload(clusters.AllMembers);
    }

    public ThreeTermResult Run(ReadOnlySpan<int> anchors, MatrixView features, in ThreeTermCall call, MatrixView gradient)
    {
        ThreeTermStep.CheckShapes(_bank, anchors, features, gradient);
        _anchors = anchors.ToArray();
        _setsAreRead = false;
        int candidates = NegativeRanks.Candidates(_options.Sampling, _bank.RowCount, _options.PoolShare);
        _drawn = NegativeRanks.Draw(_options.Sampling, call.Seed, call.Step, candidates, _options.Negatives, _hostRanks);
        _ranks.EnsureLength(_drawn).Upload(_hostRanks.AsSpan(0, _drawn));
        _featureSet.Capacity = Math.Max(1, (1 + Auxiliary) * Math.Min(_options.NearestKeys, _largestClass - 1));
        UploadQueries(features);
        _flags.EnqueueClear();
        _flags.EnqueueCheck(_queries, (long)_anchors.Length * _bank.Stride);
        do
        {
            FindSpatial(call);
        }
        while (!_spatialSet.ReadCounts(_anchors.Length));
        SearchCandidates();
        FindFeature();
        if (ByRank)
            TakeNegatives();
        else
            TakeRandomNegatives();
        TakeLoss(call.Weights);
        SumRows();
        if (_flags.Read() != StepFault.None)
            ThreeTermStep.RefuseNonFinite(anchors, features);
        DeviceRows.ReadBack(_gradient, _bank.Stride, gradient);
        return Report(call.Weights);
    }

    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])
            [_mirror, _search, _index, _spatialSet, _featureSet, _negativeSet, _queries, _selfFactor, _terms, _slices, _gradient,
             _ownRows, _classOf, _classStart, _members, _ranks, _positions, _flags])
            part.Dispose();
    }

    // Anchors' features, then a gap of at most three zero queries, then room for the auxiliary anchors' rows.
    private void UploadQueries(MatrixView features)
    {
        int queries = AuxiliaryStart + _anchors.Length * Auxiliary, stride = _bank.Stride;
        float[] staging = new float[checked(queries * stride)];
        for (int b = 0; b < _anchors.Length; b++)
            features.Row(b).CopyTo(staging.AsSpan(b * stride));
        _queries.EnsureLength(staging.Length).Upload(staging);
        int[] own = new int[queries];
        Array.Fill(own, -1);
        _anchors.CopyTo(own, 0);
        _ownRows.EnsureLength(queries).Upload(own);
    }

    private ThreeTermResult Report(TermWeights weights)
    {
        int batch = _anchors.Length;
        float[] terms = new float[3 * batch];
        _terms.ReadBack(terms);
        _featureSet.ReadCounts(batch);
        _negativeSet.ReadCounts(batch);
        double self = 0, intra = 0, inter = 0;
        for (int b = 0; b < batch; b++)
            (self, intra, inter) = (self + terms[3 * b], intra + terms[3 * b + 1], inter + terms[3 * b + 2]);
        self /= batch;
        intra /= Math.Max(1, _spatialSet.NonEmpty);
        inter /= Math.Max(1, _featureSet.NonEmpty);
        return new ThreeTermResult
        {
            Loss = weights.Self * self + weights.Intra * intra + weights.Inter * inter,
            Self = self,
            Intra = intra,
            Inter = inter,
            SpatialSize = (double)_spatialSet.Total / batch,
            FeatureSize = (double)_featureSet.Total / batch,
            NegativeSize = (double)_negativeSet.Total / batch,
            OtherSlideShare = OtherSlideShare(),
        };
    }

    private double OtherSlideShare()
    {
        if (_featureSet.Total == 0)
            return 0;
        int[] rows = new int[_anchors.Length * _featureSet.Capacity];
        _featureSet.Rows.ReadBack(rows);
        long other = 0;
        for (int b = 0; b < _anchors.Length; b++)
        {
            int slide = _spatial.SlideOf(_anchors[b]);
            foreach (int row in rows.AsSpan(b * _featureSet.Capacity, _featureSet.Counts[b]))
                other += _spatial.SlideOf(row) != slide ? 1 : 0;
        }

        return (double)other / _featureSet.Total;
    }

    private void ReadSets()
    {
        _sets.Reset(_anchors.Length);
        _spatialSet.AddTo(_sets.Spatial);
        _featureSet.AddTo(_sets.Feature);
        _negativeSet.AddTo(_sets.Negatives, byRow: true);  // a kernel gives them by rank
        float[] self = new float[_anchors.Length];
        _selfFactor.ReadBack(self);
        int[] auxiliary = new int[_anchors.Length * Auxiliary];
        _ownRows.ReadBack(auxiliary, AuxiliaryStart);
        for (int b = 0; b < _anchors.Length; b++)
        {
            _sets.Self.Add(b, _anchors[b], self[b]);
            foreach (int row in auxiliary.AsSpan(b * Auxiliary, Auxiliary))
            {
                if (row >= 0)
                    _sets.Auxiliary.Add(b, row);
            }
        }
    }
}
