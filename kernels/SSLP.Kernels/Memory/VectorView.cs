namespace SSLP.Kernels;

/// <summary>
/// Borrowed float32 numbers, one after the other, in the memory of whoever computes: the host's for the reference and the CPU, the
/// device's for
/// CUDA. The memory must outlive the call and not move.
/// </summary>
public readonly unsafe struct VectorView
{
    /// <exception cref="ArgumentException">There are numbers and no memory, or fewer than none.</exception>
    public VectorView(float* data, long length)
    {
        if (length < 0)
            throw new ArgumentException($"A vector cannot have {length} numbers.");
        if (data == null && length > 0)
            throw new ArgumentException($"A vector of {length} numbers was given a null pointer.");
        Data = data;
        Length = length;
    }

    public float* Data { get; }

    /// <summary>Numbers.</summary>
    public long Length { get; }
}
