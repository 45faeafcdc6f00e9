using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>The launches of a step, in their order; parameters as the device code declares them.</summary>
internal sealed partial class ThreeTermStepCuda
{
    private LaunchGrid OneGroupAnAnchor => new((uint)_anchors.Length);

    /// <summary>S with similarities, and the auxiliary anchors, which become own rows of further queries.</summary>
    private void FindSpatial(in ThreeTermCall call)
    {
        _spatialSet.Prepare(_anchors.Length);
        var arguments = new KernelArguments();
        arguments.View(_ownRows);
        _index.AddTo(ref arguments);
        arguments.Quads(_queries);
        arguments.Quads(_mirror.Current());
        arguments.View(_spatialSet.Rows);
        arguments.View(_spatialSet.Scores);
        arguments.View(_spatialSet.DeviceCounts);
        arguments.View(_ownRows, AuxiliaryStart);
        arguments.Double(_options.RadiusPatches * _options.RadiusPatches);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(_spatialSet.Capacity);
        arguments.Int32(Auxiliary);
        arguments.Int32(_options.SpatialSample);
        arguments.Int64((long)CounterRandom.Key(call.Seed, RandomPurpose.SpatialSample));
        arguments.Int64(call.Step);
        _device.EnqueueLaunch("FindSpatialNeighbours", OneGroupAnAnchor, ref arguments);
    }

    /// <summary>Sorted candidates of the anchors and the auxiliary anchors.</summary>
    private void SearchCandidates()
    {
        int batch = _anchors.Length, auxiliary = batch * Auxiliary, rows = _bank.RowCount;
        if (auxiliary > 0)
        {
            var gather = new KernelArguments();
            gather.Quads(_mirror.Current());
            gather.View(_ownRows, AuxiliaryStart);
            gather.Quads(_queries, (long)AuxiliaryStart * _bank.Stride);
            gather.Int32(_mirror.StrideQuads);
            _device.EnqueueLaunch("GatherRows", new LaunchGrid((uint)auxiliary), ref gather);
        }

        int[] needed = new int[AuxiliaryStart + auxiliary];
        int nearest = Math.Min(_options.NearestKeys, rows - 1), lastRank = ByRank && _drawn > 0 ? _hostRanks[_drawn - 1] + 1 : 0;
        for (int b = 0; b < batch; b++)
        {
            int excluded = ByRank ? _spatialSet.Counts[b] + _featureSet.Capacity : 0;
            needed[b] = Math.Min(Math.Max(nearest, lastRank + excluded), rows - 1);
        }

        needed.AsSpan(AuxiliaryStart).Fill(nearest);
        if (needed.AsSpan().IndexOfAnyExcept(0) < 0)
            _search.Skip(needed.Length);
        else
            _search.Run(_queries, _ownRows, needed, new OptionalQueries(AuxiliaryStart, _classOf, _classStart));
    }

    /// <summary>F with similarities to the anchor.</summary>
    private void FindFeature()
    {
        _featureSet.Prepare(_anchors.Length);
        var arguments = new KernelArguments();
        arguments.View(_ownRows);
        arguments.View(_ownRows, AuxiliaryStart);
        arguments.View(_classOf);
        arguments.View(_classStart);
        arguments.View(_members);
        arguments.Quads(_queries);
        arguments.Quads(_mirror.Current());
        arguments.View(_search.Sorted);
        arguments.View(_search.Counts);
        arguments.View(_featureSet.Rows);
        arguments.View(_featureSet.Scores);
        arguments.View(_featureSet.DeviceCounts);
        arguments.Int32(AuxiliaryStart);
        arguments.Int32(Auxiliary);
        arguments.Int32(_options.NearestKeys);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(_search.Capacity);
        arguments.Int32(_featureSet.Capacity);
        _device.EnqueueLaunch("FindFeatureNeighbours", OneGroupAnAnchor, ref arguments);
    }

