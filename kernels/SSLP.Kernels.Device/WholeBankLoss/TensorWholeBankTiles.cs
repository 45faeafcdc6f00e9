using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>A warp's scores, then softmax weights, of sixteen queries with 32 rows: four fragments of C, eight rows each.</summary>
internal struct RowScores
{
    private Float4 _c0, _c1, _c2, _c3;

    /// <summary>Of the lane's first query.</summary>
    public readonly float LargestNear => OfFour(Largest(Largest(_c0.X, _c0.Y, _c1.X, _c1.Y), Largest(_c2.X, _c2.Y, _c3.X, _c3.Y)));

    /// <summary>Of its second, eight further on.</summary>
    public readonly float LargestFar => OfFour(Largest(Largest(_c0.Z, _c0.W, _c1.Z, _c1.W), Largest(_c2.Z, _c2.W, _c3.Z, _c3.W)));

    /// <summary>Sum of this lane's values alone.</summary>
    public readonly float TotalNear => _c0.X + _c0.Y + (_c1.X + _c1.Y) + (_c2.X + _c2.Y + (_c3.X + _c3.Y));

    public readonly float TotalFar => _c0.Z + _c0.W + (_c1.Z + _c1.W) + (_c2.Z + _c2.W + (_c3.Z + _c3.W));

    /// <summary>One step of sixteen values of D: three products of a query fragment and two of rows, the rests' with each other left
    /// out.</summary>
    public readonly RowScores Accumulate(ArrayView<UInt4> queries, int packed, int stage, int part)
    {
        RowScores sum = this;
        Fragments whole = Fragments.OfHeld(queries[packed + Warp.LaneIdx]), rest = Fragments.OfHeld(queries[packed + 32 + Warp.LaneIdx]);
        int rests = stage + TensorWholeBankLoss.TileRows * Fragments.RowParts;
        Fragments rows = TensorCore.Load(Fragments.OfRows(stage, 0, part)), more = TensorCore.Load(Fragments.OfRows(stage, 16, part));
        sum._c0 = TensorCore.MultiplyAdd(whole, rows, 0, sum._c0);
        sum._c1 = TensorCore.MultiplyAdd(whole, rows, 1, sum._c1);
        sum._c2 = TensorCore.MultiplyAdd(whole, more, 0, sum._c2);
        sum._c3 = TensorCore.MultiplyAdd(whole, more, 1, sum._c3);
        sum._c0 = TensorCore.MultiplyAdd(rest, rows, 0, sum._c0);
        sum._c1 = TensorCore.MultiplyAdd(rest, rows, 1, sum._c1);
        sum._c2 = TensorCore.MultiplyAdd(rest, more, 0, sum._c2);
        sum._c3 = TensorCore.MultiplyAdd(rest, more, 1, sum._c3);
        rows = TensorCore.Load(Fragments.OfRows(rests, 0, part));
        more = TensorCore.Load(Fragments.OfRows(rests, 16, part));
        sum._c0 = TensorCore.MultiplyAdd(whole, rows, 0, sum._c0);
        sum._c1 = TensorCore.MultiplyAdd(whole, rows, 1, sum._c1);
        sum._c2 = TensorCore.MultiplyAdd(whole, more, 0, sum._c2);
        sum._c3 = TensorCore.MultiplyAdd(whole, more, 1, sum._c3);
        return sum;
    }

    /// <summary>d/τ; far below everything where there is no row.</summary>
    /// <param name="left">Rows of the tile that there are.</param>
    public readonly RowScores Logits(float inverseTemperature, int left)
    {
        int row = Warp.LaneIdx % 4 * 2;
        RowScores logits;
        logits._c0 = Logits(_c0, inverseTemperature, row, left);
        logits._c1 = Logits(_c1, inverseTemperature, row + 8, left);
        logits._c2 = Logits(_c2, inverseTemperature, row + 16, left);
        logits._c3 = Logits(_c3, inverseTemperature, row + 24, left);
        return logits;
    }

