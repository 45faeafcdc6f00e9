using System.Numerics.Tensors;

namespace SSLP.Kernels;

/// <summary>
/// The memory bank: one unit vector v_i of D floats for each of N patches, no gradient (method.md, "The bank and the clusters").
/// Held twice: as rows (to gather) and as panels of 32 rows, depth-major (to stream: <see cref="ScoreTile"/> reads a panel front to
/// back). Every change writes both. Rows are always finite. Native bytes: <see cref="BytesFor"/>.
/// Not synchronised: no update may run beside a pass.
/// </summary>
public sealed unsafe class MemoryBank : IDisposable
{
    /// <summary>Rows of a packed panel: two AVX-512 vectors, four of AVX2.</summary>
    public const int PanelRows = 32;

    /// <summary>Row strides are whole cache lines of 16 floats; the floats beyond D are 0.</summary>
    private const int StrideMultiple = 16;

    private readonly AlignedBuffer<float> _rows;
    private readonly AlignedBuffer<float> _panels;
    private readonly AlignedBuffer<float> _blend;

    /// <summary>A bank of zero rows; fill it by <see cref="LoadRows"/> or make it by <see cref="CreateRandom"/>.</summary>
    /// <exception cref="ArgumentException">N or D is below 1.</exception>
    public MemoryBank(int rowCount, int width)
    {
        if (rowCount < 1 || width < 1)
            throw new ArgumentException($"A memory bank needs at least one row and a width of at least 1, not {rowCount} × {width}.");
        RowCount = rowCount;
        Width = width;
        Stride = RoundUp(width, StrideMultiple);
        PanelCount = (rowCount + PanelRows - 1) / PanelRows;
        _rows = new AlignedBuffer<float>((long)rowCount * Stride);
        _panels = new AlignedBuffer<float>((long)PanelCount * PanelRows * width);
        _blend = new AlignedBuffer<float>(width);
    }

    /// <summary>Raised with the row after each change of one, by the thread that changes it: copies of the bank elsewhere follow by
    /// it.</summary>
    internal event Action<int>? RowWritten;

    /// <summary>N, the number of patches.</summary>
    public int RowCount { get; }

    /// <summary>D, the width of a vector.</summary>
    public int Width { get; }

    /// <summary>Floats from one row to the next.</summary>
    public int Stride { get; }

    /// <summary>⌈N / 32⌉. Lanes of the last panel beyond N are 0.</summary>
    public int PanelCount { get; }

    /// <summary>The rows, for reading: writing through this view would leave the panels behind.</summary>
    public MatrixView Rows => new(_rows.Pointer, RowCount, Width, Stride);

    /// <summary>Native bytes held: rows, panels and a line of scratch.</summary>
    public long Bytes => _rows.Bytes + _panels.Bytes + _blend.Bytes;

    /// <summary>4·N·⌈D⌉₁₆ for the rows and 4·⌈N⌉₃₂·D for the panels, in bytes, allocation tails aside.</summary>
    public static long BytesFor(long rowCount, int width) =>
        sizeof(float) * (rowCount * RoundUp(width, StrideMultiple) + (rowCount + PanelRows - 1) / PanelRows * PanelRows * width);

    /// <summary>
    /// Rows of uniformly random direction: unit Gaussian vectors, a function of (seed, row) alone, whatever the thread count.
    /// </summary>
    public static MemoryBank CreateRandom(int rowCount, int width, ulong seed, IWorkers? pool = null) =>
        CreateRandomPart(0, rowCount, width, seed, pool);

    /// <summary>Some rows of such a bank, from <paramref name="first"/> on: as they are in the whole.</summary>
    internal static MemoryBank CreateRandomPart(int first, int rowCount, int width, ulong seed, IWorkers? pool = null)
    {
        var bank = new MemoryBank(rowCount, width);
        var fill = new RandomFill(bank, CounterRandom.Key(seed, RandomPurpose.BankRows), first);
        if (pool is null)
        {
            for (int panel = 0; panel < bank.PanelCount; panel++)
                fill.Execute(panel, 0);
        }
        else
        {
            pool.Run(fill, bank.PanelCount);
        }
        return bank;
    }

    /// <summary>One row, D floats.</summary>
    public ReadOnlySpan<float> Row(int row) => Rows.Row(row);

    /// <summary>
    /// Panel p: D × 32 floats, element (d, lane) at d·32 + lane, being value d of row 32·p + lane. Not bounds checked.
    /// </summary>
    public float* Panel(int panel) => _panels.Pointer + (nint)panel * PanelRows * Width;

    /// <summary>
    /// v_r ← unit((1−m)·v_r + m·f_i) for each r = rows[i], in the order given: a row that occurs twice is blended twice.
    /// A blend of length 0 (m = ½, f = −v) has no direction: the row keeps its value. Checks all before it changes any.
    /// </summary>
    /// <param name="rows">B bank rows.</param>
    /// <param name="features">f [B, D], finite; unit length is the caller's wish, not a need.</param>
    /// <param name="momentum">m in [0, 1], the weight of the new feature; method.md has 0.5.</param>
    /// <exception cref="ArgumentException">Shapes disagree, a row is out of range, m is not in [0, 1], or a feature is not
    /// finite.</exception>
    public void Update(ReadOnlySpan<int> rows, MatrixView features, float momentum)
    {
        CheckUpdate(rows, features, momentum);
        Span<float> blend = _blend.Span(0, Width);
        for (int i = 0; i < rows.Length; i++)
        {
            ReadOnlySpan<float> old = Row(rows[i]);
            ReadOnlySpan<float> feature = features.Row(i);
            double squared = 0;
            for (int d = 0; d < blend.Length; d++)
            {
                float value = (1 - momentum) * old[d] + momentum * feature[d];
                blend[d] = value;
                squared += (double)value * value;
            }
            if (squared == 0)
                continue;
            TensorPrimitives.Multiply(blend, (float)(1.0 / Math.Sqrt(squared)), blend);
            WriteRow(rows[i], blend);
        }
    }

