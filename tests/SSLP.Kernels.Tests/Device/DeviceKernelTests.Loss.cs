using SSLP.Interop.Cuda;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

// The three terms, their gradient and the sums of the negatives.
public sealed unsafe partial class DeviceKernelTests
{
    /// <summary>A similarity that is no number, of a negative, must not come out as a finite loss or pull.</summary>
    [Fact]
    public void A_NaN_among_the_similarities_makes_terms_and_factors_NaN()
    {
        using MemoryBank bank = MemoryBank.CreateRandom(9, Width, seed: 2), features = MemoryBank.CreateRandom(1, Width, seed: 3);
        using DeviceArray<float> rows = Upload(bank), vectors = Upload(features);
        using DeviceArray<int> anchors = Upload([3]), one = Upload([1]), many = Upload([5]);
        using DeviceArray<float> spatial = Upload([0.5f]), feature = Upload([0.4f]), negatives = Upload([0.3f, 0.2f, float.NaN, 0.1f, 0f]);
        using DeviceArray<float> self = Empty<float>(1), pushes = Empty<float>(2), terms = Empty<float>(3);
        Launch("TakeThreeTermLoss", 1, a =>
        {
            a.View(anchors);
            a.Quads(vectors);
            a.Quads(rows);
            a.View(spatial);
            a.View(one);
            a.View(feature);
            a.View(one);
            a.View(negatives);
            a.View(many);
            a.View(self);
            a.View(pushes);
            a.View(terms);
            a.Int32(1);
            a.Int32(Stride / 4);
            a.Int32(1);
            a.Int32(1);
            a.Int32(5);
            a.Single(1 / 0.07f);
            a.Single(1);
            a.Single(1);
            a.Single(1);
            a.Int32(0);
            return a;
        });
        Assert.All(Read(terms, 3), term => Assert.True(float.IsNaN(term)));
        Assert.All([.. Read(self, 1), .. Read(spatial, 1), .. Read(feature, 1), .. Read(negatives, 5), .. Read(pushes, 2)], factor =>
            Assert.True(float.IsNaN(factor)));
    }

    /// <summary>Lists of no, few and many rows; widths that leave threads idle; one slice and several, more than there are rows.</summary>
    [Theory]
    [InlineData(4, 0, 0, 0, 1)]
    [InlineData(10, 1, 5, 3, 1)]
    [InlineData(100, 37, 0, 1000, 8)]
    [InlineData(128, 3, 2, 4096, 16)]
    [InlineData(1024, 2, 9, 70, 3)]
    public void A_gradient_is_the_weighted_sum_of_the_sets_rows(int width, int spatial, int feature, int negatives, int slices)
    {
        const int rows = 50, batch = 3;
        const float temperature = 0.07f;
        using MemoryBank bank = MemoryBank.CreateRandom(rows, width, seed: 4), queries = MemoryBank.CreateRandom(batch, width, seed: 5);
        var random = new Random(width);
        int[] anchors = [7, 0, 49], lengths = [spatial, feature, negatives];
        int[] capacities = [.. lengths.Select(length => length + 2)];
        int[][] members = [.. capacities.Select(
            capacity => Enumerable.Range(0, batch * capacity).Select(_ => random.Next(rows)).ToArray())];
        float[][] factors = [.. capacities.Select(
            capacity => Enumerable.Range(0, batch * capacity).Select(_ => (float)random.NextDouble() - 0.5f).ToArray())];
        float[] self = [0.5f, -1f, 0f], pushes = [0.3f, 0.2f, 0f, 0f, 0.6f, -1.5f];  // an m below and one above most similarities
        using DeviceArray<float> vectors = UploadRows(bank), own = Upload(self), parts = Empty<float>(batch * slices * bank.Stride);
        using DeviceArray<float> gradient = Empty<float>(batch * width), pushed = Upload(pushes);
        using DeviceArray<int> ids = Upload(anchors);
        DeviceArray<int>[] lists = [.. members.Select(Upload)], counts = [.. lengths.Select(length => Upload([length, 0, length]))];
        DeviceArray<float>[] weights = [.. factors.Select(Upload)];
        using DeviceArray<float> features = UploadRows(queries), negativeParts = Empty<float>(batch * slices * bank.Stride),
            largest = Empty<float>(batch * slices);
        var grid = new LaunchGrid(batch, (uint)slices);
        Launch("SumNegatives", grid, a =>
        {
            a.Quads(features);
            a.Quads(vectors);
            a.View(lists[2]);
            a.View(counts[2]);
            a.View(weights[2]);
            a.Quads(negativeParts);
            a.View(largest);
            a.Int32(capacities[2]);
            a.Int32(bank.Stride / 4);
            a.Single(1 / temperature);
            return a;
        });
        Launch("SumWeightedRows", grid, a =>
        {
            a.View(ids);
            a.Quads(vectors);
            a.View(own);
            for (int set = 0; set < 2; set++)
            {
                a.View(lists[set]);
                a.View(weights[set]);
                a.View(counts[set]);
            }

            a.Quads(negativeParts);
            a.View(largest);
            a.View(pushed);
            a.Quads(parts);
            a.Int32(bank.Stride / 4);
            a.Int32(capacities[0]);
            a.Int32(capacities[1]);
            a.Single(1 / temperature);
            return a;
        });
        Launch("SumSlices", batch, a =>
        {
            a.Quads(parts);
            a.View(gradient);
            a.Int32(slices);
            a.Int32(width);
            a.Int32(bank.Stride / 4);
            return a;
        });
        float[] found = Read(gradient, batch * width), similarities = Read(weights[2], batch * capacities[2]);
        double rounding = Math.ScaleB(1, -24);
        for (int b = 0; b < batch; b++)
        {
            double[] exact = [.. Enumerable.Range(0, rows).Select(row => Dot(queries.Row(b), bank.Row(row)))];
            for (int j = b * capacities[2]; b != 1 && j < b * capacities[2] + negatives; j++)
                Assert.Equal(exact[members[2][j]], similarities[j], (width + 1) * rounding);
            for (int d = 0; d < width; d++)
            {
                double sum = (double)self[b] * bank.Row(anchors[b])[d], size = Math.Abs(sum), bound = 0;
                for (int set = 0; set < 3 && b != 1; set++)
                {
                    for (int j = b * capacities[set]; j < b * capacities[set] + lengths[set]; j++)
                    {
                        double factor = set < 2 ? factors[set][j]
                            : pushes[2 * b + 1] * Math.Exp((exact[members[2][j]] - pushes[2 * b]) / temperature);
                        double term = factor * bank.Row(members[set][j])[d];
                        (sum, size) = (sum + term, size + Math.Abs(term));
                        // The exponent is off by what the similarity and the two differences to the slice's largest are.
                        bound += set < 2 ? 0 : (width + 8) * rounding / temperature * Math.Abs(term);
                    }
                }

                // As many roundings as there are rows, of partial sums no larger than the sum of sizes.
                Assert.Equal(sum, found[b * width + d], (spatial + feature + negatives + 8) * rounding * size + bound + 1e-30);
            }
        }

        foreach (IDisposable array in (IDisposable[])[.. lists, .. counts, .. weights])
            array.Dispose();
    }

