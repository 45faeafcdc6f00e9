namespace SSLP.Kernels.Tests.Device;

/// <summary>Launches every kernel at a shape, by what launches it in the product.</summary>
internal sealed unsafe class KernelScene(IComputeDevice device, KernelShape shape)
{
    private const ulong Seed = 20210927;
    private const float Temperature = 0.07f;

    public void Run()
    {
        using var bank = MemoryBank.CreateRandom(shape.Rows, shape.Width, Seed);
        using var features = MemoryBank.CreateRandom(2 * shape.Batch, shape.Width, Seed + 1);
        MatrixView queries = features.Rows.Slice(0, shape.Batch), positives = features.Rows.Slice(shape.Batch, shape.Batch);
        Step(bank, queries, NegativeSampling.SemiHard, DeviceScores.Float32);
        Step(bank, queries, NegativeSampling.SemiHard, DeviceScores.BFloat16);
        Step(bank, queries, NegativeSampling.Random, DeviceScores.Float32);
        foreach (DeviceScores scores in (DeviceScores[])[DeviceScores.Float32, DeviceScores.BFloat16])
        {
            Nearest(bank, queries, scores);
            WholeBank(bank, queries, positives, scores);
        }

        Update(bank, queries);
        Clusters(bank);
        Optimizer();
        Views();
    }

    /// <summary>The three-term step alone, with scores=bf16.</summary>
    public void RunStep()
    {
        using var bank = MemoryBank.CreateRandom(shape.Rows, shape.Width, Seed);
        using var features = MemoryBank.CreateRandom(shape.Batch, shape.Width, Seed + 1);
        Step(bank, features.Rows, NegativeSampling.SemiHard, DeviceScores.BFloat16);
    }

    private int[] Anchors => [.. Enumerable.Range(0, shape.Batch).Select(b => (int)((long)b * shape.Rows / shape.Batch))];

    private void Step(MemoryBank bank, MatrixView queries, NegativeSampling sampling, DeviceScores scores)
    {
        int n = shape.Rows;
        var spatial = new SpatialNeighbours(
            [.. Enumerable.Range(0, n).Select(i => i < n / 3 ? 0 : 1)], [.. Enumerable.Range(0, n).Select(i => i % 61)],
            [.. Enumerable.Range(0, n).Select(i => i / 61)]);
        var options = new ThreeTermOptions { NearestKeys = shape.NearestKeys, Negatives = shape.Negatives, Sampling = sampling };
        using var step = new ThreeTermStepCuda(bank, spatial, options, device, scores);
        step.SetClusters(new ClusterAgreement([.. Enumerable.Range(0, n).Select(i => i * 7 % shape.Clusters)], n));
        float[] gradient = new float[queries.Rows * queries.Width];
        fixed (float* data = gradient)
            step.Run(Anchors, queries, new ThreeTermCall(new TermWeights(1, 1, 1), Seed, 3),
                new MatrixView(data, queries.Rows, queries.Width));
    }

    private void Nearest(MemoryBank bank, MatrixView queries, DeviceScores scores)
    {
        int[] ranks = [0, 5, shape.Rows / 2];
        using var nearest = new NearestKeysCuda(bank, device, scores);
        nearest.Find(queries, Anchors, 20, new int[20 * queries.Rows], new float[20 * queries.Rows]);
        nearest.SimilarityAtRanks(queries, Anchors, ranks, new float[ranks.Length * queries.Rows]);
    }

    private void WholeBank(MemoryBank bank, MatrixView queries, MatrixView positives, DeviceScores scores)
    {
        using var loss = new WholeBankLossCuda(bank, device, scores);
        using DeviceArray<float> q = new(device), k = new(device), gradient = new(device);
        using var report = new StepReport(device);
        DeviceRows.Upload(queries, queries.Width, q);
        DeviceRows.Upload(positives, positives.Width, k);
        gradient.EnsureLength((long)queries.Rows * queries.Width);
        loss.Enqueue(q.AsMatrix(queries), k.AsMatrix(positives), Temperature, gradient.AsMatrix(queries), report);
        report.EnqueueCheck(q.AddressOf(0), q.Length / 4 * 4, StepFault.NotFinite);
        report.Read();
    }

    private void Update(MemoryBank bank, MatrixView queries)
    {
        using var update = new MemoryBankUpdateCuda(bank, device);
        update.Update(Anchors, queries, 0.5f);
        bank.Update(Anchors, queries, 0.5f); // on the host: the rows follow at their next use
        update.Update(Anchors, queries, 0.5f);
    }

    private void Clusters(MemoryBank bank)
    {
        int[] labels = new int[shape.Rows];
        using (var clusters = new KMeansCuda(bank, device))
            clusters.Cluster(shape.Clusters, 3, [1234], labels);
        // Most rows are one point: clusters come out empty and are seeded anew.
        using var crowd = MemoryBank.CreateRandom(shape.Rows, shape.Width, Seed + 2);
        for (int i = 0; i < shape.Rows * 3 / 4; i++)
            crowd.LoadRows(i, crowd.Row(shape.Rows - 1).ToArray());
        using var reseeded = new KMeansCuda(crowd, device);
        reseeded.Cluster(shape.Clusters, 2, [1234], labels);
    }

    private void Optimizer()
    {
        using DeviceArray<float> weights = new(device), momentum = new(device), gradient = new(device);
        float[] values = [.. Enumerable.Range(0, shape.Weights).Select(i => (i % 17 - 8) * 0.01f)];
        foreach (DeviceArray<float> array in (DeviceArray<float>[])[weights, momentum, gradient])
            array.EnsureLength(shape.Weights).Upload(values);
        using var sgd = new MomentumSgdCuda(device);
        sgd.Norm([View(gradient)]);
        sgd.Step(View(weights), View(momentum), [View(gradient)], new MomentumSgdRates(0.1, 0.9, 1e-4));
        sgd.Follow(View(momentum), View(weights), 0.999);
    }

    private void Views()
    {
        var options = new AugmentOptions { InputSize = shape.Side, VerticalFlip = 0.5f, Blur = 1f, StainScale = 0.3f, StainShift = 0.1f };
        byte[] patches = new byte[shape.Batch * shape.Patch * shape.Patch * 3];
        new Random(5).NextBytes(patches);
        float[] output = new float[shape.Batch * 3 * shape.Side * shape.Side];
        using var augmenter = new AugmenterCuda(options, shape.Patch, device);
        fixed (byte* source = patches)
        fixed (float* views = output)
            augmenter.Apply(Seed, 6, 0, Anchors, source, views);
    }

    private static VectorView View(DeviceArray<float> array) => new((float*)array.AddressOf(0), array.Length);
}
