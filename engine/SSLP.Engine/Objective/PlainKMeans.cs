using SSLP.Engine.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>Lloyd's k-means in plain tensor operations (cdist, argmin, index_add): what the k-means kernel is measured against.</summary>
internal static class PlainKMeans
{
    /// <summary>Labels of the rows after a number of iterations; a cluster that loses all its rows keeps its centre.</summary>
    /// <param name="rows">[N, D].</param>
    /// <param name="clusters">Number of centres, at most N.</param>
    /// <param name="iterations">Assignments in all, at least 1.</param>
    /// <param name="seed">Of the rows that the centres start at.</param>
    /// <returns>[N] int32, of the caller's scope.</returns>
    public static Tensor Labels(Tensor rows, int clusters, int iterations, long seed)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var generator = new Generator((ulong)seed, rows.device);
        Tensor centres = rows.index_select(0, randperm(rows.shape[0], device: rows.device, generator: generator).narrow(0, 0, clusters));
        Tensor labels = cdist(rows, centres).argmin(1);
        for (int iteration = 1; iteration < iterations; iteration++)
        {
            using DisposeScope pass = NewDisposeScope();
            Tensor counts = zeros(clusters, rows.dtype, rows.device).PlusRows(labels, ones_like(labels, rows.dtype)).unsqueeze(1);
            Tensor sums = zeros_like(centres).PlusRows(labels, rows);
            centres = where(counts.Above(0), sums / counts.AtLeast(1), centres).MoveToOuterDisposeScope();
            labels = cdist(rows, centres).argmin(1).MoveToOuterDisposeScope();
        }
        return labels.to(ScalarType.Int32).MoveToOuterDisposeScope();
    }
}
