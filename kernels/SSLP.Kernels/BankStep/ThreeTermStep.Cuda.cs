namespace SSLP.Kernels;

/// <summary>
/// <see cref="IThreeTermStep"/> on a device: the sets, the loss and the gradient in about twenty launches, one pass over the bank for the
/// anchors and their auxiliary anchors together. Two faces: <see cref="Enqueue"/> for features and a gradient that lie on the device, which
/// nobody waits for, and <see cref="Run"/> for a host's, which copies there and back.
/// </summary>
/// <remarks>
/// <para>Flops: 2·(1 + A)·B·N·D, and 2·B·(M + |S| + |F|)·D for the gradient. Device bytes beyond the bank: 16·(1 + A)·B·(ranks needed,
/// about 0.15·N for the paper's draw) for the candidates, 8·B·M for the negatives.</para>
/// <para>Exact and deterministic: candidates are ordered by unique keys, reductions run in a fixed tree. While every row is alone in its
/// cluster F is empty and no A is looked for.</para>
/// </remarks>
internal sealed partial class ThreeTermStepCuda : IThreeTermStep
{
    private const int MaxWidth = 1024;  // a group sums one anchor's rows, four values a thread

    // Groups that keep a large device's memory busy with an anchor's rows, and most for one anchor.
    private const int GroupsWanted = 1024, MostSlices = 16;

    // As in the device code.
    private const int FilterWords = 2048;

    private readonly MemoryBank _bank;
    private readonly ThreeTermOptions _options;
    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly CandidateSearch _search;
    private readonly SpatialIndexOnDevice _index;
    private readonly SetOnDevice _spatialSet, _featureSet, _negativeSet;
    private readonly DeviceArray<float> _queries, _selfFactor, _pushes, _terms, _slices, _negativeParts, _negativeLargest;
    private readonly DeviceArray<int> _ownRows, _classOf, _classStart, _otherSlides, _excluded, _filters, _dropped;
    private readonly DeviceArray<int> _firstRanks, _firstDrawn;
    private int _largestClass = 1, _batch, _auxiliary; // the last two of the last step

    /// <param name="bank">Borrowed; what is written to it later is followed.</param>
    /// <param name="spatial">Index over the same rows; borrowed.</param>
    /// <param name="device">Borrowed.</param>
    /// <param name="scores">
    /// What ranks the bank. With bf16 three products of it do, off by up to (2⁻¹⁵ + D·2⁻²¹)·‖f‖ for unit rows, some 10⁻⁶ as a rule, so
    /// that rows whose similarities are nearer than that may change places. The loss takes float32 similarities either way.
    /// </param>
    /// <exception cref="ArgumentException">The parts do not fit, or an option is out of range.</exception>
    public ThreeTermStepCuda(
        MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options, IComputeDevice device,
        DeviceScores scores = DeviceScores.Float32)
    {
        ThreeTermStep.CheckParts(bank.RowCount, spatial, options);
        if (bank.Width > MaxWidth)
            throw new ArgumentException(
                $"On CUDA the bank step takes vectors of up to {MaxWidth} values; this bank's have {bank.Width}. Take kernels=cpu.");
        (_bank, _options, _device) = (bank, options, device);
        _mirror = BankMirror.Borrow(bank, device);
        _search = new CandidateSearch(
            _mirror, device, scores == DeviceScores.BFloat16 ? CandidateScores.Split : CandidateScores.Float32);
        _index = new SpatialIndexOnDevice(spatial, options.RadiusPatches, device);
        (_spatialSet, _featureSet, _negativeSet) = (new SetOnDevice(device), new SetOnDevice(device), new SetOnDevice(device));
        (_queries, _selfFactor, _pushes, _terms) = (new(device), new(device), new(device), new(device));
        (_slices, _negativeParts, _negativeLargest) = (new(device), new(device), new(device));
        (_ownRows, _classOf, _classStart) = (new(device), new(device), new(device));
        (_otherSlides, _excluded, _filters) = (new(device), new(device), new(device));
        (_dropped, _firstRanks, _firstDrawn) = (new(device), new(device), new(device));
        _host = new HostFace(device);
        _spatialSet.Capacity = _index.UsualNeighbours;
        _negativeSet.Capacity = Math.Max(1, options.Negatives);
        SetClusters(ClusterAgreement.None(bank.RowCount));
    }

    private bool ByRank => _options.Sampling != NegativeSampling.Random;

    /// <summary>Where the auxiliary queries begin: whole 16 bytes after the anchors, as views must.</summary>
    private int AuxiliaryStart => Padded(_batch);

    private int Queries => AuxiliaryStart + _batch * _auxiliary;

    public void SetClusters(ClusterAgreement clusters)
    {
        ThreeTermStep.CheckClusters(_bank.RowCount, clusters);
        ReadOnlySpan<int> start = clusters.ClassStart;
        _largestClass = 1;
        for (int c = 0; c + 1 < start.Length; c++)
            _largestClass = Math.Max(_largestClass, start[c + 1] - start[c]);
        _classOf.EnsureLength(clusters.Rows).Upload(clusters.ClassOf);
        _classStart.EnsureLength(start.Length).Upload(start);
    }

    /// <summary>Room that <see cref="Prepare"/> asks for, ints.</summary>
    public int InputInts(int batch) => 2 * Padded(batch) + Padded(_options.Negatives) + batch * _options.AuxiliaryAnchors;

