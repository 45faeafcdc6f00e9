using System.Runtime.InteropServices;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;

namespace SSLP.Native;

/// <summary>Patches that can be read by their number, whatever they were opened from.</summary>
/// <param name="context">Whose caches they read with.</param>
/// <param name="source">Owned from here on.</param>
/// <param name="manifest">What they were tiled into here, kept to be saved; null for others.</param>
internal sealed class NativePatches(NativeContext context, IPatchSource source, TileManifest? manifest = null)
    : NativeObject("patches", isExclusive: false, context)
{
    private nint[]? _names;

    public NativeContext Context => context;

    public IPatchSource Source => source;

    /// <summary>Null where the patches were not tiled or opened from a manifest.</summary>
    public TileManifest? Manifest => manifest;

    /// <summary>A slide's name, UTF-8, as long as the patches are open.</summary>
    public nint SlideName(int slide)
    {
        lock (context)
        {
            _names ??= new nint[source.Table.Slides.Count];
            return _names[slide] != 0 ? _names[slide] : _names[slide] = Marshal.StringToCoTaskMemUTF8(source.Table.Slides[slide]);
        }
    }

    public override void Dispose()
    {
        source.Dispose();
        manifest?.Dispose();
        foreach (nint name in _names ?? [])
            Marshal.FreeCoTaskMem(name);
    }
}
