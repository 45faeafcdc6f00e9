using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// The three terms of each anchor and the factor of every bank row in dL/df_i, from similarities; formulas as in the CPU's ThreeTermLoss.
/// With z = d/τ, ζ = log Σ_Q eᶻ, λ = log Σ_S eᶻ, p_j = σ(z_j − ζ), u_j = p_j / Σ_F p:
/// <code>
/// L_self = softplus(ζ − z_i), L_intra = softplus(ζ − λ), L_inter = log|F| − log Σ_F p
/// </code>
/// Maxima are subtracted before every exponential. Without negatives all terms and factors are 0.
/// </summary>
public static class ThreeTermLoss
{
    /// <summary>
    /// terms [B, 3] unweighted; similarities in the lists become factors of dL/df; selfFactor [B]. Means run over the anchors that
    /// contribute.
    /// </summary>
    /// <param name="selfFactor">Out [B]: the own row's factor.</param>
    /// <param name="pushes">Out [B, 2]: m and G, of which a negative's factor is G·e^((d − m)/τ): the largest of the negatives'
    /// similarities, and what pushes them all over Σ e^((d − m)/τ).</param>
    /// <param name="detachNegatives">1 makes the negatives' factors 0.</param>
    public static void TakeThreeTermLoss(
        ArrayView<int> anchors, ArrayView<Float4> features, ArrayView<Float4> bank,
        ArrayView<float> spatial, ArrayView<int> spatialCounts, ArrayView<float> feature, ArrayView<int> featureCounts,
        ArrayView<float> negatives, ArrayView<int> negativeCounts, ArrayView<float> selfFactor, ArrayView<float> pushes,
        ArrayView<float> terms,
        int batch, int strideQuads, int spatialCapacity, int featureCapacity, int rankCount,
        float inverseTemperature, float selfWeight, float intraWeight, float interWeight, int detachNegatives)
    {
        // One group owns one anchor; a thread owns every DimX-th row of each list.
        ArrayView<float> partial = SharedMemory.Allocate<float>(DeviceMath.GroupSize);
        int b = Grid.IdxX;
        var s = new List(spatial, (long)b * spatialCapacity, IntrinsicMath.Min(spatialCounts[b], spatialCapacity));
        var f = new List(feature, (long)b * featureCapacity, IntrinsicMath.Min(featureCounts[b], featureCapacity));
        var q = new List(negatives, (long)b * rankCount, negativeCounts[b]);
        if (Group.IdxX == 0)
            partial[0] = Float4.Dot(features, b, bank, anchors[b], strideQuads) * inverseTemperature;
        Group.Barrier();
        float self = partial[0];

        if (q.Count == 0)
        {
            s.Fill(0f);
            f.Fill(0f);
            if (Group.IdxX == 0)
                Write(b, 0f, 0f, 0f, 0f, 0f, 0f, terms, selfFactor, pushes);
            return;
        }

        Exponentials negative = q.ToSoftmax(inverseTemperature, partial);
        float zeta = negative.LogSum(inverseTemperature);
        float selfPull = selfWeight / batch * DeviceMath.Logistic(zeta - self);
        float intraTerm = 0f, intraPull = 0f, interTerm = 0f, interPull = 0f;
        if (s.Count > 0)
        {
            float lambda = s.ToSoftmax(inverseTemperature, partial).LogSum(inverseTemperature);
            intraTerm = DeviceMath.SoftPlus(zeta - lambda);
            intraPull = intraWeight / Contributing(spatialCounts, batch, partial) * DeviceMath.Logistic(zeta - lambda);
            s.Scale(-intraPull * inverseTemperature);
        }

        if (f.Count > 0)
        {
            float factor = interWeight / Contributing(featureCounts, batch, partial);
            // log p rises with d: the most similar row has the largest.
            float largest = -DeviceMath.SoftPlus(zeta - f.Largest(partial) * inverseTemperature), sum = 0f, pull = 0f;
            for (int j = Group.IdxX; j < f.Count; j += Group.DimX)
                sum += DeviceMath.Exp(-DeviceMath.SoftPlus(zeta - f.Get(j) * inverseTemperature) - largest);
            sum = GroupReduce.Sum(sum, partial);
            for (int j = Group.IdxX; j < f.Count; j += Group.DimX)
            {
                float gap = zeta - f.Get(j) * inverseTemperature;
                float part = factor * DeviceMath.Exp(-DeviceMath.SoftPlus(gap) - largest) / sum * DeviceMath.Logistic(gap);
                pull += part;
                f.Set(j, -part * inverseTemperature);
            }

            interPull = GroupReduce.Sum(pull, partial);
            interTerm = DeviceMath.Log(f.Count) - largest - DeviceMath.Log(sum);
        }

        float push = detachNegatives != 0 ? 0f : (selfPull + intraPull + interPull) * inverseTemperature;
        q.Scale(push);
        if (Group.IdxX == 0)
        {
            Write(b, DeviceMath.SoftPlus(zeta - self), intraTerm, interTerm, -selfPull * inverseTemperature, negative.Largest,
                push / negative.Sum, terms, selfFactor, pushes);
        }
    }

