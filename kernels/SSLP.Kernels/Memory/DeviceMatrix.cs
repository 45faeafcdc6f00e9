namespace SSLP.Kernels;

/// <summary>
/// A borrowed, dense, row-major float32 matrix in the memory of the kernels' device: a tensor's, for one. Work that is enqueued reads or
/// writes it later, in order with libtorch's: it must live until then.
/// </summary>
/// <param name="Address">Device address; a multiple of 16.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Width">Values in a row, and from one row to the next.</param>
internal readonly record struct DeviceMatrix(ulong Address, int Rows, int Width)
{
    /// <summary>Values in all.</summary>
    public long Length => (long)Rows * Width;
}
