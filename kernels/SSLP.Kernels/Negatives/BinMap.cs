using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

/// <summary>
/// Which bin a score falls into, bin 0 holding the highest. Two straight pieces: most candidates crowd above the threshold and get seven
/// bins in eight; the few that reach far beyond get the rest. Monotone, as every operation in it is: a higher score never has a higher bin.
/// </summary>
internal readonly struct BinMap
{
    /// <summary>Scores more than this many mean excesses above the smallest use the coarse bins: 2 % of an exponential tail.</summary>
    private const float CoarseFrom = 4;
    private const int CoarseShare = 8;

    private readonly float _largest, _coarse, _fine, _offset;
    private readonly int _bins;

    /// <summary>A map of the scores onto bins 0 … <paramref name="bins"/> − 1.</summary>
    /// <param name="scores">At least one.</param>
    /// <param name="atLeast">What no score is below, near the smallest of them; −∞ where that is not known.</param>
    /// <param name="bins">How many.</param>
    /// <exception cref="ArgumentException">A score is not finite.</exception>
    public BinMap(ReadOnlySpan<float> scores, float atLeast, int bins)
        : this(
            float.IsFinite(atLeast) ? atLeast : TensorPrimitives.Min(scores), TensorPrimitives.Max(scores),
            TensorPrimitives.Average(scores), bins)
    {
    }

    /// <summary>The same of scores that are known by their least, largest and mean.</summary>
    /// <exception cref="ArgumentException">One of them is not finite.</exception>
    public BinMap(float smallest, float largest, float average, int bins)
    {
        _largest = largest;
        _bins = bins;
        float range = _largest - smallest, meanExcess = average - smallest;
        if (!float.IsFinite(range) || !float.IsFinite(meanExcess))
            throw new ArgumentException("A similarity is beyond float32: features and bank rows must be unit vectors.");
        float coarseRange = Math.Max(0, range - CoarseFrom * meanExcess);
        int coarseBins = bins / CoarseShare, last = bins - 1;
        if (range == 0)
            return;
        bool two = coarseRange * last > coarseBins * range;
        _coarse = two ? coarseBins / coarseRange : last / range;
        _fine = two ? (last - coarseBins) / (range - coarseRange) : _coarse;
        _offset = two ? _fine * coarseRange - coarseBins : 0;
        // A range too small for its reciprocal: one bin for all, as for none.
        if (!float.IsFinite(_coarse) || !float.IsFinite(_fine) || !float.IsFinite(_offset))
            _coarse = _fine = _offset = 0;
    }

    /// <summary>Bin of a score.</summary>
    public int BinOf(float score)
    {
        float down = _largest - score;
        return (int)Math.Min(Math.Max(down * _coarse, down * _fine - _offset), _bins - 1);
    }

    /// <summary>The same for 8 scores at a time.</summary>
    public Vectors Widen() => new(_largest, _coarse, _fine, _offset, _bins);

    /// <summary>The map in vectors.</summary>
    public readonly struct Vectors(float largest, float coarse, float fine, float offset, int bins)
    {
        private readonly Vector256<float> _largest = Vector256.Create(largest), _coarse = Vector256.Create(coarse);
        private readonly Vector256<float> _fine = Vector256.Create(fine), _offset = Vector256.Create(offset);
        private readonly Vector256<float> _last = Vector256.Create(bins - 1f);
        private readonly Vector256<int> _beyond = Vector256.Create(bins);

        /// <summary>The bins of 8 scores; NaN, the mark of an excluded row, gives the bin beyond the last.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<int> BinsOf(Vector256<float> scores)
        {
            Vector256<float> down = _largest - scores;
            var bin = Vector256.MinNative(Vector256.MaxNative(down * _coarse, down * _fine - _offset), _last);
            return Vector256.ConditionalSelect(
                Vector256.Equals(scores, scores).AsInt32(), Vector256.ConvertToInt32Native(bin), _beyond);
        }
    }
}
