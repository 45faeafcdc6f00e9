using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>The launches of a step, in their order; parameters as the device code declares them.</summary>
internal sealed partial class ThreeTermStepCuda
{
    private LaunchGrid OneGroupAnAnchor => new((uint)_batch);

    private LaunchGrid OneGroupASlice => new((uint)_batch, (uint)Slices);

    /// <summary>Groups that share an anchor's rows.</summary>
    private int Slices => Math.Clamp(GroupsWanted / _batch, 1, MostSlices);

    /// <summary>S with similarities, and the auxiliary anchors, which become own rows of further queries and their rows' copies.</summary>
    private void FindSpatial(in ThreeTermCall call)
    {
        _spatialSet.Prepare(_batch);
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
        arguments.Int32(_auxiliary);
        arguments.Int32(_options.SpatialSample);
        arguments.Int64((long)CounterRandom.Key(call.Seed, RandomPurpose.SpatialSample));
        arguments.Int64(call.Step);
        _device.EnqueueLaunch("FindSpatialNeighbours", OneGroupAnAnchor, ref arguments);
        if (_auxiliary == 0)
            return;
        DeviceRows.EnqueueGather(_device, _mirror.Current(), _ownRows, _queries, _batch * _auxiliary, _mirror.StrideQuads,
            AuxiliaryStart, (long)AuxiliaryStart * _bank.Stride);
    }

    /// <summary>F with similarities to the anchor.</summary>
    private void FindFeature()
    {
        _featureSet.Prepare(_batch);
        _otherSlides.EnsureLength(_batch);
        if (_largestClass > 1)
            _search.EnqueueCut(Queries, _options.NearestKeys);
        var arguments = new KernelArguments();
        arguments.View(_ownRows);
        arguments.View(_ownRows, AuxiliaryStart);
        arguments.View(_classOf);
        arguments.View(_classStart);
        arguments.Quads(_queries);
        arguments.Quads(_mirror.Current());
        arguments.View(_search.Keys);
        arguments.View(_search.Counts);
        arguments.View(_index.Slides);
        arguments.View(_featureSet.Rows);
        arguments.View(_featureSet.Scores);
        arguments.View(_featureSet.DeviceCounts);
        arguments.View(_otherSlides);
        arguments.Int32(AuxiliaryStart);
        arguments.Int32(_auxiliary);
        arguments.Int32(_options.NearestKeys);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(_search.Capacity);
        arguments.Int32(_featureSet.Capacity);
        _device.EnqueueLaunch("FindFeatureNeighbours", OneGroupAnAnchor, ref arguments);
    }

    /// <summary>Leaves S and F out of the anchors' lists and finds which of the drawn ranks lie in which bucket.</summary>
    private void DropExcluded(ulong ranks, int drawn)
    {
        int buckets = _search.Buckets;
        _excluded.EnsureLength((long)_batch * (_spatialSet.Capacity + _featureSet.Capacity));
        _filters.EnsureLength((long)_batch * FilterWords);
        _dropped.EnsureLength((long)_batch * buckets);
        var exclude = new KernelArguments();
        AddExcluded(ref exclude);
        exclude.View(_excluded);
        exclude.View(_filters);
        exclude.View(_dropped);
        exclude.Int32(_spatialSet.Capacity);
        exclude.Int32(_featureSet.Capacity);
        exclude.Int32(buckets);
        _device.EnqueueLaunch("ExcludeRows", OneGroupAnAnchor, ref exclude);

        var drop = new KernelArguments();
        AddLists(ref drop);
        drop.View(_spatialSet.DeviceCounts);
        drop.View(_featureSet.DeviceCounts);
        drop.View(_excluded);
        drop.View(_filters);
        drop.View(_dropped);
        drop.Int32(_search.Capacity);
        drop.Int32(_spatialSet.Capacity);
        drop.Int32(_featureSet.Capacity);
        drop.Int32(buckets);
        _device.EnqueueLaunch("DropExcluded",
            new LaunchGrid((uint)_batch, CandidateSearch.SliceKeys.GroupsOf(_search.Capacity)), ref drop);

        _firstRanks.EnsureLength((long)_batch * (buckets + 1));
        _firstDrawn.EnsureLength((long)_batch * (buckets + 1));
        var cut = new KernelArguments();
        cut.View(_search.Counts);
        cut.View(_search.BucketStarts);
        cut.View(_dropped);
        cut.View(ranks, drawn);
        cut.View(_firstRanks);
        cut.View(_firstDrawn);
        cut.View(_negativeSet.DeviceCounts);
        cut.Int32(_search.Capacity);
        cut.Int32(buckets);
        cut.Int32(drawn);
        _device.EnqueueLaunch("CutRanks", OneGroupAnAnchor, ref cut);
    }

    /// <summary>Q: the rows at the drawn ranks.</summary>
    private void TakeNegatives(ulong ranks, int drawn)
    {
        _negativeSet.Prepare(_batch);
        DropExcluded(ranks, drawn);
        var arguments = new KernelArguments();
        AddLists(ref arguments);
        arguments.View(_search.Borders);
        arguments.View(_firstRanks);
        arguments.View(_firstDrawn);
        arguments.View(ranks, drawn);
        arguments.View(_negativeSet.Rows);
        arguments.Int32(_search.Capacity);
        arguments.Int32(_search.Buckets);
        arguments.Int32(_negativeSet.Capacity);
        _device.EnqueueLaunch("TakeNegatives", new LaunchGrid(checked((uint)_batch * (uint)_search.Buckets)), ref arguments);
    }