    /// <summary>Q: the rows at the drawn ranks.</summary>
    private void TakeNegatives()
    {
        _negativeSet.Prepare(_anchors.Length);
        _positions.EnsureLength((long)_anchors.Length * (_spatialSet.Capacity + _featureSet.Capacity));
        var arguments = new KernelArguments();
        arguments.View(_search.Sorted);
        arguments.View(_search.Counts);
        _spatialSet.AddTo(ref arguments);
        _featureSet.AddTo(ref arguments);
        arguments.View(_ranks);
        arguments.View(_positions);
        _negativeSet.AddTo(ref arguments);
        arguments.Int32(_search.Capacity);
        arguments.Int32(_spatialSet.Capacity);
        arguments.Int32(_featureSet.Capacity);
        arguments.Int32(_negativeSet.Capacity);
        arguments.Int32(_drawn);
        _device.EnqueueLaunch("TakeNegatives", OneGroupAnAnchor, ref arguments);
    }

    /// <summary>Q for the ablation: rows at the drawn ranks of the bank's own order.</summary>
    private void TakeRandomNegatives()
    {
        _negativeSet.Prepare(_anchors.Length);
        _positions.EnsureLength((long)_anchors.Length * (1 + _spatialSet.Capacity + _featureSet.Capacity));
        var arguments = new KernelArguments();
        arguments.View(_ownRows);
        arguments.Quads(_queries);
        arguments.Quads(_mirror.Current());
        arguments.View(_spatialSet.Rows);
        arguments.View(_spatialSet.DeviceCounts);
        arguments.View(_featureSet.Rows);
        arguments.View(_featureSet.DeviceCounts);
        arguments.View(_ranks);
        arguments.View(_positions);
        _negativeSet.AddTo(ref arguments);
        AddCapacities(ref arguments);
        arguments.Int32(_drawn);
        arguments.Int32(_bank.RowCount);
        arguments.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("TakeRandomNegatives", OneGroupAnAnchor, ref arguments);
    }

    /// <summary>Terms, and factors in place of similarities.</summary>
    private void TakeLoss(TermWeights weights)
    {
        _selfFactor.EnsureLength(_anchors.Length);
        _terms.EnsureLength(3L * _anchors.Length);
        var arguments = new KernelArguments();
        arguments.View(_ownRows);
        arguments.Quads(_queries);
        arguments.Quads(_mirror.Current());
        arguments.View(_spatialSet.Scores);
        arguments.View(_spatialSet.DeviceCounts);
        arguments.View(_featureSet.Scores);
        arguments.View(_featureSet.DeviceCounts);
        arguments.View(_negativeSet.Scores);
        arguments.View(_negativeSet.DeviceCounts);
        arguments.View(_selfFactor);
        arguments.View(_terms);
        arguments.Int32(_anchors.Length);
        arguments.Int32(_mirror.StrideQuads);
        AddCapacities(ref arguments);
        arguments.Single((float)(1 / _options.Temperature));
        arguments.Single((float)weights.Self);
        arguments.Single((float)weights.Intra);
        arguments.Single((float)weights.Inter);
        arguments.Int32(_options.DetachNegatives ? 1 : 0);
        _device.EnqueueLaunch("TakeThreeTermLoss", OneGroupAnAnchor, ref arguments);
    }

    /// <summary>dL/df.</summary>
    private void SumRows()
    {
        int slices = Math.Clamp(GroupsWanted / _anchors.Length, 1, MostSlices);
        _slices.EnsureLength((long)_anchors.Length * slices * _bank.Stride);
        _gradient.EnsureLength((long)_anchors.Length * _bank.Stride);
        var arguments = new KernelArguments();
        arguments.View(_ownRows);
        arguments.Quads(_mirror.Current());
        arguments.View(_selfFactor);
        _spatialSet.AddTo(ref arguments);
        _featureSet.AddTo(ref arguments);
        _negativeSet.AddTo(ref arguments);
        arguments.Quads(_slices);
        arguments.Int32(_mirror.StrideQuads);
        AddCapacities(ref arguments);
        _device.EnqueueLaunch("SumWeightedRows", new LaunchGrid((uint)_anchors.Length, (uint)slices), ref arguments);

        var sum = new KernelArguments();
        sum.Quads(_slices);
        sum.Quads(_gradient);
        sum.Int32(slices);
        sum.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("SumSlices", OneGroupAnAnchor, ref sum);
    }

    private void AddCapacities(ref KernelArguments arguments)
    {
        arguments.Int32(_spatialSet.Capacity);
        arguments.Int32(_featureSet.Capacity);
        arguments.Int32(_negativeSet.Capacity);
    }
}
