using SSLP.Data.Files;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Bench.Jobs;

/// <summary>How much faster than libtorch's matmul + topk, and FAISS's IndexFlatIP, does the bank answer "which k rows are
/// nearest"?</summary>
public static class KnnBench
{
    /// <summary>Floor: 2·B·N·D operations, 4·N·D bytes.</summary>
    public static BenchReport Run(BenchOptions options)
    {
        options = options.OrElse(queries: 256, k: 20);
        if (options.K > options.Rows)
            throw new Fault(FaultKind.Usage, $"--k is {options.K}, but the bank has --rows {options.Rows}.");
        using var bench = new BankBench(options);
        using INearestKeys keys = bench.Kernels.NearestKeys(bench.Bank);
        int[] rows = new int[options.Queries * options.K];
        float[] similarities = new float[rows.Length];
        bench.StartMemory();
        keys.Find(bench.Queries.Rows, [], options.K, rows, similarities);
        long peak = bench.PeakGrowth();

        using DisposeScope scope = NewDisposeScope();
        Tensor bank = bench.Rows(bench.Bank), queries = bench.Rows(bench.Queries);
        var rounds = new BenchRounds(options);
        rounds.Add("ours", () => keys.Find(bench.Queries.Rows, [], options.K, rows, similarities));
        using LibrarySearch? library = options.Library is { } path
            ? new LibrarySearch(path, bench.Bank, bench.Queries, bench.Pool.Workers) : null;
        int[] libraryRows = new int[rows.Length];
        if (library is not null)
            rounds.Add("ours through sslp.h", () => library.Find(options.K, libraryRows, similarities));
        rounds.Add("libtorch matmul + topk", () =>
        {
            TorchTopK(bank, queries, options.K).Dispose();
            bench.Await();
        });
        using var faiss = FaissBaseline.Start("knn", bench, options.K, patient: false, out string absence);
        using var patient = FaissBaseline.Start("knn", bench, options.K, patient: true, out string patientAbsence);
        foreach (FaissBaseline? way in new[] { faiss, patient })
        {
            if (way is not null)
                rounds.AddTimed(way.Name("IndexFlatIP"), way.Run, way.Process);
        }

        double[] medians = rounds.Medians();
        double work = (double)options.Rows * options.Width;
        double floor = bench.FloorMs(2 * options.Queries * work, bank.element_size() * work);
        using Tensor theirs = TorchTopK(bank, queries, options.K);
        string[] notes =
        [
            Agreement(rows, theirs.cpu().data<long>().ToArray()),
            faiss?.Note ?? absence,
            .. library is null ? Array.Empty<string>()
                : [$"{rows.Zip(libraryRows).Count(pair => pair.First == pair.Second)} of {rows.Length} rows are the same through sslp.h"],
            .. faiss is not null && patient is null ? [patientAbsence] : Array.Empty<string>(),
        ];
        return bench.Report(
            "knn", rounds, medians, floor, peak,
            [new("queries", options.Queries), new("rows", options.Rows), new("width", options.Width), new("k", options.K)], notes);
    }

    private static Tensor TorchTopK(Tensor bank, Tensor queries, int k)
    {
        using Tensor scores = queries.matmul(bank.t());
        (Tensor values, Tensor indices) = scores.topk(k);
        values.Dispose();
        return indices;
    }

    private static string Agreement(int[] ours, long[] theirs)
    {
        int same = 0;
        for (int i = 0; i < ours.Length; i++)
            same += ours[i] == theirs[i] ? 1 : 0;
        return $"{same} of {ours.Length} rows are libtorch's in libtorch's place; the rest are near-ties that its sums order differently";
    }
}
