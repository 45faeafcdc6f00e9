using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>The launcher of the whole-bank loss with the device code, on a GPU or the PTX machine.</summary>
[Collection("device")]
public sealed unsafe class WholeBankLossCudaTests(TestDevice device)
{
    [Theory]
    [InlineData(1, 1, 1, false, DeviceScores.Float32)]
    [InlineData(70, 7, 3, false, DeviceScores.Float32)]
    [InlineData(70, 7, 3, true, DeviceScores.Float32)]
    [InlineData(5, 130, 2, true, DeviceScores.Float32)]
    [InlineData(1, 1, 1, false, DeviceScores.BFloat16)]
    [InlineData(70, 7, 3, true, DeviceScores.BFloat16)]
    [InlineData(33, 70, 130, false, DeviceScores.BFloat16)]
    [InlineData(65, 128, 17, true, DeviceScores.BFloat16)]
    [InlineData(5, 130, 2, true, DeviceScores.BFloat16)]
    public void Matches_the_reference(int rows, int width, int count, bool given, DeviceScores scores)
    {
        using MemoryBank bank = MemoryBank.CreateRandom(rows, width, seed: 4), other = MemoryBank.CreateRandom(2 * count, width, seed: 9);
        using var reference = new WholeBankLossReference(bank);
        using var loss = new WholeBankLossCuda(bank, device, scores);
        MatrixView queries = other.Rows.Slice(0, count), positives = other.Rows.Slice(count, count);
        (double expected, float[] expectedLosses, float[] expectedGradient) = Evaluate(reference, queries, positives, rows, given);
        (double actual, float[] losses, float[] gradient) = Evaluate(loss, queries, positives, rows, given);
        // Logits d/τ carry `width` roundings over τ; the gradient is divided by τ once more.
        double tolerance = (width + 40) * Math.ScaleB(1, -24) / Temperature;
        Assert.Equal(expected, actual, tolerance);
        for (int i = 0; i < count; i++)
            Assert.Equal(expectedLosses[i], losses[i], tolerance);
        for (int i = 0; i < gradient.Length; i++)
            Assert.Equal(expectedGradient[i], gradient[i], tolerance / Temperature);
    }

    [Theory]
    [InlineData(DeviceScores.Float32)]
    [InlineData(DeviceScores.BFloat16)]
    public void A_dominant_row_does_not_overflow(DeviceScores scores)
    {
        using var bank = new MemoryBank(3, 4);
        bank.LoadRows(0, [50f, 0, 0, 0, -50f, 0, 0, 0, 0, 1f, 0, 0]);
        using var loss = new WholeBankLossCuda(bank, device, scores);
        (double value, _, float[] gradient) = Evaluate(loss, bank.Rows.Slice(0, 1), bank.Rows.Slice(0, 1), 3, given: false);
        Assert.Equal(0, value, 1e-6);
        Assert.All(gradient, g => Assert.True(float.IsFinite(g)));
    }

    private const float Temperature = 0.07f;

    private static (double Mean, float[] Losses, float[] Gradient) Evaluate(IWholeBankLoss loss, MatrixView queries, MatrixView positives,
        int rows, bool given)
    {
        float[] losses = new float[queries.Rows], gradient = new float[queries.Rows * queries.Width];
        fixed (float* data = gradient)
        {
            var view = new MatrixView(data, queries.Rows, queries.Width);
            double mean = given
                ? loss.Evaluate(queries, positives, Temperature, losses, view)
                : loss.Evaluate(queries, [.. Enumerable.Range(0, queries.Rows).Select(i => i * 5 % rows)], Temperature, losses, view);
            return (mean, losses, gradient);
        }
    }
}
