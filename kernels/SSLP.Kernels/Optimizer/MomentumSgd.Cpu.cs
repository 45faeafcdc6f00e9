using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IMomentumSgd"/> on the CPU: one pass that reads the gradient for its norm (4 bytes a weight), one that reads and writes all
/// three (20 bytes a weight); 12 bytes a weight for a follower. The bits depend neither on the threads nor on the vectors. The loops are
/// compiled at their best at once: by the time the JIT sees that they are hot, some ten million numbers have gone through each of them in
/// code that calls a function a vector, a third of the processor time of a run of four steps.
/// </summary>
internal sealed unsafe class MomentumSgdCpu : IMomentumSgd
{
    // Numbers of an item: 64 KB a buffer, so that a page's walk is paid once and the cores end together.
    private const int Chunk = 1 << 14;

    private readonly IWorkers _pool;
    private readonly SquaresWork _squares;
    private readonly StepWork _step;
    private readonly FollowWork _follow;
    private readonly Pieces _gradient = new();
    private double[] _sums = [];
    private double _norm;

    /// <param name="pool">Threads; borrowed.</param>
    /// <param name="isa">Vectors; null: the widest.</param>
    public MomentumSgdCpu(IWorkers pool, InstructionSet? isa = null)
    {
        _pool = pool;
        _squares = new SquaresWork(this);
        _step = new StepWork(this, isa ?? InstructionSets.Best);
        _follow = new FollowWork(isa ?? InstructionSets.Best);
    }

    public double Norm(ReadOnlySpan<VectorView> gradient)
    {
        _gradient.Take(gradient);
        int chunks = ChunksOf(_gradient.Length);
        if (_sums.Length < chunks)
            _sums = new double[chunks];
        _pool.Run(_squares, chunks);
        double squares = 0;
        for (int chunk = 0; chunk < chunks; chunk++)
            squares += _sums[chunk];
        return _norm = MomentumSgdRules.NormOf(squares);
    }

    public void Step(VectorView weights, VectorView momentum, ReadOnlySpan<VectorView> gradient, MomentumSgdRates rates)
    {
        MomentumSgdRules.CheckStep(weights, momentum, gradient, rates);
        if (!double.IsFinite(_norm))
            return;
        _gradient.Take(gradient);
        _step.Set(weights, momentum, rates);
        _pool.Run(_step, ChunksOf(weights.Length));
    }

    public void Follow(VectorView key, VectorView query, double momentum)
    {
        MomentumSgdRules.CheckFollow(key, query, momentum);
        if (!double.IsFinite(_norm))
            return;
        _follow.Set(key, query, momentum);
        _pool.Run(_follow, ChunksOf(key.Length));
    }

    public void Dispose() { }

    private static int ChunksOf(long length) => checked((int)((length + Chunk - 1) / Chunk));

    /// <summary>Several pieces as one flat buffer.</summary>
    private sealed class Pieces
    {
        private VectorView[] _parts = [];
        private long[] _starts = [];
        private int _count;

        public long Length { get; private set; }

        public void Take(ReadOnlySpan<VectorView> parts)
        {
            if (_parts.Length < parts.Length)
                (_parts, _starts) = (new VectorView[parts.Length], new long[parts.Length]);
            (_count, Length) = (0, 0);
            foreach (VectorView part in parts)
            {
                if (part.Length == 0)
                    continue;
                (_parts[_count], _starts[_count]) = (part, Length);
                (_count, Length) = (_count + 1, Length + part.Length);
            }
        }

        /// <summary>The piece from a place on: its address, and how far it goes.</summary>
        public float* From(long at, out long length)
        {
            int part = Array.BinarySearch(_starts, 0, _count, at);
            part = part < 0 ? ~part - 1 : part;
            length = _starts[part] + _parts[part].Length - at;
            return _parts[part].Data + (at - _starts[part]);
        }
    }

    private sealed class SquaresWork(MomentumSgdCpu owner) : IParallelWork
    {
        public void Execute(int item, int worker)
        {
            double sum = 0;
            long end = Math.Min((item + 1L) * Chunk, owner._gradient.Length);
            for (long at = (long)item * Chunk, length; at < end; at += length)
            {
                float* piece = owner._gradient.From(at, out length);
                length = Math.Min(length, end - at);
                sum += Squares(piece, (int)length);
            }
            owner._sums[item] = sum;
        }