    /// <summary>Similarities that rise from tile to tile by more than a float's exponent holds of e^(d/τ): what was summed before is
    /// corrected, to nothing in the end.</summary>
    [Fact]
    public void Negatives_that_come_in_any_order_are_summed_below_the_largest()
    {
        const int rows = 200;
        using MemoryBank bank = new(rows, Width), queries = new(1, Width);
        float[] row = new float[Width];
        row[0] = 1;
        queries.LoadRows(0, row);
        for (int i = 0; i < rows; i++)
        {
            row[0] = -1 + 2f * i / (rows - 1);
            row[1] = 1;
            bank.LoadRows(i, row);
        }

        float[] up = Sum([.. Enumerable.Range(0, rows)]), down = Sum([.. Enumerable.Range(0, rows).Reverse()]);
        double expected = Enumerable.Range(0, rows).Sum(i => Math.Exp((bank.Row(i)[0] - 1.0) / 0.002));
        Assert.Equal(expected, up[1], 1e-4);
        Assert.Equal(expected, down[1], 1e-4);

        float[] Sum(int[] order)
        {
            using DeviceArray<float> features = UploadRows(queries);
            (float largest, float[] sum) = SumNegatives(features, bank, order, 0.002f);
            Assert.Equal(1f, largest);
            return sum;
        }
    }

    [Fact]
    public void A_feature_that_is_NaN_makes_the_negatives_sum_NaN()
    {
        using var bank = MemoryBank.CreateRandom(9, Width, seed: 2);
        float[] feature = new float[Stride];
        feature[3] = float.NaN;
        using DeviceArray<float> features = Upload(feature);
        (float largest, float[] sum) = SumNegatives(features, bank, [.. Enumerable.Range(0, 9)], 0.07f);
        Assert.True(float.IsNaN(largest));
        Assert.All(sum, value => Assert.True(float.IsNaN(value)));
    }

    /// <summary>The largest similarity of one anchor with the rows, and their sum weighted by e^((d − largest)/τ), in the order
    /// given.</summary>
    private (float Largest, float[] Sum) SumNegatives(DeviceArray<float> features, MemoryBank bank, int[] order, float temperature)
    {
        using DeviceArray<float> vectors = UploadRows(bank), scores = Empty<float>(order.Length), parts = Empty<float>(bank.Stride),
            largest = Empty<float>(1);
        using DeviceArray<int> list = Upload(order), count = Upload([order.Length]);
        Launch("SumNegatives", 1, a =>
        {
            a.Quads(features);
            a.Quads(vectors);
            a.View(list);
            a.View(count);
            a.View(scores);
            a.Quads(parts);
            a.View(largest);
            a.Int32(order.Length);
            a.Int32(bank.Stride / 4);
            a.Single(1 / temperature);
            return a;
        });
        return (Read(largest, 1)[0], Read(parts, Width));
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int d = 0; d < a.Length; d++)
            sum += (double)a[d] * b[d];
        return sum;
    }
}
