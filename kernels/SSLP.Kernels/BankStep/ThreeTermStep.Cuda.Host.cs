namespace SSLP.Kernels;

/// <summary>The face for a host's features: they go over, the gradient and the report come back.</summary>
internal sealed partial class ThreeTermStepCuda
{
    private readonly HostFace _host;

    public TermSets Sets
    {
        get
        {
            if (!_host.SetsAreRead)
                ReadSets(_host.Anchors, _host.Sets);
            _host.SetsAreRead = true;
            return _host.Sets;
        }
    }

    public ThreeTermResult Run(ReadOnlySpan<int> anchors, MatrixView features, in ThreeTermCall call, MatrixView gradient)
    {
        ThreeTermStep.CheckShapes(_bank.RowCount, _bank.Width, anchors, features, gradient);
        int[] inputs = new int[InputInts(anchors.Length)];
        int drawn = DrawRanks(anchors.Length, call.Seed, call.Step, inputs);
        (_host.Anchors, _host.SetsAreRead) = (anchors.ToArray(), false);
        DeviceRows.Upload(features, features.Width, _host.Features);
        _host.Gradient.EnsureLength((long)features.Rows * features.Width);
        StepReading reading;
        do
        {
            ThreeTermPlan plan = Prepare(anchors, call, drawn, inputs);
            _host.Inputs.EnsureLength(inputs.Length).Upload(inputs);
            _host.Report.EnqueueClear();
            Enqueue(plan, _host.Inputs.AddressOf(0), _host.Features.AsMatrix(features), _host.Gradient.AsMatrix(features), _host.Report);
            reading = _host.Report.Read();
            if ((reading.Fault & StepFault.NotFinite) != 0)
                ThreeTermStep.RefuseNonFinite(anchors, features);
            Widen(reading);
        }
        while (reading.IsToBeRepeated);
        DeviceRows.ReadBack(_host.Gradient, features.Width, gradient);
        return ResultOf(reading);
    }

    public static ThreeTermResult ResultOf(in StepReading reading) => new()
    {
        Loss = reading[StepValue.Loss],
        Self = reading[StepValue.Self],
        Intra = reading[StepValue.Intra],
        Inter = reading[StepValue.Inter],
        SpatialSize = reading[StepValue.SpatialSize],
        FeatureSize = reading[StepValue.FeatureSize],
        NegativeSize = reading[StepValue.NegativeSize],
        OtherSlideShare = reading[StepValue.OtherSlideShare],
    };

    private void ReadSets(int[] anchors, TermSets sets)
    {
        sets.Reset(_batch);
        foreach (SetOnDevice set in (SetOnDevice[])[_spatialSet, _featureSet, _negativeSet])
            set.ReadCounts(_batch);
        _spatialSet.AddTo(sets.Spatial);
        _featureSet.AddTo(sets.Feature);
        _negativeSet.AddTo(sets.Negatives, byRow: true);  // a kernel gives them by rank
        float[] self = new float[_batch];
        _selfFactor.ReadBack(self);
        int[] auxiliary = new int[_batch * _auxiliary];
        _ownRows.ReadBack(auxiliary, AuxiliaryStart);
        for (int b = 0; b < _batch; b++)
        {
            sets.Self.Add(b, anchors[b], self[b]);
            foreach (int row in auxiliary.AsSpan(b * _auxiliary, _auxiliary))
            {
                if (row >= 0)
                    sets.Auxiliary.Add(b, row);
            }
        }
    }

    /// <summary>What only this face needs.</summary>
    private sealed class HostFace(IComputeDevice device) : IDisposable
    {
        public DeviceArray<float> Features { get; } = new(device);

        public DeviceArray<float> Gradient { get; } = new(device);

        public DeviceArray<int> Inputs { get; } = new(device);

        public StepReport Report { get; } = new(device);

        public TermSets Sets { get; } = new();

        public int[] Anchors { get; set; } = [];

        public bool SetsAreRead { get; set; }

        public void Dispose()
        {
            foreach (IDisposable part in (IDisposable[])[Features, Gradient, Inputs, Report])
                part.Dispose();
        }
    }
}
