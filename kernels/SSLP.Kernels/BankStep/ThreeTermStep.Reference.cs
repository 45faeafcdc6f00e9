namespace SSLP.Kernels;

/// <summary>
/// The meaning of <see cref="IThreeTermStep"/>: similarities of one anchor with the whole bank in double, sorted in full, the sets as
/// method.md defines them, the loss from <see cref="ThreeTermLossReference"/>. O(N log N) an anchor and query, and it allocates: an oracle.
/// </summary>
internal sealed class ThreeTermStepReference : IThreeTermStep
{
    private readonly MemoryBank _bank;
    private readonly SpatialNeighbours _spatial;
    private readonly ThreeTermOptions _options;
    private ClusterAgreement _clusters;

    public ThreeTermStepReference(MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options)
    {
        ThreeTermStep.CheckParts(bank.RowCount, spatial, options);
        (_bank, _spatial, _options) = (bank, spatial, options);
        _clusters = ClusterAgreement.None(bank.RowCount);
    }

    public TermSets Sets { get; } = new();

    public void SetClusters(ClusterAgreement clusters)
    {
        ThreeTermStep.CheckClusters(_bank.RowCount, clusters);
        _clusters = clusters;
    }

    public ThreeTermResult Run(ReadOnlySpan<int> anchors, MatrixView features, in ThreeTermCall call, MatrixView gradient)
    {
        ThreeTermStep.CheckCall(_bank, anchors, features, gradient);
        int[] drawn = new int[_options.Negatives];
        int candidates = NegativeRanks.Candidates(_options.Sampling, _bank.RowCount, _options.PoolShare);
        int[] ranks = drawn[..NegativeRanks.Draw(_options.Sampling, call.Seed, call.Step, candidates, drawn.Length, drawn)];
        Sets.Reset(anchors.Length);
        for (int b = 0; b < anchors.Length; b++)
            FindSets(anchors[b], features.Row(b), call, ranks, b);
        TermWeights factors = ThreeTermStep.PerAnchor(call.Weights, Sets);
        var terms = new AnchorTerms[anchors.Length];
        for (int b = 0; b < anchors.Length; b++)
            terms[b] = LossAndGradient(features.Row(b), factors, b, gradient.Row(b));
        return ThreeTermStep.Report(terms, call.Weights, Sets, anchors, _spatial);
    }

    /// <summary>The gradient of sets that were found otherwise: of rows whose similarities all but tie, either may be in Q.</summary>
    /// <param name="found">Rows of every set.</param>
    /// <param name="features">f [B, D].</param>
    /// <param name="weights">Of the terms.</param>
    /// <param name="gradient">dL/df [B, D], written.</param>
    internal void GradientOf(TermSets found, MatrixView features, TermWeights weights, MatrixView gradient)
    {
        Sets.Reset(features.Rows);
        for (int b = 0; b < features.Rows; b++)
        {
            double[] d = Similarities(features.Row(b));
            Fill(Sets.Self, b, found.Self[b].ToArray(), d);
            Fill(Sets.Spatial, b, found.Spatial[b].ToArray(), d);
            Fill(Sets.Feature, b, found.Feature[b].ToArray(), d);
            Fill(Sets.Negatives, b, found.Negatives[b].ToArray(), d);
        }

        TermWeights factors = ThreeTermStep.PerAnchor(weights, Sets);
        for (int b = 0; b < features.Rows; b++)
            LossAndGradient(features.Row(b), factors, b, gradient.Row(b));
    }

    public void Dispose() { }

    /// <summary>Fills list b of every set.</summary>
    private void FindSets(int anchor, ReadOnlySpan<float> feature, in ThreeTermCall call, int[] ranks, int b)
    {
        double[] d = Similarities(feature);
        var query = new SpatialQuery(_options.RadiusPatches, _options.SpatialSample, AuxiliaryAnchors: 0, call.Seed, call.Step);
        _spatial.Query(anchor, feature, _bank, query, Sets.Spatial, Sets.Auxiliary, b);
        int[] spatial = Sets.Spatial[b].ToArray();
        int[] auxiliary = [.. spatial.OrderByDescending(j => d[j]).ThenBy(j => j).Take(_options.AuxiliaryAnchors)];

        IEnumerable<int> nearest = NearestThatAgree(d, anchor);
        foreach (int a in auxiliary)
            nearest = nearest.Union(NearestThatAgree(Similarities(_bank.Row(a)), a));
        int[] neighbours = [.. nearest.Where(j => j != anchor).Order()];

        var excluded = new HashSet<int>([anchor, .. spatial, .. neighbours]);
        int[] allowed = [.. Enumerable.Range(0, _bank.RowCount).Where(j => !excluded.Contains(j))];
        int[] ranked = _options.Sampling == NegativeSampling.Random ? allowed : [.. allowed.OrderByDescending(j => d[j]).ThenBy(j => j)];
        int[] negatives = [.. ranks.Where(r => r < ranked.Length).Select(r => ranked[r]).Order()];

        Fill(Sets.Self, b, [anchor], d);
        Fill(Sets.Auxiliary, b, auxiliary, d);
        Fill(Sets.Feature, b, neighbours, d);
        Fill(Sets.Negatives, b, negatives, d);
    }

    /// <summary>The K nearest rows to a query, its own row excluded, whose labels equal that row's in all clusterings.</summary>
    private int[] NearestThatAgree(double[] similarities, int own)
    {
        HashSet<int> agreeing = [.. _clusters.Members(own)];
        IEnumerable<int> nearest = Enumerable.Range(0, _bank.RowCount)
            .Where(j => j != own)
            .OrderByDescending(j => similarities[j]).ThenBy(j => j)
            .Take(_options.NearestKeys);
        return [.. nearest.Where(agreeing.Contains)];
    }

    private AnchorTerms LossAndGradient(ReadOnlySpan<float> feature, TermWeights factors, int b, Span<float> gradient)
    {
        RowLists[] lists = [Sets.Self, Sets.Spatial, Sets.Feature, Sets.Negatives];
        double[] d = Similarities(feature);
        double[][] weights = [.. lists.Select(list => list[b].ToArray().Select(row => d[row]).ToArray())];
        AnchorTerms terms = ThreeTermLossReference.Terms(weights[0][0], weights[1], weights[2], weights[3], _options.Temperature);
        ThreeTermLossReference.ToGradientFactors(
            ref weights[0][0], weights[1], weights[2], weights[3], _options.Temperature, factors, _options.DetachNegatives);
        double[] sum = new double[_bank.Width];
        for (int list = 0; list < lists.Length; list++)
        {
            for (int j = 0; j < weights[list].Length; j++)
            {
                lists[list].WritableScores(b)[j] = (float)weights[list][j];
                ReadOnlySpan<float> row = _bank.Row(lists[list][b][j]);
                for (int k = 0; k < sum.Length; k++)
                    sum[k] += weights[list][j] * row[k];
            }
        }
        for (int k = 0; k < sum.Length; k++)
            gradient[k] = (float)sum[k];
        return terms;
    }

    private double[] Similarities(ReadOnlySpan<float> query)
    {
        double[] d = new double[_bank.RowCount];
        for (int j = 0; j < d.Length; j++)
        {
            ReadOnlySpan<float> row = _bank.Row(j);
            for (int k = 0; k < row.Length; k++)
                d[j] += (double)query[k] * row[k];
        }
        return d;
    }

    private static void Fill(RowLists into, int list, int[] rows, double[] d)
    {
        foreach (int row in rows)
            into.Add(list, row, (float)d[row]);
    }
}