    /// <summary>Q for the ablation: rows at the drawn ranks of the bank's own order.</summary>
    private void TakeRandomNegatives(ulong ranks, int drawn)
    {
        _negativeSet.Prepare(_batch);
        _excluded.EnsureLength((long)_batch * (1 + _spatialSet.Capacity + _featureSet.Capacity));
        var arguments = new KernelArguments();
        arguments.View(_ownRows);
        AddExcluded(ref arguments);
        arguments.View(ranks, drawn);
        arguments.View(_excluded);
        arguments.View(_negativeSet.Rows);
        arguments.View(_negativeSet.DeviceCounts);
        AddCapacities(ref arguments);
        arguments.Int32(drawn);
        arguments.Int32(_bank.RowCount);
        _device.EnqueueLaunch("TakeRandomNegatives", OneGroupAnAnchor, ref arguments);
    }

    /// <summary>The negatives' similarities, and what their rows add to the gradient but for a factor.</summary>
    private void SumNegatives()
    {
        _negativeParts.EnsureLength((long)_batch * Slices * _bank.Stride);
        _negativeLargest.EnsureLength((long)_batch * Slices);
        var arguments = new KernelArguments();
        arguments.Quads(_queries);
        arguments.Quads(_mirror.Current());
        arguments.View(_negativeSet.Rows);
        arguments.View(_negativeSet.DeviceCounts);
        arguments.View(_negativeSet.Scores);
        arguments.Quads(_negativeParts);
        arguments.View(_negativeLargest);
        arguments.Int32(_negativeSet.Capacity);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Single((float)(1 / _options.Temperature));
        _device.EnqueueLaunch("SumNegatives", OneGroupASlice, ref arguments);
    }

    /// <summary>Terms, and factors in place of similarities.</summary>
    private void TakeLoss(TermWeights weights)
    {
        _selfFactor.EnsureLength(_batch);
        _pushes.EnsureLength(2L * _batch);
        _terms.EnsureLength(3L * _batch);
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
        arguments.View(_pushes);
        arguments.View(_terms);
        arguments.Int32(_batch);
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
    private void SumRows(DeviceMatrix gradient)
    {
        _slices.EnsureLength((long)_batch * Slices * _bank.Stride);
        var arguments = new KernelArguments();
        arguments.View(_ownRows);
        arguments.Quads(_mirror.Current());
        arguments.View(_selfFactor);
        _spatialSet.AddTo(ref arguments);
        _featureSet.AddTo(ref arguments);
        arguments.Quads(_negativeParts);
        arguments.View(_negativeLargest);
        arguments.View(_pushes);
        arguments.Quads(_slices);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(_spatialSet.Capacity);
        arguments.Int32(_featureSet.Capacity);
        arguments.Single((float)(1 / _options.Temperature));
        _device.EnqueueLaunch("SumWeightedRows", OneGroupASlice, ref arguments);

        var sum = new KernelArguments();
        sum.Quads(_slices);
        sum.View(gradient.Address, gradient.Length);
        sum.Int32(Slices);
        sum.Int32(gradient.Width);
        sum.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("SumSlices", OneGroupAnAnchor, ref sum);
    }

    /// <summary>Losses and sizes, and whether the lists are what they should be.</summary>
    private void EnqueueReport(StepReport report, ulong ranks, in SearchNeeds needs, TermWeights weights)
    {
        var arguments = new KernelArguments();
        arguments.View(_spatialSet.DeviceCounts);
        arguments.View(_featureSet.DeviceCounts);
        arguments.View(_negativeSet.DeviceCounts);
        arguments.View(ranks, needs.Queries);
        arguments.View(_search.Counts);
        arguments.View(needs.Most == 0 ? _search.Counts : _search.Noted);
        arguments.View(_otherSlides);
        arguments.View(_terms);
        report.AddFlags(ref arguments);
        report.AddValues(ref arguments);
        arguments.Int32(_batch);
        arguments.Int32(needs.Queries);
        arguments.Int32(needs.OptionalFrom);
        arguments.Int32(_spatialSet.Capacity);
        arguments.Int32(_search.Capacity);
        arguments.Int32(needs.Needed);
        arguments.Int32(needs.OptionalNeeded);
        arguments.Int32((int)StepFault.ListTooLong);
        arguments.Int32((int)StepFault.ListTooShort);
        arguments.Single((float)weights.Self);
        arguments.Single((float)weights.Intra);
        arguments.Single((float)weights.Inter);
        _device.EnqueueLaunch("ReportStep", new LaunchGrid(1), ref arguments);
    }

    private void AddLists(ref KernelArguments arguments)
    {
        arguments.View(_search.Keys);
        arguments.View(_search.Counts);
        arguments.View(_search.BucketStarts);
    }

    private void AddExcluded(ref KernelArguments arguments)
    {
        arguments.View(_spatialSet.Rows);
        arguments.View(_spatialSet.DeviceCounts);
        arguments.View(_featureSet.Rows);
        arguments.View(_featureSet.DeviceCounts);
    }

    private void AddCapacities(ref KernelArguments arguments)
    {
        arguments.Int32(_spatialSet.Capacity);
        arguments.Int32(_featureSet.Capacity);
        arguments.Int32(_negativeSet.Capacity);
    }
}
