using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>Bank update, k-means and augmentation through their launchers and the device code, on a GPU or the PTX machine.</summary>
[Collection("device")]
public sealed unsafe class CudaLaunchersTests(TestDevice device)
{
    private const int Width = 10;

    [Fact]
    public void An_update_changes_the_host_s_bank_and_every_copy_of_it()
    {
        using MemoryBank bank = MemoryBank.CreateRandom(9, Width, seed: 2), host = MemoryBank.CreateRandom(9, Width, seed: 2);
        using var features = MemoryBank.CreateRandom(4, Width, seed: 3);
        features.LoadRows(3, [.. bank.Row(0).ToArray().Select(x => -x)]);  // m = ½: the blend vanishes, the row stays
        int[] rows = [7, 2, 7, 0];
        using var update = new MemoryBankUpdateCuda(bank, device);
        using var nearest = new NearestKeysCuda(bank, device, DeviceScores.BFloat16);
        Nearest(nearest, bank.Row(2));  // the mirror is there, rounded too, before the update
        update.Update(rows, features.Rows, 0.5f);
        host.Update(rows, features.Rows, 0.5f);
        for (int r = 0; r < 9; r++)
        {
            for (int d = 0; d < Width; d++)
                Assert.Equal(host.Row(r)[d], bank.Row(r)[d], 4e-7);
        }

        Assert.Equal(host.Row(0), bank.Row(0));
        Assert.Equal(7, Nearest(nearest, bank.Row(7)));
        features.Rows.Row(1)[4] = float.NaN;
        Assert.Contains("Feature 1 (bank row 2)", Assert.Throws<ArgumentException>(() => update.Update(rows, features.Rows, 0.5f)).Message,
            StringComparison.Ordinal);
        Assert.Equal(7, Nearest(nearest, bank.Row(7)));
        Assert.Contains("row 9", Assert.Throws<ArgumentException>(() => update.Update([9], features.Rows.Slice(0, 1), 0.5f)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1, 3)]
    [InlineData(150, 7, 4)]
    [InlineData(33, 40, 2)]
    public void Clusters_are_the_reference_s(int rows, int clusters, int iterations)
    {
        using var bank = MemoryBank.CreateRandom(rows, Width, seed: 2);
        AssertSameClusters(bank, clusters, iterations);
    }

    [Fact]
    public void Empty_clusters_are_seeded_anew_as_the_reference_does()
    {
        // Most rows are one point: centres that start on it are duplicates, and the higher ones lose all rows.
        using var bank = MemoryBank.CreateRandom(40, Width, seed: 6);
        for (int i = 0; i < 34; i++)
            bank.LoadRows(i, bank.Row(39).ToArray());
        AssertSameClusters(bank, 6, 4);
    }

    /// <summary>More empty clusters than rows off their centres, in runs that are seeded side by side: the last ones stay empty.</summary>
    [Fact]
    public void Clusters_that_no_row_can_fill_stay_empty_as_the_reference_s_do()
    {
        using var bank = MemoryBank.CreateRandom(1_300, Width, seed: 6);
        for (int i = 0; i < 1_300; i++)
        {
            if (i % 400 != 399)
                bank.LoadRows(i, bank.Row(0).ToArray());
        }

        AssertSameClusters(bank, 30, 4);
    }

    [Fact]
    public void A_cluster_of_more_rows_than_its_sums_hold_is_refused()
    {
        using var bank = MemoryBank.CreateRandom(90, Width, seed: 6);
        using var means = new KMeansCuda(bank, device, maxClusterRows: 44);
        string message = Assert.Throws<ArgumentException>(() => means.Cluster(2, 2, [1, 2], new int[180])).Message;
        Assert.Contains("44 rows in one cluster", message, StringComparison.Ordinal);
        Assert.Contains("kernels=cpu", message, StringComparison.Ordinal);
        means.Cluster(20, 2, [1, 2], new int[180]);
    }

    [Theory]
    [InlineData(30, 11, 0.5f)]
    [InlineData(9, 13, 0f)]
    public void Views_are_the_CPU_s_for_a_seed(int patchSize, int side, float blur)
    {
        AugmentOptions options = new() { InputSize = side, VerticalFlip = 0.5f, Blur = blur, StainScale = 0.3f, StainShift = 0.1f };
        int[] ids = [5, 0, 77];
        byte[] patches = new byte[ids.Length * patchSize * patchSize * 3];
        new Random(5).NextBytes(patches);
        using var pool = new WorkerPool(1);
        using var cpu = new AugmenterCpu(options, patchSize, pool);
        using var cuda = new AugmenterCuda(options, patchSize, device);
        AssertSameViews(patches, ids.Length * 3 * side * side, cpu, cuda, (augmenter, source, output) =>
            augmenter.Apply(20210927, 6, 1, ids, source, output));
        AssertSameViews(patches, ids.Length * 3 * side * side, cpu, cuda, (augmenter, source, output) =>
            augmenter.ApplyEvaluation(side + 3, 3, source, output));
    }

    private delegate void Apply(IAugmenter augmenter, byte* patches, float* output);

    private static void AssertSameViews(byte[] patches, int floats, IAugmenter cpu, IAugmenter cuda, Apply apply)
    {
        float[] expected = new float[floats], found = new float[floats];
        fixed (byte* source = patches)
        {
            fixed (float* output = expected)
                apply(cpu, source, output);
            fixed (float* output = found)
                apply(cuda, source, output);
        }

        // Both are within 200 roundings of the reference.
        for (int i = 0; i < floats; i++)
            Assert.Equal(expected[i], found[i], 400 * Math.ScaleB(1, -24) / 0.224);
    }

    private void AssertSameClusters(MemoryBank bank, int clusters, int iterations)
    {
        ulong[] seeds = [1234, 1235];
        int[] labels = new int[seeds.Length * bank.RowCount], expected = new int[labels.Length];
        using var reference = new KMeansReference(bank);
        using var means = new KMeansCuda(bank, device);
        reference.Cluster(clusters, iterations, seeds, expected);
        means.Cluster(clusters, iterations, seeds, labels);
        Assert.Equal(expected, labels);
        Assert.Equal(reference.Centres.Rows, means.Centres.Rows);
        for (int c = 0; c < means.Centres.Rows; c++)
        {
            for (int d = 0; d < Width; d++)
                Assert.Equal(reference.Centres.Row(c)[d], means.Centres.Row(c)[d], 1e-6);
        }
    }

    private static int Nearest(NearestKeysCuda nearest, ReadOnlySpan<float> query)
    {
        int[] rows = new int[1];
        float[] similarities = new float[1];
        fixed (float* data = query)
            nearest.Find(new MatrixView(data, 1, Width), [], 1, rows, similarities);
        return rows[0];
    }
}