    private static void Write(int b, float self, float intra, float inter, float factor, float largest, float push, ArrayView<float> terms,
        ArrayView<float> selfFactor, ArrayView<float> pushes)
    {
        terms[3 * b] = self;
        terms[3 * b + 1] = intra;
        terms[3 * b + 2] = inter;
        selfFactor[b] = factor;
        pushes[2 * b] = largest;
        pushes[2 * b + 1] = push;
    }

    // How many anchors have the set: a whole number, as a float that holds it.
    private static float Contributing(ArrayView<int> counts, int batch, ArrayView<float> partial)
    {
        int contributing = 0;
        for (int b = Group.IdxX; b < batch; b += Group.DimX)
            contributing += counts[b] > 0 ? 1 : 0;
        return GroupReduce.Sum((float)contributing, partial);
    }

    /// <summary>The largest d of a set, and Σ e^((d − largest)/τ).</summary>
    private readonly struct Exponentials(float largest, float sum)
    {
        public float Largest => largest;

        public float Sum => sum;

        /// <summary>log Σ e^(d/τ).</summary>
        public float LogSum(float inverseTemperature) => largest * inverseTemperature + DeviceMath.Log(sum);
    }

    /// <summary>One anchor's similarities of one set.</summary>
    private readonly struct List(ArrayView<float> values, long first, int count)
    {
        public int Count => count;

        public float Get(int j) => values[first + j];

        public void Set(int j, float value) => values[first + j] = value;

        public void Fill(float value)
        {
            for (int j = Group.IdxX; j < count; j += Group.DimX)
                values[first + j] = value;
        }

        public void Scale(float factor)
        {
            for (int j = Group.IdxX; j < count; j += Group.DimX)
                values[first + j] *= factor;
        }

        public float Largest(ArrayView<float> partial)
        {
            float largest = float.NegativeInfinity;
            for (int j = Group.IdxX; j < count; j += Group.DimX)
                largest = DeviceMath.Max(largest, values[first + j]);
            return GroupReduce.Max(largest, partial);
        }

        /// <summary>Replaces d by softmax(d/τ). Threads keep to the rows they own.</summary>
        public Exponentials ToSoftmax(float inverseTemperature, ArrayView<float> partial)
        {
            float largest = Largest(partial), sum = 0f;
            for (int j = Group.IdxX; j < count; j += Group.DimX)
            {
                float e = DeviceMath.Exp((values[first + j] - largest) * inverseTemperature);
                values[first + j] = e;
                sum += e;
            }

            sum = GroupReduce.Sum(sum, partial);
            Scale(1f / sum);
            return new Exponentials(largest, sum);
        }
    }
}
