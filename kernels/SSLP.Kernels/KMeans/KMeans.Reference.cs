namespace SSLP.Kernels;

/// <summary>The meaning of <see cref="IKMeans"/>, in double and plain loops.</summary>
internal sealed unsafe class KMeansReference(MemoryBank bank) : IKMeans
{
    private readonly AlignedBuffer<float> _centres = new();
    private int _clusters;

    public MatrixView Centres => new(_centres.Pointer, _clusters, bank.Width);

    public void Cluster(int clusters, int iterations, ReadOnlySpan<ulong> seeds, Span<int> labels)
    {
        _clusters = KMeansRules.Check(bank.RowCount, clusters, iterations, seeds, labels);
        for (int run = 0; run < seeds.Length; run++)
            RunOnce(iterations, seeds[run], labels.Slice(run * bank.RowCount, bank.RowCount));
    }

    public void Dispose() => _centres.Dispose();

    private void RunOnce(int iterations, ulong seed, Span<int> labels)
    {
        int[] order = new int[bank.RowCount];
        KMeansRules.DrawStart(seed, _clusters, order);
        double[][] rows = [.. Enumerable.Range(0, bank.RowCount).Select(r => ToDouble(bank.Row(r)))];
        double[][] centres = [.. order.Take(_clusters).Select(r => (double[])rows[r].Clone())];
        int[] label = [.. rows.Select(row => Nearest(row, centres))];
        for (int iteration = 1; iteration < iterations; iteration++)
        {
            FillEmpty(rows, centres, label);
            for (int c = 0; c < _clusters; c++)
                Mean(rows, label, c, centres[c]);
            label = [.. rows.Select(row => Nearest(row, centres))];
        }
        label.CopyTo(labels);
        _centres.EnsureLength((long)_clusters * bank.Width);
        for (int c = 0; c < _clusters; c++)
        {
            for (int d = 0; d < bank.Width; d++)
                Centres.Row(c)[d] = (float)centres[c][d];
        }
    }

    private static int Nearest(double[] row, double[][] centres)
    {
        int best = 0;
        for (int c = 1; c < centres.Length; c++)
        {
            if (Distance(row, centres[c]) < Distance(row, centres[best]))
                best = c;
        }
        return best;
    }

    private void FillEmpty(double[][] rows, double[][] centres, int[] label)
    {
        int[] counts = new int[_clusters];
        foreach (int l in label)
            counts[l]++;
        double[] distance = [.. rows.Select((row, r) => Distance(row, centres[label[r]]))];
        for (int empty = 0; empty < _clusters; empty++)
        {
            if (counts[empty] > 0)
                continue;
            int farthest = -1;
            for (int r = 0; r < rows.Length; r++)
            {
                if (counts[label[r]] > 1 && distance[r] > 1e-12 && (farthest < 0 || distance[r] > distance[farthest]))
                    farthest = r;
            }
            if (farthest < 0)
                return;
            counts[label[farthest]]--;
            counts[empty] = 1;
            label[farthest] = empty;
            distance[farthest] = 0;
        }
    }

    /// <summary>The mean of a cluster's rows; an empty cluster keeps its centre.</summary>
    private static void Mean(double[][] rows, int[] label, int cluster, double[] centre)
    {
        int[] members = [.. Enumerable.Range(0, rows.Length).Where(r => label[r] == cluster)];
        for (int d = 0; d < centre.Length && members.Length > 0; d++)
            centre[d] = members.Sum(r => rows[r][d]) / members.Length;
    }

    private static double Distance(double[] a, double[] b)
    {
        double sum = 0;
        for (int d = 0; d < a.Length; d++)
            sum += (a[d] - b[d]) * (a[d] - b[d]);
        return sum;
    }

    private static double[] ToDouble(ReadOnlySpan<float> row)
    {
        double[] values = new double[row.Length];
        for (int d = 0; d < row.Length; d++)
            values[d] = row[d];
        return values;
    }
}
