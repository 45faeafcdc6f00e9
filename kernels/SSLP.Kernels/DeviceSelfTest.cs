using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// Whether a device's kernels compute what the CPU's do, on small fresh inputs: every operation of a training step and of a search, each
/// within the rounding that its implementations allow each other. What a driver or a card makes of the texts is not to be believed unseen.
/// </summary>
internal static unsafe class DeviceSelfTest
{
    // Enough rows that thresholds come from a sample.
    private const int Rows = 4_400, Width = 24, Batch = 5, Patch = 22, Side = 16, Weights = 4_100;
    private const ulong Seed = 20210927;
    private const float Temperature = 0.5f;

    private static readonly Check[] Checks =
    [
        new("nearest keys", "ScoreSamples, SelectThresholds, CollectCandidates, CountBuckets, DealBuckets, SortBuckets, TakeNearest", 1e-5,
            Nearest),
        new("the bank step", "TakeFeatures, FindSpatialNeighbours, SortCutBuckets, FindFeatureNeighbours, ExcludeRows, DropExcluded, " +
            "CutRanks, TakeNegatives, SumNegatives, TakeThreeTermLoss, SumWeightedRows, SumSlices, ReportStep, or one of the search's",
            1e-4, BankStep),
        new("the whole bank's loss", "AccumulateWholeBank, AccumulateSplitWholeBank, MergeWholeBank", 1e-3, WholeBank),
        new("k-means", "AssignClusters, FillEmptyClusters, MeanClusters", 0, Clusters),
        new("the bank's update", "UpdateBank", 1e-5, Update),
        new("the optimizer", "SumSquares, JudgeSquares, StepMomentumSgd, FollowWeights", 1e-6, Optimizer),
        new("views", "AugmentPatches, BlurAcross, BlurDown", 1e-3, Views),
    ];

    /// <summary>Goes through all.</summary>
    /// <param name="device">The CUDA kernels.</param>
    /// <returns>What is wrong first, as a sentence; null where nothing is.</returns>
    public static string? Run(KernelSet device)
    {
        using var cpu = new KernelSet(new KernelOptions(), device.Pool);
        foreach (Check check in Checks)
        {
            float[] expected = check.Of(cpu), actual;
            try
            {
                actual = check.Of(device);
            }
            catch (Exception fault) when (fault is CudaException or ArgumentException)
            {
                return $"The CUDA kernels fail in {check.Operation} ({check.Kernels}): {fault.Message.TrimEnd('.')}.";
            }

            for (int i = 0; i < expected.Length; i++)
            {
                if (!(Math.Abs(expected[i] - actual[i]) <= check.Tolerance))
                    return $"The CUDA kernels compute {check.Operation} otherwise than the CPU's (value {i} of {expected.Length} is " +
                        $"{actual[i]:G6} instead of {expected[i]:G6}): one of {check.Kernels} is wrong on this device or driver.";
            }
        }

        return null;
    }

    private static float[] Nearest(KernelSet kernels)
    {
        using MemoryBank bank = MemoryBank.CreateRandom(Rows, Width, Seed), queries = MemoryBank.CreateRandom(Batch, Width, Seed + 1);
        using INearestKeys nearest = kernels.NearestKeys(bank);
        int[] rows = new int[Batch * 7];
        float[] similarities = new float[rows.Length];
        nearest.Find(queries.Rows, [17, -1, 4_399, 2, 3], 7, rows, similarities);
        return [.. rows.Select(row => (float)row), .. similarities];
    }

    private static float[] BankStep(KernelSet kernels)
    {
        using MemoryBank bank = MemoryBank.CreateRandom(Rows, Width, Seed), features = MemoryBank.CreateRandom(Batch, Width, Seed + 1);
        int[] all = [.. Enumerable.Range(0, Rows)];
        var spatial = new SpatialNeighbours(
            [.. all.Select(i => i < Rows / 3 ? 0 : 1)], [.. all.Select(i => i % 53)], [.. all.Select(i => i / 53)]);
        // As many negatives as fill every slice of the gradient's sum; the hardest, as of two rows that all but tie at a drawn rank a
        // device may take the other one.
        var options = new ThreeTermOptions
        {
            Temperature = Temperature,
            NearestKeys = 40,
            Negatives = 600,
            Sampling = NegativeSampling.Hardest,
        };
        using IThreeTermStep step = kernels.ThreeTermStep(bank, spatial, options);
        step.SetClusters(new ClusterAgreement([.. all.Select(i => i % 11)], Rows));
        float[] gradient = new float[Batch * Width];
        fixed (float* data = gradient)
        {
            ThreeTermResult r = step.Run(
                [0, 1_000, 1_001, 4_399, 77], features.Rows, new ThreeTermCall(new TermWeights(1, 0.7, 0.4), Seed, 3),
                new MatrixView(data, Batch, Width));
            return
            [
                (float)r.Loss, (float)r.Self, (float)r.Intra, (float)r.Inter, (float)r.SpatialSize, (float)r.FeatureSize,
                (float)r.NegativeSize, .. gradient,
            ];
        }
    }

