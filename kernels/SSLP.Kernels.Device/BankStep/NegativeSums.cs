using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// The negatives' similarities and their softmax-weighted sum by one read of their bank rows. The weights' common factor is not known
/// before all similarities are; each slice of an anchor takes its own largest one for it, and corrects what it has summed when a larger
/// one comes (online softmax: Milakov and Gimelshein 2018). The order of every sum is a function of the sizes: deterministic.
/// </summary>
public static class NegativeSums
{
    /// <summary>Rows of a tile at the smallest D, 16: four for each four threads.</summary>
    private const int MostRows = DeviceMath.GroupSize;

    /// <summary>
    /// scores [B, capacity] ← d_n = ⟨f_b, v_n⟩ of each anchor's rows; of each slice largest [B, slices] ← m = max d_n, −∞ where it has no
    /// row, and parts [B, slices, D] ← Σ e^((d_n − m)/τ)·v_n. 4·D bytes and 4·D flops a row. Grid: (B, slices). D at most 1024.
    /// </summary>
    /// <param name="rows">[B, capacity], counts[b] of them.</param>
    public static void SumNegatives(
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<int> rows, ArrayView<int> counts, ArrayView<float> scores,
        ArrayView<Float4> parts, ArrayView<float> largest, int capacity, int strideQuads, float inverseTemperature)
    {
        // One group owns one slice of one anchor's rows. A thread holds four neighbouring values of D of four rows of a tile.
        ArrayView<Float4> shared = SharedMemory.Allocate<Float4>(DeviceMath.GroupSize);
        ArrayView<float> dots = SharedMemory.Allocate<float>(MostRows);
        ArrayView<float> factors = SharedMemory.Allocate<float>(MostRows);
        int b = Grid.IdxX, lines = Group.DimX / strideQuads, column = Group.IdxX % strideQuads, line = Group.IdxX / strideQuads;
        int count = counts[b], each = (count + Grid.DimY - 1) / Grid.DimY;
        int first = IntrinsicMath.Min(Grid.IdxY * each, count), end = IntrinsicMath.Min(first + each, count);
        long list = (long)b * capacity;
        Float4 query = line < lines ? queries[(long)b * strideQuads + column] : default;
        float most = float.NegativeInfinity;
        Float4 sum = default;
        for (int start = first; start < end; start += 4 * lines)
        {
            var held = new Tile(bank, rows, list + start, IntrinsicMath.Min(4 * lines, end - start), lines, strideQuads, column, line);
            Float4 one = held.Load(0), two = held.Load(1), three = held.Load(2), four = held.Load(3);
            held.Store(shared, 0, Dot(query, one));
            held.Store(shared, 1, Dot(query, two));
            held.Store(shared, 2, Dot(query, three));
            held.Store(shared, 3, Dot(query, four));
            Group.Barrier();
            held.Score(shared, dots, scores);
            Group.Barrier();
            float next = DeviceMath.Max(most, held.Largest(dots));
            for (int j = Group.IdxX; j < held.Rows; j += Group.DimX)
                factors[j] = DeviceMath.Exp((dots[j] - next) * inverseTemperature);
            sum = Float4.Scale(sum, DeviceMath.Exp((most - next) * inverseTemperature));
            most = next;
            Group.Barrier();
            sum = Float4.MultiplyAdd(held.Factor(factors, 0), one, sum);
            sum = Float4.MultiplyAdd(held.Factor(factors, 1), two, sum);
            sum = Float4.MultiplyAdd(held.Factor(factors, 2), three, sum);
            sum = Float4.MultiplyAdd(held.Factor(factors, 3), four, sum);
        }

        shared[Group.IdxX] = sum;  // all have read the last parts before the last barrier
        Group.Barrier();
        long part = (long)b * Grid.DimY + Grid.IdxY;
        if (line == 0)
        {
            for (int other = 1; other < lines; other++)
                sum = Float4.Add(sum, shared[Group.IdxX + other * strideQuads]);
            parts[part * strideQuads + column] = sum;
        }

        if (Group.IdxX == 0)
            largest[part] = most;
    }

    private static float Dot(Float4 a, Float4 b) =>
        DeviceMath.MultiplyAdd(a.W, b.W, DeviceMath.MultiplyAdd(a.Z, b.Z, DeviceMath.MultiplyAdd(a.Y, b.Y, a.X * b.X)));

    /// <summary>Up to four rows a line of threads; row r of a thread is line + r · lines.</summary>
    private readonly struct Tile(
        ArrayView<Float4> bank, ArrayView<int> rows, long first, int count, int lines, int strideQuads, int column, int line)
    {
        public int Rows => count;

        public Float4 Load(int r)
        {
            int j = line + r * lines;
            Float4 value = default;
            if (line < lines && j < count)
                value = bank[(long)rows[first + j] * strideQuads + column];
            return value;
        }

        /// <summary>A thread's part of a row's similarity.</summary>
        public void Store(ArrayView<Float4> shared, int r, float part)
        {
            ArrayView<float> parts = shared.Cast<float>();
            int j = line + r * lines;
            if (line < lines && j < count)
                parts[j * strideQuads + column] = part;
        }

        public float Factor(ArrayView<float> factors, int r)
        {
            int j = line + r * lines;
            float factor = 0f;
            if (line < lines && j < count)
                factor = factors[j];
            return factor;
        }

        /// <summary>Each row's similarity, by as many lanes as there are fours of parts, or by the power of two below: in one round, but
        /// for D above 512.</summary>
        public void Score(ArrayView<Float4> shared, ArrayView<float> dots, ArrayView<float> scores)
        {
            int fours = strideQuads / 4, lanes = 32;
            while (lanes > fours)
                lanes /= 2;
            int lane = Group.IdxX % lanes;
            for (int start = 0; start < count; start += Group.DimX / lanes)
            {
                int j = start + Group.IdxX / lanes;
                float dot = 0f;
                for (int part = lane; j < count && part < fours; part += lanes)
                {
                    Float4 parts = shared[j * fours + part];
                    dot += parts.X + parts.Y + (parts.Z + parts.W);
                }

                for (int step = lanes / 2; step > 0; step /= 2)
                    dot += Warp.ShuffleXor(dot, step);
                if (lane == 0 && j < count)
                {
                    dots[j] = dot;
                    scores[first + j] = dot;
                }
            }
        }

        /// <summary>Of the tile's similarities; each warp finds it for itself.</summary>
        public float Largest(ArrayView<float> dots)
        {
            float largest = float.NegativeInfinity;
            for (int j = Warp.LaneIdx; j < count; j += 32)
                largest = DeviceMath.Max(largest, dots[j]);
            for (int step = 16; step > 0; step /= 2)
                largest = DeviceMath.Max(largest, Warp.ShuffleXor(largest, step));
            return largest;
        }
    }
}