    /// <summary>Replaces rows start, start+1, … by values [rows, D] without renormalising: what <see cref="SaveRows"/> gave, to the
    /// bit.</summary>
    /// <exception cref="ArgumentException">The values are not whole rows of this bank, or one is not finite.</exception>
    public void LoadRows(int start, ReadOnlySpan<float> values)
    {
        int rows = CheckRange(start, values.Length);
        for (int i = 0; i < rows; i++)
        {
            if (!TensorPrimitives.IsFiniteAll(values.Slice(i * Width, Width)))
                throw new ArgumentException($"Bank row {start + i} holds a value that is not finite.");
        }
        for (int i = 0; i < rows; i++)
            WriteRow(start + i, values.Slice(i * Width, Width));
    }

    /// <summary>Copies rows start, start+1, … into values [rows, D]. A large bank is saved in parts: a span ends at 2³¹ floats.</summary>
    public void SaveRows(int start, Span<float> values)
    {
        int rows = CheckRange(start, values.Length);
        for (int i = 0; i < rows; i++)
            Row(start + i).CopyTo(values.Slice(i * Width, Width));
    }

    public void Dispose()
    {
        if (_isDisposed)
            return; // once more is allowed, as of any IDisposable
        _isDisposed = true;
        _rows.Dispose();
        _panels.Dispose();
        _blend.Dispose();
    }

    private bool _isDisposed;

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    private void WriteRow(int row, ReadOnlySpan<float> values)
    {
        values.CopyTo(Rows.Row(row));
        float* lane = Panel(row / PanelRows) + row % PanelRows;
        for (int d = 0; d < values.Length; d++)
            lane[(nint)d * PanelRows] = values[d];
        RowWritten?.Invoke(row);
    }

    /// <summary>The checks of <see cref="Update"/>.</summary>
    internal void CheckUpdate(ReadOnlySpan<int> rows, MatrixView features, float momentum)
    {
        CheckUpdateShape(rows, features, momentum);
        RefuseNonFinite(rows, features);
    }

    /// <summary>The checks that need no look at the features' values.</summary>
    internal void CheckUpdateShape(ReadOnlySpan<int> rows, MatrixView features, float momentum)
    {
        if (features.Rows != rows.Length || (features.Rows > 0 && features.Width != Width))
            throw new ArgumentException(
                $"An update of {rows.Length} bank rows of width {Width} was given features of {features.Rows} × {features.Width}.");
        CheckUpdateRows(rows, momentum);
    }

    /// <summary>The checks that need no look at the features.</summary>
    internal void CheckUpdateRows(ReadOnlySpan<int> rows, float momentum)
    {
        if (!(momentum >= 0 && momentum <= 1))
            throw new ArgumentException($"The bank momentum must lie in [0, 1]; it is {momentum}.");
        foreach (int row in rows)
        {
            if ((uint)row >= (uint)RowCount)
                throw new ArgumentException($"Bank row {row} is outside the bank's {RowCount} rows.");
        }
    }

    /// <summary>Names the first feature that is not finite.</summary>
    internal static void RefuseNonFinite(ReadOnlySpan<int> rows, MatrixView features)
    {
        if (features.FirstNonFiniteRow() is >= 0 and var bad)
            throw new ArgumentException($"Feature {bad} (bank row {rows[bad]}) holds a value that is not finite; the bank is unchanged.");
    }

    private int CheckRange(int start, int values)
    {
        int rows = values / Width;
        if (values % Width != 0)
            throw new ArgumentException($"{values} values are not whole rows of width {Width}.");
        if (start < 0 || start > RowCount - rows)
            throw new ArgumentException($"Rows {start} to {start + rows} are outside the bank's {RowCount} rows.");
        return rows;
    }

    /// <summary>One item = one panel of rows.</summary>
    private sealed class RandomFill(MemoryBank bank, ulong key, int first) : IParallelWork
    {
        public void Execute(int item, int worker)
        {
            Span<float> row = new float[bank.Width + 3];
            for (int r = item * PanelRows; r < Math.Min(bank.RowCount, (item + 1) * PanelRows); r++)
                FillRow(r, row);
        }

        private void FillRow(int r, Span<float> row)
        {
            for (int d = 0; d < bank.Width; d += 4)
            {
                RandomWords words = CounterRandom.Block(key, (ulong)(first + r), (ulong)(d / 4));
                (row[d], row[d + 1]) = CounterRandom.Gaussian(words.X, words.Y);
                (row[d + 2], row[d + 3]) = CounterRandom.Gaussian(words.Z, words.W);
            }
            Span<float> values = row[..bank.Width];
            double squared = 0;
            foreach (float value in values)
                squared += (double)value * value;
            // Box and Muller give 0 for all D values with a chance of about 2⁻³²ᴰ: that row points along the first axis.
            if (squared == 0)
                values[0] = 1;
            else
                TensorPrimitives.Multiply(values, (float)(1.0 / Math.Sqrt(squared)), values);
            bank.WriteRow(r, values);
        }
    }
}
