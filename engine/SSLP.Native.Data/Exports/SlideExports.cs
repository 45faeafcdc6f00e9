using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Interop.Slides;

namespace SSLP.Native;

/// <summary>Slides: opened, read, audited.</summary>
internal static unsafe class SlideExports
{
    [UnmanagedCallersOnly(EntryPoint = "sslp_slide_open", CallConvs = [typeof(CallConvCdecl)])]
    public static int Open(nint context, byte* path, int reader, nint* slide) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        Abi.NotNull(slide, nameof(slide));
        *slide = Handles.Open(new NativeSlide(lease.Object, NotEmpty(path, nameof(path)), Abi.Choice<SlideReader>(reader, nameof(reader))));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_slide_info_of", CallConvs = [typeof(CallConvCdecl)])]
    public static int Info(nint slide, SslpSlideInfo* info) => Abi.Call(() =>
    {
        using Lease<NativeSlide> lease = Handles.Enter<NativeSlide>(slide, "slide");
        Abi.Sized(info);
        Slide open = lease.Object.Slide;
        (info->Levels, info->Width, info->Height) = (open.Levels.Count, open.Levels[0].Width, open.Levels[0].Height);
        (info->MppX, info->MppY) = (open.Mpp?.X ?? 0, open.Mpp?.Y ?? 0);
        (info->Reader, info->Notes) = ((int)open.Reader, open.Notes.Count);
        info->Format = (byte*)lease.Object.Format;
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_slide_level", CallConvs = [typeof(CallConvCdecl)])]
    public static int Level(nint slide, int level, SslpLevelInfo* info) => Abi.Call(() =>
    {
        using Lease<NativeSlide> lease = Handles.Enter<NativeSlide>(slide, "slide");
        Abi.Sized(info);
        SlideLevel found = LevelOf(lease.Object.Slide, level);
        (info->TileWidth, info->TileHeight) = (found.TileWidth, found.TileHeight);
        (info->Width, info->Height, info->Downsample) = (found.Width, found.Height, found.Downsample);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_slide_note", CallConvs = [typeof(CallConvCdecl)])]
    public static int Note(nint slide, int index, byte** note) => Abi.Call(() =>
    {
        using Lease<NativeSlide> lease = Handles.Enter<NativeSlide>(slide, "slide");
        Abi.NotNull(note, nameof(note));
        IReadOnlyList<string> notes = lease.Object.Slide.Notes;
        if (index < 0 || index >= notes.Count)
            throw new MisuseException(Status.Usage, $"Note {index} is none of the slide's {notes.Count}.");
        *note = (byte*)lease.Object.Keep(notes[index]);
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_slide_read", CallConvs = [typeof(CallConvCdecl)])]
    public static int Read(nint slide, int level, long x, long y, int width, int height, byte* rgb, long rgbBytes) => Abi.Call(() =>
    {
        using Lease<NativeSlide> lease = Handles.Enter<NativeSlide>(slide, "slide");
        LevelOf(lease.Object.Slide, level);
        if (width < 1 || height < 1)
            throw new MisuseException(Status.Usage, $"A region of {width} × {height} px is empty.");
        long needed = (long)width * height * 3;
        if (rgbBytes != needed || needed > int.MaxValue)
        {
            throw new MisuseException(Status.Size,
                $"rgb is said to hold {rgbBytes} bytes, and {width} × {height} px take {needed}; at most {int.MaxValue} are read at once.");
        }
        lease.Object.Slide.ReadRegion(level, x, y, width, height, Abi.Span(rgb, rgbBytes));
    });

    [UnmanagedCallersOnly(EntryPoint = "sslp_audit", CallConvs = [typeof(CallConvCdecl)])]
    public static int Audit(nint context, byte* slides, SslpTileOptions* options, int deep, byte** jsonLines) => Abi.Call(() =>
    {
        using Lease<NativeContext> lease = Handles.Enter<NativeContext>(context, "context");
        Abi.NotNull(jsonLines, nameof(jsonLines));
        TilingOptions tiling = TilingCalls.OptionsOf(options, lease.Object);
        SlideList files = TilingCalls.List(lease.Object, NotEmpty(slides, nameof(slides)));
        var audit = new SlideAuditOptions
        {
            Deep = deep != 0,
            Mpp = options == null ? null : tiling.Mpp,
            Tiling = tiling,
            Threads = lease.Object.Threads
        };
        IReadOnlyList<SlideAuditRecord> records = lease.Object.Cancellable(stop =>
        {
            HostProgress progress = TilingCalls.ProgressOf(options, files.Count, stop);
            return progress.Told(() => SlideAudit.Run(files, audit,
                new ForwardedProgress<SlideAuditRecord>(record => progress.Report($"{record.Name}: {record.Verdict}")), stop.Token,
                    lease.Object.Slides));
        });
        *jsonLines = lease.Object.Memory.Text(string.Concat(records.Select(record => record.ToJson() + "\n")));
    });

    /// <exception cref="MisuseException">Null or empty.</exception>
    internal static string NotEmpty(byte* text, string name)
    {
        string given = Abi.Text(text, name);
        return given.Length > 0 ? given : throw new MisuseException(Status.Usage, $"{name} is empty.");
    }

    private static SlideLevel LevelOf(Slide slide, int level) => level >= 0 && level < slide.Levels.Count ? slide.Levels[level]
        : throw new MisuseException(Status.Usage, $"Level {level} is none of the slide's {slide.Levels.Count}.");
}
