using System.Runtime.InteropServices;
using SSLP.Interop.Slides;

namespace SSLP.Native;

/// <summary>An open slide.</summary>
internal sealed class NativeSlide : NativeObject
{
    private readonly List<nint> _texts = [];

    public NativeSlide(NativeContext context, string path, SlideReader reader)
        : base("slide", isExclusive: false, context)
    {
        Context = context;
        Slide = Slide.Open(path, reader, context.Slides);
        Format = Keep(Slide.Format);
    }

    public NativeContext Context { get; }

    public Slide Slide { get; }

    /// <summary>UTF-8, as long as the slide is open.</summary>
    public nint Format { get; }

    /// <summary>Text that lasts as long as the slide is open.</summary>
    public nint Keep(string text)
    {
        nint kept = Marshal.StringToCoTaskMemUTF8(text);
        lock (_texts)
            _texts.Add(kept);
        return kept;
    }

    public override void Dispose()
    {
        Slide.Dispose();
        foreach (nint text in _texts)
            Marshal.FreeCoTaskMem(text);
    }
}
