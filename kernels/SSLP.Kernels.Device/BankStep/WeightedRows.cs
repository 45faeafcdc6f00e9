using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// dL/df: the sets' bank rows by their factors. An anchor's rows lie anywhere in the bank, so that what counts is how many are on their
/// way at once: several groups share an anchor, and a thread asks for four rows before it adds the first. The order of the sum is a
/// function of the sizes: deterministic.
/// </summary>
public static class WeightedRows
{
    /// <summary>
    /// parts [B, slices, D] ← Σ factor_j · v_j over a slice of {i}, S and F, whose rows are read here, and of Q, whose slices are summed
    /// (<see cref="NegativeSums"/>). 4·D bytes a row. Grid: (B, slices). D at most 1024.
    /// </summary>
    /// <param name="negativeParts">[B, slices, D] Σ e^((d_n − m)/τ)·v_n.</param>
    /// <param name="negativeLargest">[B, slices] m.</param>
    /// <param name="pushes">[B, 2] as <see cref="ThreeTermLoss.TakeThreeTermLoss"/> gives them.</param>
    public static void SumWeightedRows(
        ArrayView<int> anchors, ArrayView<Float4> bank, ArrayView<float> selfFactor,
        ArrayView<int> spatialRows, ArrayView<float> spatial, ArrayView<int> spatialCounts,
        ArrayView<int> featureRows, ArrayView<float> feature, ArrayView<int> featureCounts,
        ArrayView<Float4> negativeParts, ArrayView<float> negativeLargest, ArrayView<float> pushes, ArrayView<Float4> parts,
        int strideQuads, int spatialCapacity, int featureCapacity, float inverseTemperature)
    {
        // One group owns one slice of one anchor's rows. A thread owns four neighbouring values of D and every `step`-th row of each list.
        ArrayView<Float4> partial = SharedMemory.Allocate<Float4>(DeviceMath.GroupSize);
        int b = Grid.IdxX, lines = Group.DimX / strideQuads, column = Group.IdxX % strideQuads, line = Group.IdxX / strideQuads;
        var rows = new Rows(bank, strideQuads, column, Grid.IdxY * lines + line, Grid.DimY * lines);
        long part = (long)b * Grid.DimY + Grid.IdxY;
        Float4 sum = default;
        if (line < lines)
        {
            if (Grid.IdxY == 0 && line == 0)
                sum = Float4.Scale(bank[(long)anchors[b] * strideQuads + column], selfFactor[b]);
            sum = rows.Add(spatialRows, spatial, (long)b * spatialCapacity, IntrinsicMath.Min(spatialCounts[b], spatialCapacity), sum);
            sum = rows.Add(featureRows, feature, (long)b * featureCapacity, IntrinsicMath.Min(featureCounts[b], featureCapacity), sum);
            if (line == 0)
            {
                float push = pushes[2 * b + 1] * DeviceMath.Exp((negativeLargest[part] - pushes[2 * b]) * inverseTemperature);
                sum = Float4.MultiplyAdd(push, negativeParts[part * strideQuads + column], sum);
            }
        }

        partial[Group.IdxX] = sum;
        Group.Barrier();
        if (line == 0)
        {
            for (int other = 1; other < lines; other++)
                sum = Float4.Add(sum, partial[Group.IdxX + other * strideQuads]);
            parts[part * strideQuads + column] = sum;
        }
    }

    /// <summary>gradient [B, width], dense, ← the slices' sums, in their order.</summary>
    public static void SumSlices(ArrayView<Float4> parts, ArrayView<float> gradient, int slices, int width, int strideQuads)
    {
        // One group owns one anchor; a thread owns every DimX-th four values of D.
        for (int column = Group.IdxX; column < strideQuads; column += Group.DimX)
        {
            long part = (long)Grid.IdxX * slices * strideQuads + column;
            Float4 sum = parts[part];
            for (int slice = 1; slice < slices; slice++)
                sum = Float4.Add(sum, parts[part + (long)slice * strideQuads]);
            long to = (long)Grid.IdxX * width + 4 * column;
            int left = width - 4 * column;
            if (left > 0)
                gradient[to] = sum.X;
            if (left > 1)
                gradient[to + 1] = sum.Y;
            if (left > 2)
                gradient[to + 2] = sum.Z;
            if (left > 3)
                gradient[to + 3] = sum.W;
        }
    }

    /// <summary>A thread's share of a weighted sum of bank rows.</summary>
    private readonly struct Rows(ArrayView<Float4> bank, int strideQuads, int column, int first, int step)
    {
        public Float4 Add(ArrayView<int> rows, ArrayView<float> factors, long list, int count, Float4 sum)
        {
            int j = first;
            for (; j + 3 * step < count; j += 4 * step)
            {
                long one = list + j, two = one + step, three = two + step, four = three + step;
                int rowA = rows[one], rowB = rows[two], rowC = rows[three], rowD = rows[four];
                float factorA = factors[one], factorB = factors[two], factorC = factors[three], factorD = factors[four];
                Float4 a = Value(rowA), b = Value(rowB), c = Value(rowC), d = Value(rowD);
                sum = Float4.MultiplyAdd(factorA, a, sum);
                sum = Float4.MultiplyAdd(factorB, b, sum);
                sum = Float4.MultiplyAdd(factorC, c, sum);
                sum = Float4.MultiplyAdd(factorD, d, sum);
            }

            for (; j < count; j += step)
                sum = Float4.MultiplyAdd(factors[list + j], Value(rows[list + j]), sum);
            return sum;
        }

        private Float4 Value(int row) => bank[(long)row * strideQuads + column];
    }
}
