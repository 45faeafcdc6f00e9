using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;

namespace SSLP.Native;

/// <summary>Patches: tiled from slides, opened from a manifest or a folder, read one by one.</summary>
internal static unsafe class PatchExports
{
    [UnmanagedCallersOnly(EntryPoint = "sslp_tile_options_init", CallConvs = [typeof(CallConvCdecl)])]
    public static int TileOptionsInit(SslpTileOptions* options, uint size) => Abi.Call(() =>
    {
        var defaults = new TilingOptions();
        LibraryExports.Initial(options, size) = new()
        {
            Size = size,
            Patch = defaults.PatchSize,
            Mpp = defaults.Mpp,
            MinTissue = defaults.MinTissue,
            Tissue = (int)defaults.Tissue.Method,
        };
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_tile", CallConvs = [typeof(CallConvCdecl)])]
    public static int Tile(nint context, byte* slides, SslpTileOptions* options, nint* patches) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        NativeContext own = lease.Object;
        Abi.NotNull(patches, nameof(patches));
        TilingOptions tiling = TilingCalls.OptionsOf(options, own);
        string named = SlideExports.NotEmpty(slides, nameof(slides));
        SlideList files = TilingCalls.List(own, named);
        TilingResult result = own.Cancellable(stop =>
        {
            HostProgress progress = TilingCalls.ProgressOf(options, files.Count, stop);
            return progress.Told(() => Tiler.Run(files, tiling,
                new ForwardedProgress<TilingOutcome>(outcome => progress.Report(outcome.ToString())), stop.Token, own.Slides));
        });
        string[] bad = [.. result.Outcomes.Where(o => o.Reason.Length > 0).Select(o => o.ToString()), .. result.Notes];
        if (result.Manifest.Table.Count == 0)
            throw new Fault(FaultKind.Input, $"No slide of '{named}' gave a patch: {string.Join("; ", bad.Take(5))}.");
        foreach (string sentence in bad)
            own.Warn(sentence);
        *patches = Handles.Open(new NativePatches(own, SlidePatches.FromManifest(result.Manifest, runtime: own.Slides), result.Manifest));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_patches_open_manifest", CallConvs = [typeof(CallConvCdecl)])]
    public static int OpenManifest(nint context, byte* manifest, byte* slidesFolder, nint* patches) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        Abi.NotNull(patches, nameof(patches));
        var opened = TileManifest.Open(SlideExports.NotEmpty(manifest, nameof(manifest)));
        try
        {
            var source = SlidePatches.FromManifest(opened, Abi.TextOrNull(slidesFolder), runtime: lease.Object.Slides);
            *patches = Handles.Open(new NativePatches(lease.Object, source, opened));
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_patches_open_folder", CallConvs = [typeof(CallConvCdecl)])]
    public static int OpenFolder(nint context, byte* folder, int needsCoordinates, double mpp, nint* patches) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        Abi.NotNull(patches, nameof(patches));
        var options = new PatchFolderOptions { RequireCoordinates = needsCoordinates != 0, Mpp = mpp == 0 ? null : mpp };
        string named = SlideExports.NotEmpty(folder, nameof(folder));
        PatchFolder source = lease.Object.Cancellable(stop => PatchFolder.Open(named, options, stop.Token));
        foreach (string what in source.LeftOut)
            lease.Object.Warn($"{named}: left out: {what}");
        *patches = Handles.Open(new NativePatches(lease.Object, source));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_patches_save", CallConvs = [typeof(CallConvCdecl)])]
    public static int Save(nint patches, byte* manifest) => Abi.Call(() =>
    {
        using Lease<NativePatches> lease = Handles.Enter<NativePatches>(patches, "patches");
        string path = SlideExports.NotEmpty(manifest, nameof(manifest));
        (lease.Object.Manifest ?? throw new MisuseException(Status.Usage, "Only patches of slides have a manifest; these are of a folder."))
            .Save(path);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_patches_info_of", CallConvs = [typeof(CallConvCdecl)])]
    public static int Info(nint patches, SslpPatchesInfo* info) => Abi.Call(() =>
    {
        using Lease<NativePatches> lease = Handles.Enter<NativePatches>(patches, "patches");
        Abi.Sized(info);
        IPatchSource source = lease.Object.Source;
        (info->Count, info->PatchSize, info->Slides) = (source.Table.Count, source.PatchSize, source.Table.Slides.Count);
        info->SlidesLeftOut = lease.Object.Manifest?.LeftOut.Count ?? 0;
        (info->HasCoordinates, info->Mpp) = (source.Table.HasCoordinates ? 1 : 0, source.Mpp ?? 0);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_patches_places", CallConvs = [typeof(CallConvCdecl)])]
    public static int Places(nint patches, int* slide, int* col, int* row, long count) => Abi.Call(() =>
    {
        using Lease<NativePatches> lease = Handles.Enter<NativePatches>(patches, "patches");
        PatchTable table = lease.Object.Source.Table;
        if (count != table.Count)
            throw new MisuseException(Status.Size, $"The arrays are said to hold {count} values, and there are {table.Count} patches.");
        table.SlideOf.CopyTo(Abi.Span(slide, count));
        table.Col.CopyTo(Abi.Span(col, count));
        table.Row.CopyTo(Abi.Span(row, count));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_patches_slide_name", CallConvs = [typeof(CallConvCdecl)])]
    public static int SlideName(nint patches, int slide, byte** name) => Abi.Call(() =>
    {
        using Lease<NativePatches> lease = Handles.Enter<NativePatches>(patches, "patches");
        Abi.NotNull(name, nameof(name));
        int slides = lease.Object.Source.Table.Slides.Count;
        if (slide < 0 || slide >= slides)
            throw new MisuseException(Status.Usage, $"Slide {slide} is none of the {slides}.");
        *name = (byte*)lease.Object.SlideName(slide);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_patches_read", CallConvs = [typeof(CallConvCdecl)])]
    public static int Read(nint patches, int patch, byte* rgb, long rgbBytes) => Abi.Call(() =>
    {
        using Lease<NativePatches> lease = Handles.Enter<NativePatches>(patches, "patches");
        IPatchSource source = lease.Object.Source;
        if (patch < 0 || patch >= source.Table.Count)
            throw new MisuseException(Status.Usage, $"Patch {patch} is none of the {source.Table.Count}.");
        int needed = source.PatchSize * source.PatchSize * 3;
        if (rgbBytes != needed)
            throw new MisuseException(Status.Size,
                $"rgb is said to hold {rgbBytes} bytes, and a patch of {source.PatchSize} px takes {needed}.");
        try
        {
            source.Read(patch, Abi.Span(rgb, rgbBytes));
        }
        catch (PatchReadException unreadable)
        {
            throw new Fault(FaultKind.Data, unreadable.Message, unreadable);
        }
    });
}
