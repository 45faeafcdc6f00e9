using System.Numerics.Tensors;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IWholeBankLoss"/> on the CPU, in the manner of FlashAttention (Dao et al., 2022) with keys = values = bank: chunks of
/// 128 rows are scored, exponentiated in place and multiplied with the same rows while both are in the caches.
/// Scratch: 150 KB of partial sums a split at B = 256, D = 128 (2.4 MB at N = 65,536; 9.6 MB from N = 262,144) and 80 KB a worker.
/// </summary>
internal sealed unsafe class WholeBankLossCpu : IWholeBankLoss
{
    /// <summary>Queries of one pass over the bank; more make several passes.</summary>
    private const int MaxQueries = 64 * ScoreTile.Queries;

    private readonly MemoryBank _bank;
    private readonly IWorkers _pool;
    private readonly QueryBlock _block = new();
    private readonly SoftmaxPartials _partials = new();
    private readonly SplitWork _splits;
    private readonly MergeWork _merge;

    public WholeBankLossCpu(MemoryBank bank, IWorkers pool, InstructionSet? isa = null)
    {
        _bank = bank;
        _pool = pool;
        _splits = new SplitWork(_block, bank, _partials, pool.Workers, isa ?? InstructionSets.Best);
        _merge = new MergeWork(bank, _block, _partials, _splits.Count);
    }

    public double Evaluate(MatrixView queries, ReadOnlySpan<int> positiveRows, float temperature, Span<float> losses, MatrixView gradient)
    {
        WholeBankLossChecks.Check(_bank, queries, positiveRows, temperature, losses, gradient);
        fixed (int* rows = positiveRows)
        fixed (float* lossesOut = losses)
        {
            _merge.SetPositives(rows, positives: default);
            return Evaluate(queries, temperature, lossesOut, gradient);
        }
    }

    public double Evaluate(MatrixView queries, MatrixView positives, float temperature, Span<float> losses, MatrixView gradient)
    {
        WholeBankLossChecks.Check(_bank, queries, positives, temperature, losses, gradient);
        fixed (float* lossesOut = losses)
        {
            _merge.SetPositives(null, positives);
            return Evaluate(queries, temperature, lossesOut, gradient);
        }
    }

    public void Dispose()
    {
        _block.Dispose();
        _partials.Dispose();
        _splits.Dispose();
    }

    private double Evaluate(MatrixView queries, float temperature, float* losses, MatrixView gradient)
    {
        for (int start = 0; start < queries.Rows; start += MaxQueries)
        {
            int count = Math.Min(MaxQueries, queries.Rows - start);
            _block.Load(queries.Slice(start, count));
            _partials.Resize(_splits.Count, _block.PaddedCount, _bank.Width);
            _splits.Prepare(temperature);
            _pool.Run(_splits, _splits.Count);
            _merge.Prepare(start, queries.Rows, temperature, losses, gradient);
            _pool.Run(_merge, count);
        }
        double total = 0;
        for (int i = 0; i < queries.Rows; i++)
            total += losses[i];
        return queries.Rows == 0 ? 0 : total / queries.Rows;
    }

    /// <summary>One item = one query: its splits' sums become its loss and its row of the gradient.</summary>
    private sealed class MergeWork(MemoryBank bank, QueryBlock block, SoftmaxPartials partials, int splits) : IParallelWork
    {
        private int* _positiveRows;
        private MatrixView _positives;
        private int _start;
        private int _batch;
        private double _temperature;
        private float* _losses;
        private MatrixView _gradient;

        public void SetPositives(int* rows, MatrixView positives)
        {
            _positiveRows = rows;
            _positives = positives;
        }

        public void Prepare(int start, int batch, double temperature, float* losses, MatrixView gradient)
        {
            _start = start;
            _batch = batch;
            _temperature = temperature;
            _losses = losses;
            _gradient = gradient;
        }

        public void Execute(int item, int worker)
        {
            int i = _start + item;
            bool isBankRow = _positiveRows != null;
            float* positive = isBankRow ? bank.Rows.RowPointer(_positiveRows[i]) : _positives.RowPointer(i);
            float score = ScoreTile.Dot(block.Row(item), positive, bank.Width);
            // A bank row is in the sum already; a vector of the caller's joins it here.
            double largest = isBankRow ? double.NegativeInfinity : score;
            for (int split = 0; split < splits; split++)
                largest = Math.Max(largest, *partials.Largest(split, item));
            double* factors = stackalloc double[SplitWork.MaxSplits];
            double own = isBankRow ? 0 : Math.Exp((score - largest) / _temperature);
            double z = own;
            for (int split = 0; split < splits; split++)
            {
                // Turns a split's sums, relative to its own largest score, into ones relative to the largest of all.
                factors[split] = Math.Exp((*partials.Largest(split, item) - largest) / _temperature);
                for (int lane = 0; lane < SoftmaxPartials.SumLanes; lane++)
                    z += partials.Sum(split, item)[lane] * factors[split];
            }
            _losses[i] = (float)(Math.Log(z) + (largest - score) / _temperature);
            double scale = 1 / (_temperature * _batch);
            Span<float> sum = _gradient.Row(i);
            TensorPrimitives.Multiply(new ReadOnlySpan<float>(positive, bank.Width), (float)((own / z - 1) * scale), sum);
            for (int split = 0; split < splits; split++)
            {
                var weighted = new ReadOnlySpan<float>(partials.Weighted(split, item), bank.Width);
                TensorPrimitives.MultiplyAdd(weighted, (float)(factors[split] / z * scale), sum, sum);
            }
        }
    }
}