    /// <summary>exp(logit − largest), 0 where there is no row.</summary>
    public readonly RowScores Weights(float near, float far)
    {
        RowScores weights;
        weights._c0 = Weights(_c0, near, far);
        weights._c1 = Weights(_c1, near, far);
        weights._c2 = Weights(_c2, near, far);
        weights._c3 = Weights(_c3, near, far);
        return weights;
    }

    /// <summary>
    /// The same values as fragments of A, rows being k: what a lane holds of C[16, 8] twice is what it must hold of A[16, 16].
    /// </summary>
    public readonly HeldWeights Hold()
    {
        HeldWeights held;
        UInt4 whole0 = Round(_c0, _c1), whole1 = Round(_c2, _c3), rest0 = Rest(_c0, _c1, whole0), rest1 = Rest(_c2, _c3, whole1);
        held.Whole0 = Fragments.OfHeld(whole0);
        held.Rest0 = Fragments.OfHeld(rest0);
        held.Whole1 = Fragments.OfHeld(whole1);
        held.Rest1 = Fragments.OfHeld(rest1);
        return held;
    }

    private static UInt4 Round(Float4 low, Float4 high)
    {
        UInt4 rounded;
        rounded.X = TensorCore.Round(low.X, low.Y);
        rounded.Y = TensorCore.Round(low.Z, low.W);
        rounded.Z = TensorCore.Round(high.X, high.Y);
        rounded.W = TensorCore.Round(high.Z, high.W);
        return rounded;
    }

    private static UInt4 Rest(Float4 low, Float4 high, UInt4 rounded)
    {
        UInt4 rest;
        rest.X = TensorCore.Rest(low.X, low.Y, rounded.X);
        rest.Y = TensorCore.Rest(low.Z, low.W, rounded.Y);
        rest.Z = TensorCore.Rest(high.X, high.Y, rounded.Z);
        rest.W = TensorCore.Rest(high.Z, high.W, rounded.W);
        return rest;
    }

    private static Float4 Logits(Float4 scores, float inverseTemperature, int row, int left)
    {
        Float4 logits;
        logits.X = row < left ? scores.X * inverseTemperature : -1e30f;
        logits.Y = row + 1 < left ? scores.Y * inverseTemperature : -1e30f;
        logits.Z = row < left ? scores.Z * inverseTemperature : -1e30f;
        logits.W = row + 1 < left ? scores.W * inverseTemperature : -1e30f;
        return logits;
    }

    private static Float4 Weights(Float4 logits, float near, float far)
    {
        Float4 weights;
        weights.X = DeviceMath.Exp(logits.X - near);
        weights.Y = DeviceMath.Exp(logits.Y - near);
        weights.Z = DeviceMath.Exp(logits.Z - far);
        weights.W = DeviceMath.Exp(logits.W - far);
        return weights;
    }

    private static float Largest(float a, float b, float c, float d) => DeviceMath.Max(DeviceMath.Max(a, b), DeviceMath.Max(c, d));

    private static float Largest(float a, float b) => DeviceMath.Max(a, b);

    private static float OfFour(float value)
    {
        value = DeviceMath.Max(value, Warp.ShuffleXor(value, 1));
        return DeviceMath.Max(value, Warp.ShuffleXor(value, 2));
    }
}

/// <summary>Softmax weights of sixteen queries with 32 rows as operands: sixteen rows each, values and rests.</summary>
internal struct HeldWeights
{
    public Fragments Whole0, Rest0, Whole1, Rest1;
}

/// <summary>A warp's weighted sums of rows for sixteen queries, 128 values of D: sixteen fragments of C.</summary>
internal struct WeightedTile
{
    private Float4 _c0, _c1, _c2, _c3, _c4, _c5, _c6, _c7, _c8, _c9, _c10, _c11, _c12, _c13, _c14, _c15;