        /// <summary>In sixteen sums, whatever the processor's vectors: the square of a float32 is exact in float64.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double Squares(float* x, int length)
        {
            Vector256<double> a = default, b = default, c = default, d = default;
            int i = 0;
            for (; i <= length - 16; i += 16)
            {
                (Vector256<double> first, Vector256<double> second) = Vector256.Widen(Vector256.Load(x + i));
                (Vector256<double> third, Vector256<double> fourth) = Vector256.Widen(Vector256.Load(x + i + 8));
                a += first * first;
                b += second * second;
                c += third * third;
                d += fourth * fourth;
            }
            double sum = Vector256.Sum(a + b + (c + d));
            for (; i < length; i++)
                sum += (double)x[i] * x[i];
            return sum;
        }
    }

    private sealed class StepWork(MomentumSgdCpu owner, InstructionSet isa) : LanesWork(isa)
    {
        private VectorView _weights, _momentum;
        private float _rate, _factor, _decay;

        public void Set(VectorView weights, VectorView momentum, MomentumSgdRates rates)
        {
            (_weights, _momentum) = (weights, momentum);
            (_rate, _factor, _decay) = ((float)-rates.LearningRate, (float)rates.Momentum, (float)rates.WeightDecay);
        }

        protected override void Execute<TLanes, TVector>(int item, int worker)
        {
            long end = Math.Min((item + 1L) * Chunk, _weights.Length);
            for (long at = (long)item * Chunk, length; at < end; at += length)
            {
                float* gradient = owner._gradient.From(at, out length);
                length = Math.Min(length, end - at);
                Move<TLanes, TVector>(_weights.Data + at, _momentum.Data + at, gradient, (int)length);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Move<TLanes, TVector>(float* weights, float* momentum, float* gradient, int length)
            where TLanes : struct, ILanes<TVector>
            where TVector : struct
        {
            TVector rate = TLanes.Broadcast(_rate), factor = TLanes.Broadcast(_factor), decay = TLanes.Broadcast(_decay);
            int i = 0;
            for (; i <= length - TLanes.Count; i += TLanes.Count)
            {
                TVector weight = TLanes.Load(weights + i);
                TVector direction = TLanes.MultiplyAdd(weight, decay, TLanes.Load(gradient + i));
                TVector moved = TLanes.Add(TLanes.Multiply(TLanes.Load(momentum + i), factor), direction);
                TLanes.Store(momentum + i, moved);
                TLanes.Store(weights + i, TLanes.MultiplyAdd(moved, rate, weight));
            }
            for (; i < length; i++)
            {
                float direction = MathF.FusedMultiplyAdd(weights[i], _decay, gradient[i]);
                momentum[i] = momentum[i] * _factor + direction;
                weights[i] = MathF.FusedMultiplyAdd(momentum[i], _rate, weights[i]);
            }
        }
    }

    private sealed class FollowWork(InstructionSet isa) : LanesWork(isa)
    {
        private VectorView _key, _query;
        private float _kept, _taken;

        public void Set(VectorView key, VectorView query, double momentum) =>
            (_key, _query, _kept, _taken) = (key, query, (float)momentum, (float)(1 - momentum));

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void Execute<TLanes, TVector>(int item, int worker)
        {
            long begin = (long)item * Chunk;
            int length = (int)Math.Min(Chunk, _key.Length - begin), i = 0;
            float* key = _key.Data + begin, query = _query.Data + begin;
            TVector kept = TLanes.Broadcast(_kept), taken = TLanes.Broadcast(_taken);
            for (; i <= length - TLanes.Count; i += TLanes.Count)
            {
                TVector follower = TLanes.Multiply(TLanes.Load(key + i), kept);
                TLanes.Store(key + i, TLanes.MultiplyAdd(TLanes.Load(query + i), taken, follower));
            }
            for (; i < length; i++)
                key[i] = MathF.FusedMultiplyAdd(query[i], _taken, key[i] * _kept);
        }
    }
}
