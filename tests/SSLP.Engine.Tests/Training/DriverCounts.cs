using System.Globalization;
using SSLP.PtxMachine.Driver;

namespace SSLP.Engine.Tests.Training;

/// <summary>What the driver was asked for, a step on average.</summary>
internal sealed record DriverCounts(
    double Launches, double Uploads, double UploadBytes, double ReadBacks, double ReadBackBytes, double Fills, double Waits)
{
    public static DriverCounts Of(IReadOnlyCollection<DriverCall> calls, int steps)
    {
        double Count(string function) => (double)calls.Count(call => call.Function == function) / steps;
        double Bytes(string function) => (double)calls.Where(call => call.Function == function).Sum(call => call.Bytes) / steps;
        return new(
            Count("cuLaunchKernel"), Count("cuMemcpyHtoDAsync_v2"), Bytes("cuMemcpyHtoDAsync_v2"), Count("cuMemcpyDtoHAsync_v2"),
            Bytes("cuMemcpyDtoHAsync_v2"), Count("cuMemsetD8Async"),
            Count("cuStreamSynchronize") + Count("cuEventSynchronize") + Count("cuCtxSynchronize"));
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Launches:F1} launches, {Uploads:F1} uploads ({UploadBytes:N0} B), {ReadBacks:F1} read-backs ({ReadBackBytes:N0} B), "
        + $"{Fills:F1} fills, {Waits:F1} waits");
}
