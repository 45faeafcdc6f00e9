using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// Asks for the memory of the next piece of work while the current one is done: with a bank beyond the caches its first touch would
/// otherwise wait. A share goes with each tile: a short one before it, a long one spread over the tile's steps, since a long burst of
/// requests would fill the queue that the tile's own loads wait in. Hints only: no address is ever faulted on.
/// </summary>
internal unsafe struct Prefetch
{
    private const int LineBytes = 64;

    /// <summary>Lines that are asked for at once.</summary>
    private const int LongestBurst = 16;

    private readonly byte* _end;
    private readonly nint _share;
    private byte* _next;

    /// <param name="start">What will be needed.</param>
    /// <param name="floats">How much of it.</param>
    /// <param name="tiles">How often <see cref="Take"/> will be called.</param>
    public Prefetch(float* start, nint floats, int tiles)
    {
        _next = (byte*)start;
        _end = (byte*)(start + floats);
        nint lines = ((nint)(_end - _next) + LineBytes - 1) / LineBytes, shares = Math.Max(1, tiles);
        _share = (lines + shares - 1) / shares * LineBytes;
    }

    /// <summary>Whether the next share is to be spread over a tile.</summary>
    public readonly bool NextIsLong
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _share > LongestBurst * LineBytes && _next < _end;
    }

    /// <summary>The panel behind the one that is about to be scored.</summary>
    public static Prefetch NextPanel(float* panel, int width, int tiles)
    {
        nint floats = (nint)width * MemoryBank.PanelRows;
        return new Prefetch(panel + floats, floats, tiles);
    }

    /// <summary>Asks for the next share at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FetchShort()
    {
        if (!Sse.IsSupported)
            return;
        byte* stop = _next + _share;
        for (; _next < stop && _next < _end; _next += LineBytes)
            Sse.Prefetch1(_next);
    }

    /// <summary>The next tile's share, over <paramref name="depth"/> steps.</summary>
    public Share Take(nint depth)
    {
        byte* start = _next;
        _next += _share;
        return new Share(start, (_share + depth - 1) / depth);
    }

    /// <summary>Bytes to ask for: one address a step.</summary>
    public readonly struct Share(byte* start, nint step)
    {
        public readonly byte* Start = start;
        public readonly nint Step = step;
    }
}
