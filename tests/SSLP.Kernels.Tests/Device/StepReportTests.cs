using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>What a step's report keeps from moving: on a GPU or the PTX machine.</summary>
[Collection("device")]
public sealed unsafe class StepReportTests(TestDevice device)
{
    [Theory]
    [InlineData(1f, false)]
    [InlineData(float.NaN, false)]
    [InlineData(float.PositiveInfinity, false)]
    [InlineData(1f, true)]
    public void An_optimizer_that_judges_into_a_report_moves_weights_only_where_it_has_no_fault(float value, bool hasFaultBefore)
    {
        float[] start = [1, 2, 3, 4, 5, 6, 7, 8], gradient = [0, value, 0, 0, 2, 0, 0, -2];
        using DeviceArray<float> weights = new DeviceArray<float>(device).EnsureLength(8),
            momentum = new DeviceArray<float>(device).EnsureLength(8);
        using DeviceArray<float> slopes = new DeviceArray<float>(device).EnsureLength(8),
            wrong = new DeviceArray<float>(device).EnsureLength(4);
        using var report = new StepReport(device);
        using var optimizer = new MomentumSgdCuda(device);
        weights.Upload(start);
        momentum.Upload(new float[8]);
        slopes.Upload(gradient);
        wrong.Upload([0, 0, float.NaN, 0]);
        if (hasFaultBefore)
            report.EnqueueCheck(wrong.AddressOf(0), 4, StepFault.StatisticsNotFinite);
        optimizer.EnqueueNorm([View(slopes)], report);
        optimizer.Step(View(weights), View(momentum), [View(slopes)], new MomentumSgdRates(0.5, 0.9, 0));
        StepReading reading = report.Read();
        bool isFinite = float.IsFinite(value);
        StepFault expected = (isFinite ? StepFault.None : StepFault.GradientNotFinite) | (
            hasFaultBefore ? StepFault.StatisticsNotFinite : StepFault.None);
        Assert.Equal(expected, reading.Fault);
        Assert.Equal(isFinite, double.IsFinite(MomentumSgdRules.NormOf(reading[StepValue.GradientSquares])));
        if (isFinite)
            Assert.Equal(3, MomentumSgdRules.NormOf(reading[StepValue.GradientSquares]), 1e-12);
        float[] moved = new float[8];
        weights.ReadBack(moved);
        Assert.Equal(start.Select((w, i) => expected == StepFault.None ? w - 0.5f * gradient[i] : w), moved);
    }

    private static VectorView View(DeviceArray<float> array) => new((float*)array.AddressOf(0), array.Length);
}