    /// <summary>
    /// Draws the negatives' ranks into their place in a step's inputs: a function of seed and step alone, so that any thread may do it
    /// ahead, while the step before is enqueued.
    /// </summary>
    /// <param name="batch">B.</param>
    /// <returns>How many there are, for <see cref="Prepare"/>.</returns>
    public int DrawRanks(int batch, ulong seed, long step, Span<int> inputs) => NegativeRanks.Draw(
        _options.Sampling, seed, step, NegativeRanks.Candidates(_options.Sampling, _bank.RowCount, _options.PoolShare), _options.Negatives,
        inputs.Slice(Padded(batch), _options.Negatives));

    /// <summary>Adds to the drawn ranks what else a step needs of the host, in the order that <see cref="Enqueue"/> reads it: anchors,
    /// ranks, thresholds.</summary>
    /// <param name="anchors">B bank rows.</param>
    /// <param name="drawn">What <see cref="DrawRanks"/> gave.</param>
    /// <param name="inputs"><see cref="InputInts"/> of them, to be copied to the device.</param>
    public ThreeTermPlan Prepare(ReadOnlySpan<int> anchors, in ThreeTermCall call, int drawn, Span<int> inputs)
    {
        int batch = anchors.Length, rows = _bank.RowCount, auxiliary = _largestClass > 1 ? _options.AuxiliaryAnchors : 0;
        anchors.CopyTo(inputs);
        Span<int> ranks = inputs.Slice(Padded(batch), _options.Negatives);
        int nearest = Math.Min(_options.NearestKeys, rows - 1), feature = FeatureCapacity(auxiliary), needed = nearest;
        if (ByRank && drawn > 0)
            needed = Math.Min(Math.Max(nearest, ranks[drawn - 1] + 1 + _spatialSet.Capacity + feature), rows - 1);
        else if (ByRank)
            needed = Math.Min(Math.Max(nearest, _spatialSet.Capacity + feature), rows - 1);
        var needs = new SearchNeeds(Padded(batch) + batch * auxiliary, batch, Padded(batch), needed, nearest);
        _search.FillRanks(needs, inputs[(Padded(batch) + Padded(_options.Negatives))..]);
        return new ThreeTermPlan(batch, auxiliary, drawn, needs, call);
    }

    /// <summary>
    /// One step of features that lie on the device; nothing is waited for. Losses, sizes and faults are in the report when the work is
    /// done; where it has one, the gradient is of no use.
    /// </summary>
    /// <param name="plan">What <see cref="Prepare"/> gave, with no clustering in between.</param>
    /// <param name="inputs">Device address of what it wrote.</param>
    /// <param name="features">f [B, D], unit rows.</param>
    /// <param name="gradient">dL/df [B, D], written.</param>
    public void Enqueue(in ThreeTermPlan plan, ulong inputs, DeviceMatrix features, DeviceMatrix gradient, StepReport report)
    {
        (_batch, _auxiliary) = (plan.Batch, plan.Auxiliary);
        ulong ranks = inputs + (ulong)Padded(_batch) * sizeof(int), thresholds = ranks + (ulong)Padded(_options.Negatives) * sizeof(int);
        _featureSet.Capacity = FeatureCapacity(_auxiliary);
        _search.MakeRoom(plan.Needs);
        _mirror.EnqueueTake(inputs, features, _queries, _ownRows, report, Queries);
        FindSpatial(plan.Call);
        _search.Enqueue(_queries, _ownRows, thresholds, plan.Needs, new OptionalQueries(AuxiliaryStart, _classOf, _classStart));
        FindFeature();
        if (ByRank)
            TakeNegatives(ranks, plan.Drawn);
        else
            TakeRandomNegatives(ranks, plan.Drawn);
        SumNegatives();
        TakeLoss(plan.Call.Weights);
        SumRows(gradient);
        EnqueueReport(report, thresholds, plan.Needs, plan.Call.Weights);
    }

    /// <summary>Takes what a report says of lists that did not fit, so that the step can be prepared and done again.</summary>
    public void Widen(in StepReading reading)
    {
        _search.Widen(reading);
        _spatialSet.Capacity = Math.Max(_spatialSet.Capacity, (int)reading[StepValue.LongestSpatial]);
    }

    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])
            [_mirror, _search, _index, _spatialSet, _featureSet, _negativeSet, _queries, _selfFactor, _pushes, _terms, _slices,
             _negativeParts, _negativeLargest, _ownRows, _classOf, _classStart, _otherSlides, _excluded, _filters, _dropped, _firstRanks,
             _firstDrawn, _host])
            part.Dispose();
    }

    private int FeatureCapacity(int auxiliary) => Math.Max(1, (1 + auxiliary) * Math.Min(_options.NearestKeys, _largestClass - 1));

    // To whole 16 bytes.
    private static int Padded(int ints) => (ints + 3) / 4 * 4;
}

/// <summary>What the host drew for a step and what it asks of the bank.</summary>
internal readonly record struct ThreeTermPlan
{
    internal ThreeTermPlan(int batch, int auxiliary, int drawn, SearchNeeds needs, ThreeTermCall call) =>
        (Batch, Auxiliary, Drawn, Needs, Call) = (batch, auxiliary, drawn, needs, call);

    internal int Batch { get; }

    internal int Auxiliary { get; }

    internal int Drawn { get; }

    internal SearchNeeds Needs { get; }

    internal ThreeTermCall Call { get; }
}
