using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>From a tensor of features to the queries of a step.</summary>
public static class StepBegin
{
    /// <summary>
    /// queries [Q, D] ← features [B, width], zeros beyond width; ownRows [Q] ← the anchors, −1 from B on. Queries from B on are
    /// zeros. flags[0] gets <paramref name="bit"/> where a feature is NaN or infinite. Grid: Q.
    /// </summary>
    /// <param name="anchors">[B] bank rows.</param>
    /// <param name="features">[B, width], dense.</param>
    public static void TakeFeatures(
        ArrayView<int> anchors, ArrayView<float> features, ArrayView<Float4> queries, ArrayView<int> ownRows, ArrayView<int> flags,
        int batch, int width, int strideQuads, int bit)
    {
        // One group owns one query; a thread owns every DimX-th value of D: rows of any width lie side by side.
        ArrayView<float> values = queries.Cast<float>();
        int query = Grid.IdxX;
        bool isFinite = true;
        if (Group.IdxX == 0)
            ownRows[query] = query < batch ? anchors[query] : -1;
        for (int d = Group.IdxX; d < 4 * strideQuads; d += Group.DimX)
        {
            float value = Value(features, query, batch, d, width);
            isFinite &= DeviceMath.IsFinite(value);
            values[4L * query * strideQuads + d] = value;
        }

        if (!isFinite)
            Atomic.Or(ref flags[0], bit);
    }

    private static float Value(ArrayView<float> features, int row, int batch, int column, int width)
    {
        float value = 0f;
        if (row < batch && column < width)
            value = features[(long)row * width + column];
        return value;
    }
}
