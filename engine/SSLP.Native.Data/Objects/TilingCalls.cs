using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Data.Tissue;

namespace SSLP.Native;

/// <summary>What auditing and tiling share: the host's options read, slides listed, progress told.</summary>
internal static unsafe class TilingCalls
{
    /// <summary>The host's options; null stands for the defaults.</summary>
    public static TilingOptions OptionsOf(SslpTileOptions* options, NativeContext context)
    {
        var defaults = new TilingOptions { Threads = context.Threads };
        if (options == null)
            return defaults;
        Abi.Sized(options);
        return defaults with
        {
            PatchSize = options->Patch,
            Mpp = options->Mpp,
            MinTissue = options->MinTissue,
            AssumeMpp = options->AssumeMpp == 0 ? null : options->AssumeMpp,
            Upsample = options->Upsample != 0,
            Tissue = new TissueOptions { Method = Abi.Choice<TissueMethod>(options->Tissue, "tissue") },
        };
    }

    public static HostProgress ProgressOf(SslpTileOptions* options, long total, CancellationTokenSource stop) =>
        options == null ? new(null, null, total, stop) : new(options->Progress, options->ProgressUser, total, stop);

    public static SlideList List(NativeContext context, string slides)
    {
        SlideList listed = SlideListing.List(slides);
        foreach (string note in listed.Notes)
            context.Warn(note + ".");
        return listed;
    }
}
