using System.Runtime.InteropServices;

namespace SSLP.Interop.Cuda;

/// <summary>A call of the driver failed. The message names the call and carries the driver's own name and text for the error.</summary>
public sealed class CudaException(string call, int code, string text) : Exception($"{call} failed: {text} (CUresult {code}).")
{
    /// <summary>The driver function.</summary>
    public string Call { get; } = call;

    /// <summary>The CUresult.</summary>
    public int Code { get; } = code;

    /// <summary>The one check that ends every native call.</summary>
    internal static void ThrowIfFailed(int result, string call)
    {
        if (result != NativeCuda.CUDA_SUCCESS)
            throw new CudaException(call, result, Describe(result));
    }

    internal static unsafe string Describe(int result)
    {
        byte* name = null, text = null;
        _ = NativeCuda.cuGetErrorName(result, &name);
        _ = NativeCuda.cuGetErrorString(result, &text);
        return $"{Marshal.PtrToStringUTF8((nint)name) ?? "unknown error"}, {Marshal.PtrToStringUTF8((nint)text) ?? "no description"}";
    }
}
