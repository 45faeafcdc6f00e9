using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// Asks for the memory of the next piece of work while the current one is done, a share at each step: with a bank beyond the caches its first
/// touch would otherwise wait. Hints only: no address is ever faulted on.
/// </summary>
internal unsafe struct Prefetch
{
    private const int LineFloats = 16;

    private readonly float* _end;
    private readonly nint _share;
    private float* _next;

    /// <param name="start">What will be needed.</param>
    /// <param name="floats">How much of it.</param>
    /// <param name="steps">How often <see cref="Step"/> will be called.</param>
    public Prefetch(float* start, nint floats, int steps)
    {
        _next = start;
        _end = start + floats;
        _share = (floats / Math.Max(1, steps) + LineFloats - 1) / LineFloats * LineFloats;
    }

    /// <summary>The panel behind the one that is about to be scored.</summary>
    public static Prefetch NextPanel(float* panel, int width, int steps)
    {
        nint floats = (nint)width * MemoryBank.PanelRows;
        return new Prefetch(panel + floats, floats, steps);
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
