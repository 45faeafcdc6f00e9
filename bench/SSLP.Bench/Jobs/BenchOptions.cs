using SSLP.Interop.Slides;

namespace SSLP.Bench.Jobs;

/// <summary>Sizes of a bench.</summary>
public sealed record BenchOptions
{
    /// <summary>B.</summary>
    public int Queries { get; init; } = 256;

    /// <summary>N.</summary>
    public int Rows { get; init; } = 65_536;

    /// <summary>D.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Nearest rows to a query.</summary>
    public int K { get; init; } = 20;

    /// <summary>Threads of ours and of every baseline; 0: one a core.</summary>
    public int Threads { get; init; }

    /// <summary>Timed rounds; at least 7.</summary>
    public int Rounds { get; init; } = 9;

    /// <summary>Medians of the ways in milliseconds, in place of rounds in turn; null: rounds.</summary>
    internal Func<IReadOnlyList<BenchWay>, IEnumerable<double>>? Timer { get; init; }

    /// <summary>Centres of k-means.</summary>
    public int Clusters { get; init; } = 1000;

    /// <summary>Assignments of k-means.</summary>
    public int Iterations { get; init; } = 20;

    /// <summary>A libsslp-data or libsslp to search through as well, of the knn bench.</summary>
    public string? Library { get; init; }

    /// <summary>A slide, or a folder of slides, of the loading and soak benches.</summary>
    public string? Slides { get; init; }

    /// <summary>Decoder and caches of the loading and soak benches' slides.</summary>
    public SlideRuntimeOptions SlideRuntime { get; init; } = new();

    /// <summary>Patches of the loading bench lie across four tiles each, in place of being a tile each.</summary>
    public bool OffGrid { get; init; }

    /// <summary>Side of a patch and of the network's input in the train bench, px.</summary>
    public int Side { get; init; } = 96;

    /// <summary>Patches of the loading bench are at half the resolution of their slide's finest level.</summary>
    public bool Half { get; init; }

    /// <summary>Batches of the soak bench.</summary>
    public int Batches { get; init; } = 1000;

    /// <summary>Slides listed by the soak and manifest benches.</summary>
    public int SlideCount { get; init; } = 1000;
}
