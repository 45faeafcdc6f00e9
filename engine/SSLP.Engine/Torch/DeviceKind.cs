namespace SSLP.Engine.Torch;

/// <summary>Where the network runs.</summary>
public enum DeviceKind
{
    /// <summary>CUDA where libtorch sees a device, else the CPU.</summary>
    Auto,
    Cpu,
    Cuda,
}
