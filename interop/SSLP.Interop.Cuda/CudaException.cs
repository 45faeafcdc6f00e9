namespace SSLP.Interop.Cuda;

/// <summary>A call of the driver failed. The message names the call and carries the driver's own name and text for the error.</summary>
public sealed class CudaException(string call, int code, string text) : Exception($"{call} failed: {text} (CUresult {code}).")
{
    /// <summary>The driver function.</summary>
    public string Call { get; } = call;

    /// <summary>The CUresult.</summary>
    public int Code { get; } = code;
}
