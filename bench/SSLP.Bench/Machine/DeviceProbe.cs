using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Bench.Machine;

/// <summary>
/// What a device can do at most, measured by libtorch's own large operations: the denominators of the floors there. Each figure is the best
/// of many short rounds.
/// </summary>
internal static class DeviceProbe
{
    private const int Rounds = 10;

    /// <summary>Of a square matrix product in a type, floating point operations a second.</summary>
    public static double PeakFlops(Device device, ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        long side = device.type == TorchSharp.DeviceType.CUDA ? 8192 : 512;
        Tensor a = randn([side, side], device: device).to(type), b = randn([side, side], device: device).to(type);
        return Best(device, 2.0 * side * side * side, () => a.matmul(b).Dispose());
    }

    /// <summary>Bytes a second that a sum over a buffer reads that no cache holds.</summary>
    public static double ReadBandwidth(Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor values = zeros([device.type == TorchSharp.DeviceType.CUDA ? 1L << 29 : 1L << 24], device: device);
        return Best(device, sizeof(float) * (double)values.numel(), () => values.sum().Dispose());
    }

    private static double Best(Device device, double amount, Action run)
    {
        double best = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            if (device.type == TorchSharp.DeviceType.CUDA)
                cuda.synchronize(device);
            best = Math.Max(best, amount / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }
}
