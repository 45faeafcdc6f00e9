using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>How a device scores queries against the bank.</summary>
public enum DeviceScores
{
    /// <summary>float32 arithmetic: the default.</summary>
    Float32,

    /// <summary>
    /// Tensor cores with bf16 operands (sm_80 and later). Nearest keys score anew in float32 whatever rounding leaves undecided: their
    /// answer is the same. The bank step's ranks, the similarity at ranks and the whole-bank loss take sums of two bf16 values, near
    /// float32 and not the same bits: <see cref="ThreeTermStepCuda"/>, <see cref="NearestKeysCuda"/> and <see cref="WholeBankLossCuda"/>
    /// have the bounds. Never the default: the texts of these kernels are executed by tests on a machine of the PTX ISA; they have not run
    /// on a device.
    /// </summary>
    BFloat16,
}

/// <summary>Whether a device can score so.</summary>
internal static class DeviceScoresChoice
{
    /// <summary>Refuses a device without bf16 tensor cores by name.</summary>
    /// <exception cref="ArgumentException">The device is older than sm_80.</exception>
    public static void Require(DeviceScores scores, CudaDeviceInfo device)
    {
        if (scores == DeviceScores.BFloat16 && device.ComputeMajor < 8)
        {
            throw new ArgumentException(
                $"scores is 'bf16', but {device.Name} has compute capability {device.ComputeMajor}.{device.ComputeMinor}; tensor cores " +
                $"with bf16 begin at 8.0. Use fp32.");
        }
    }
}