    /// <summary>The sums so far, shrunk, and a tile's rows by their weights. What is beyond D stays 0.</summary>
    public readonly WeightedTile Accumulate(
        HeldWeights weights, int stage, int strideQuads, float near, float far)
    {
        WeightedTile sum = this;
        var rows = new Rows(weights, stage, near, far);
        rows.Add(0, ref sum._c0, ref sum._c1);
        if (strideQuads > 4)
            rows.Add(2, ref sum._c2, ref sum._c3);
        if (strideQuads > 8)
            rows.Add(4, ref sum._c4, ref sum._c5);
        if (strideQuads > 12)
            rows.Add(6, ref sum._c6, ref sum._c7);
        if (strideQuads > 16)
            rows.Add(8, ref sum._c8, ref sum._c9);
        if (strideQuads > 20)
            rows.Add(10, ref sum._c10, ref sum._c11);
        if (strideQuads > 24)
            rows.Add(12, ref sum._c12, ref sum._c13);
        if (strideQuads > 28)
            rows.Add(14, ref sum._c14, ref sum._c15);
        return sum;
    }

    /// <summary>One query's sums: the lane's first or its second.</summary>
    public readonly void Write(ArrayView<float> sums, long first, int stride, int far)
    {
        Two(sums, first, 0, stride, far, _c0);
        Two(sums, first, 8, stride, far, _c1);
        Two(sums, first, 16, stride, far, _c2);
        Two(sums, first, 24, stride, far, _c3);
        Two(sums, first, 32, stride, far, _c4);
        Two(sums, first, 40, stride, far, _c5);
        Two(sums, first, 48, stride, far, _c6);
        Two(sums, first, 56, stride, far, _c7);
        Two(sums, first, 64, stride, far, _c8);
        Two(sums, first, 72, stride, far, _c9);
        Two(sums, first, 80, stride, far, _c10);
        Two(sums, first, 88, stride, far, _c11);
        Two(sums, first, 96, stride, far, _c12);
        Two(sums, first, 104, stride, far, _c13);
        Two(sums, first, 112, stride, far, _c14);
        Two(sums, first, 120, stride, far, _c15);
    }

    private static void Two(ArrayView<float> sums, long first, int column, int stride, int far, Float4 values)
    {
        if (column >= stride)
            return;
        sums[first + column] = far == 0 ? values.X : values.Z;
        sums[first + column + 1] = far == 0 ? values.Y : values.W;
    }

    private readonly struct Rows(HeldWeights weights, int stage, float near, float far)
    {
        /// <summary>Sixteen values of D. A tensor core's own sums start anew with each tile.</summary>
        public void Add(int part, ref Float4 low, ref Float4 high)
        {
            Float4 fresh = default, next = default;
            Add(part, 0, weights.Whole0, weights.Rest0, ref fresh, ref next);
            Add(part, 16, weights.Whole1, weights.Rest1, ref fresh, ref next);
            low = Shrunk(low, fresh);
            high = Shrunk(high, next);
        }

        private void Add(int part, int line, Fragments whole, Fragments rest, ref Float4 low, ref Float4 high)
        {
            int rests = stage + TensorWholeBankLoss.TileRows * Fragments.RowParts;
            Fragments rows = TensorCore.LoadAcross(Fragments.OfRowsAcross(stage, line, part));
            low = TensorCore.MultiplyAdd(whole, rows, 0, low);
            high = TensorCore.MultiplyAdd(whole, rows, 1, high);
            low = TensorCore.MultiplyAdd(rest, rows, 0, low);
            high = TensorCore.MultiplyAdd(rest, rows, 1, high);
            rows = TensorCore.LoadAcross(Fragments.OfRowsAcross(rests, line, part));
            low = TensorCore.MultiplyAdd(whole, rows, 0, low);
            high = TensorCore.MultiplyAdd(whole, rows, 1, high);
        }

        private Float4 Shrunk(Float4 sum, Float4 fresh)
        {
            fresh.X = DeviceMath.MultiplyAdd(sum.X, near, fresh.X);
            fresh.Y = DeviceMath.MultiplyAdd(sum.Y, near, fresh.Y);
            fresh.Z = DeviceMath.MultiplyAdd(sum.Z, far, fresh.Z);
            fresh.W = DeviceMath.MultiplyAdd(sum.W, far, fresh.W);
            return fresh;
        }
    }
}
