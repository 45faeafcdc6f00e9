using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// Asks for the next panel while the current one is scored, a share at each query tile: with a bank beyond the caches a panel's first
/// touch would otherwise wait for memory. Hints only: no address is ever faulted on.
/// </summary>
internal unsafe struct PanelPrefetch
{
    private const int LineFloats = 16;

    private readonly float* _end;
    private readonly nint _share;
    private float* _next;

    /// <param name="panel">The panel about to be scored; the one behind it is fetched.</param>
    /// <param name="width">D.</param>
    /// <param name="tiles">How often <see cref="Step"/> will be called.</param>
    public PanelPrefetch(float* panel, int width, int tiles)
    {
        nint floats = (nint)width * MemoryBank.PanelRows;
        _next = panel + floats;
        _end = _next + floats;
        _share = (floats / Math.Max(1, tiles) + LineFloats - 1) / LineFloats * LineFloats;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step()
    {
        if (!Sse.IsSupported)
            return;
        float* stop = _next + _share;
        for (; _next < stop && _next < _end; _next += LineFloats)
            Sse.Prefetch1(_next);
    }
}
