using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Interop.Cuda;
using SSLP.Interop.Slides;

namespace SSLP.Bench.Jobs;

/// <summary>Sizes of a bench.</summary>
public sealed record BenchOptions
{
    /// <summary>B, or the patches of a call; 0: the job's own number.</summary>
    public int Queries { get; init; }

    /// <summary>N.</summary>
    public int Rows { get; init; } = 65_536;

    /// <summary>D.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Nearest rows to a query; nearest keys and negatives of a bank step. 0: the job's own number.</summary>
    public int K { get; init; }

    /// <summary>Where ours and libtorch's ways compute.</summary>
    public DeviceKind Device { get; init; } = DeviceKind.Cpu;

    /// <summary>What bank and queries are scored in, or the network is trained in.</summary>
    public Precision Dtype { get; init; }

    /// <summary>The CUDA driver of the kernels; null: the system's.</summary>
    internal CudaDriver? Driver { get; init; }

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

    /// <summary>Side of the network's input, px; 0: the job's own.</summary>
    public int Side { get; init; }

    /// <summary>Patches of the loading bench are at half the resolution of their slide's finest level.</summary>
    public bool Half { get; init; }

    /// <summary>Batches of the soak bench.</summary>
    public int Batches { get; init; } = 1000;

    /// <summary>Slides listed by the soak and manifest benches.</summary>
    public int SlideCount { get; init; } = 1000;

    /// <summary>With the job's own numbers where none were asked for.</summary>
    internal BenchOptions OrElse(int queries, int k = 0, int side = 0) => this with
    {
        Queries = Queries > 0 ? Queries : queries,
        K = K > 0 ? K : k,
        Side = Side > 0 ? Side : side,
    };

    /// <summary>The names of device and type in reports and on the command line.</summary>
    internal string DeviceName => Device == DeviceKind.Cuda ? "cuda" : "cpu";

    /// <inheritdoc cref="DeviceName"/>
    internal string DtypeName => Dtype == Precision.BFloat16 ? "bfloat16" : "float32";

    /// <summary>Refuses what the job cannot be timed on.</summary>
    /// <exception cref="Fault">Another device than the CPU, or another type than float32.</exception>
    internal void RequireCpu(string job)
    {
        if (Device == DeviceKind.Cuda || Dtype != Precision.Float32)
            throw new Fault(FaultKind.Usage,
                $"bench {job} has no kernel on a device and no other type than its own: leave --device and --dtype away.");
    }
}
