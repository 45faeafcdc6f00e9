using System.Diagnostics;
using System.Numerics.Tensors;
using SSLP.Kernels;

namespace SSLP.Bench.Machine;

/// <summary>
/// What the machine can do at most, measured: the denominators of the benches' floors. Each figure is the best of many short rounds,
/// for whatever else runs on the machine only takes away.
/// </summary>
public static unsafe class MachineProbe
{
    private const int Rounds = 25;

    /// <summary>Fused multiply-adds from registers alone on all workers of a pool, in floating point operations a second (two
    /// each).</summary>
    public static double PeakFlops(WorkerPool pool, InstructionSet isa)
    {
        using var work = new MultiplyAdds(pool.Workers, isa);
        return Best(pool, work, pool.Workers * MultiplyAdds.Flops(isa));
    }

    /// <summary>Bytes a second that all workers of a pool read from a buffer of 256 MB, beyond the caches.</summary>
    public static double ReadBandwidth(WorkerPool pool)
    {
        using var work = new Reads(pool.Workers);
        return Best(pool, work, work.Bytes);
    }

    private static double Best(WorkerPool pool, IParallelWork work, double amount)
    {
        double best = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            pool.Run(work, pool.Workers);
            best = Math.Max(best, amount / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    /// <summary>One item = ten independent chains on one worker: more than latency × issue width of the processors in use.</summary>
    private sealed class MultiplyAdds(int workers, InstructionSet isa) : LanesWork(isa), IDisposable
    {
        private const int Chains = 10;
        private const int Steps = 1_000_000;
        private const int BufferFloats = (Chains + 2) * 16;

        private readonly AlignedBuffer<float> _values = new((long)workers * BufferFloats);

        public static double Flops(InstructionSet isa)
        {
            double lanes = isa switch
            {
                InstructionSet.Vector512 => 16,
                InstructionSet.Vector256 => 8,
                InstructionSet.Vector128 => 4,
                _ => 1,
            };
            return 2.0 * Chains * Steps * lanes;
        }

        public void Dispose() => _values.Dispose();

        protected override void Execute<TLanes, TVector>(int item, int worker)
        {
            // Different values in every chain, or the compiler would see one chain ten times.
            float* v = _values.Pointer + item * BufferFloats;
            for (int i = 0; i < BufferFloats; i++)
                v[i] = 0.1f + 0.001f * i;
            int n = TLanes.Count;
            TVector x = TLanes.Load(v), y = TLanes.Load(v + n);
            TVector a = TLanes.Load(v + 2 * n), b = TLanes.Load(v + 3 * n), c = TLanes.Load(v + 4 * n), d = TLanes.Load(v + 5 * n);
            TVector e = TLanes.Load(v + 6 * n), f = TLanes.Load(v + 7 * n), g = TLanes.Load(v + 8 * n), h = TLanes.Load(v + 9 * n);
            TVector i0 = TLanes.Load(v + 10 * n), j0 = TLanes.Load(v + 11 * n);
            for (int step = 0; step < Steps; step++)
            {
                a = TLanes.MultiplyAdd(a, x, y);
                b = TLanes.MultiplyAdd(b, x, y);
                c = TLanes.MultiplyAdd(c, x, y);
                d = TLanes.MultiplyAdd(d, x, y);
                e = TLanes.MultiplyAdd(e, x, y);
                f = TLanes.MultiplyAdd(f, x, y);
                g = TLanes.MultiplyAdd(g, x, y);
                h = TLanes.MultiplyAdd(h, x, y);
                i0 = TLanes.MultiplyAdd(i0, x, y);
                j0 = TLanes.MultiplyAdd(j0, x, y);
            }
            TVector sum = TLanes.Add(TLanes.Add(TLanes.Add(a, b), TLanes.Add(c, d)), TLanes.Add(TLanes.Add(e, f), TLanes.Add(g, h)));
            TLanes.Store(v, TLanes.Add(sum, TLanes.Add(i0, j0)));
        }
    }

    /// <summary>One item = one worker's share of the buffer, summed.</summary>
    private sealed class Reads(int workers) : IParallelWork, IDisposable
    {
        private const long TotalFloats = 64L << 20;

        private readonly AlignedBuffer<float> _buffer = new(TotalFloats);
        private readonly int _share = (int)(TotalFloats / workers);

        public double Bytes => (double)_share * workers * sizeof(float);

        public void Dispose() => _buffer.Dispose();

        public void Execute(int item, int worker)
        {
            float sum = TensorPrimitives.Sum(new ReadOnlySpan<float>(_buffer.Pointer + (long)item * _share, _share));
            if (sum != 0)
                throw new InvalidOperationException("A buffer of zeros has a sum.");
        }
    }
}