    private static float[] WholeBank(KernelSet kernels)
    {
        using MemoryBank bank = MemoryBank.CreateRandom(Rows, Width, Seed), queries = MemoryBank.CreateRandom(2 * Batch, Width, Seed + 1);
        using IWholeBankLoss loss = kernels.WholeBankLoss(bank);
        float[] losses = new float[Batch], gradient = new float[Batch * Width];
        fixed (float* data = gradient)
            loss.Evaluate(queries.Rows.Slice(0, Batch), queries.Rows.Slice(Batch, Batch), Temperature, losses,
                new MatrixView(data, Batch, Width));
        return [.. losses, .. gradient];
    }

    // Rows about as many points as there are clusters: no row lies between two.
    private static float[] Clusters(KernelSet kernels)
    {
        const int clusters = 8, rows = 400;
        using MemoryBank points = MemoryBank.CreateRandom(clusters, Width, Seed), bank = MemoryBank.CreateRandom(rows, Width, Seed + 2);
        float[] row = new float[Width];
        for (int i = 0; i < rows; i++)
        {
            for (int d = 0; d < Width; d++)
                row[d] = points.Row(i % clusters)[d] + 0.05f * bank.Row(i)[d];
            bank.LoadRows(i, row);
        }

        using IKMeans kmeans = kernels.KMeans(bank);
        int[] labels = new int[rows];
        kmeans.Cluster(clusters, 4, [1234], labels);
        return [.. labels.Select(label => (float)label)];
    }

    private static float[] Update(KernelSet kernels)
    {
        using MemoryBank bank = MemoryBank.CreateRandom(Rows, Width, Seed), features = MemoryBank.CreateRandom(Batch, Width, Seed + 1);
        using IMemoryBankUpdate update = kernels.MemoryBankUpdate(bank);
        update.Update([7, 2, 7, 0, 4_399], features.Rows, 0.5f);
        return [.. bank.Row(7), .. bank.Row(2), .. bank.Row(0), .. bank.Row(4_399), .. bank.Row(8)];
    }

    private static float[] Optimizer(KernelSet kernels)
    {
        float[] weights = Values(1), momentum = Values(2), gradient = Values(3);
        using IMomentumSgd sgd = kernels.MomentumSgd(onHost: kernels.Compute is null);
        if (kernels.Compute is not { } device)
        {
            fixed (float* w = weights)
            fixed (float* m = momentum)
            fixed (float* g = gradient)
                return Steps(sgd, new(w, Weights), new(m, Weights), new(g, Weights), () => [.. weights, .. momentum]);
        }

        using DeviceArray<float> w2 = new(device), m2 = new(device), g2 = new(device);
        w2.EnsureLength(Weights).Upload(weights);
        m2.EnsureLength(Weights).Upload(momentum);
        g2.EnsureLength(Weights).Upload(gradient);
        return Steps(sgd, View(w2), View(m2), View(g2), () =>
        {
            w2.ReadBack(weights);
            m2.ReadBack(momentum);
            return [.. weights, .. momentum];
        });
    }

    private static float[] Steps(IMomentumSgd sgd, VectorView weights, VectorView momentum, VectorView gradient, Func<float[]> read)
    {
        double norm = sgd.Norm([gradient]);
        sgd.Step(weights, momentum, [gradient], new MomentumSgdRates(0.1, 0.9, 1e-3));
        sgd.Follow(momentum, weights, 0.99);
        return [(float)norm, .. read()];
    }

    private static float[] Views(KernelSet kernels)
    {
        var options = new AugmentOptions { InputSize = Side, VerticalFlip = 0.5f, Blur = 1f, StainScale = 0.3f, StainShift = 0.1f };
        byte[] patches = new byte[3 * Patch * Patch * 3];
        new Random(5).NextBytes(patches);
        float[] views = new float[3 * 3 * Side * Side];
        using IAugmenter augmenter = kernels.Augmenter(options, Patch);
        fixed (byte* source = patches)
        fixed (float* output = views)
            augmenter.Apply(Seed, 6, 1, [5, 0, 77], source, output);
        return views;
    }

    private static float[] Values(int of) => [.. Enumerable.Range(0, Weights).Select(i => (i * of % 17 - 8) * 0.01f)];

    private static VectorView View(DeviceArray<float> array) => new((float*)array.AddressOf(0), array.Length);

    private sealed record Check(string Operation, string Kernels, double Tolerance, Func<KernelSet, float[]> Of);
}
