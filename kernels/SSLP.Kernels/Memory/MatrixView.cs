using System.Numerics.Tensors;

namespace SSLP.Kernels;

/// <summary>
/// A borrowed row-major float32 matrix in host memory: [rows, width], row i at <c>data + i·stride</c> (stride in floats).
/// The shape is checked here, once; kernels that take a view trust it. The memory must outlive the call and not move.
/// </summary>
public readonly unsafe struct MatrixView
{
    /// <exception cref="ArgumentException">The shape is impossible, or there are rows and no memory.</exception>
    public MatrixView(float* data, int rows, int width, int stride)
    {
        if (rows < 0)
            throw new ArgumentException($"A matrix cannot have {rows} rows.");
        if (width < 1)
            throw new ArgumentException($"A matrix needs a width of at least 1, not {width}.");
        if (stride < width)
            throw new ArgumentException($"A row stride of {stride} floats is less than the width {width}.");
        if (data == null && rows > 0)
            throw new ArgumentException($"A matrix of {rows} rows was given a null pointer.");
        Data = data;
        Rows = rows;
        Width = width;
        Stride = stride;
    }

    /// <inheritdoc cref="MatrixView(float*, int, int, int)"/>
    public MatrixView(float* data, int rows, int width) : this(data, rows, width, width) { }

    public float* Data { get; }

    public int Rows { get; }

    /// <summary>Values in a row.</summary>
    public int Width { get; }

    /// <summary>Floats from one row's start to the next one's.</summary>
    public int Stride { get; }

    /// <summary>One row, bounds checked.</summary>
    public Span<float> Row(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        return new Span<float>(RowPointer(row), Width);
    }

    /// <summary>Rows start … start+count−1 as a matrix of their own.</summary>
    public MatrixView Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Rows - count);
        return new MatrixView(RowPointer(start), count, Width, Stride);
    }

    internal float* RowPointer(int row) => Data + (nint)row * Stride;

    /// <summary>Index of the first row that holds a NaN or an infinity, or −1. Reads the matrix once.</summary>
    public int FirstNonFiniteRow()
    {
        for (int row = 0; row < Rows; row++)
        {
            if (!TensorPrimitives.IsFiniteAll(new ReadOnlySpan<float>(RowPointer(row), Width)))
                return row;
        }
        return -1;
    }
}
