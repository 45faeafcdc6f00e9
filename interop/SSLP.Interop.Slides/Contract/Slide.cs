using System.Buffers;
using System.Numerics;

namespace SSLP.Interop.Slides;

/// <summary>
/// An open whole-slide image: a pyramid of levels, read as packed 8-bit RGB.
/// All members may be called from many threads at once until <see cref="Dispose()"/>.
/// </summary>
public abstract class Slide : IDisposable
{
    /// <summary>What stands for "no tissue here": pixels outside of the slide and tiles that the file leaves out.</summary>
    internal const byte White = 255;

    /// <summary>What a reduced read takes at the full resolution at a time.</summary>
    private const int MostBandBytes = 4 << 20;

    private IDisposable? _own;

    private protected Slide(string path, SlideReader reader)
    {
        Path = path;
        Reader = reader;
    }

    /// <summary>The file, as it was named when it was opened.</summary>
    public string Path { get; }

    /// <summary>Which reader serves it; never <see cref="SlideReader.Auto"/>.</summary>
    public SlideReader Reader { get; }

    /// <summary>The vendor's format by OpenSlide's names: "aperio", "generic-tiff", "hamamatsu", …</summary>
    public abstract string Format { get; }

    /// <summary>Levels from the finest (index 0) to the coarsest; at least one.</summary>
    public abstract IReadOnlyList<SlideLevel> Levels { get; }

    /// <summary>Size of a level-0 pixel and what is to be thought of it.</summary>
    public abstract PixelSize PixelSize { get; }

    /// <summary>Size of a level-0 pixel, or null where the file states none that can be believed. It is never guessed.</summary>
    public Mpp? Mpp => PixelSize.Mpp;

    /// <summary>
    /// What a person should know of an otherwise good slide, the notes on its pixel size among them: a label that can't be read, a
    /// directory that is lost, images that are no levels. Clauses that go on from the file's name, without a full stop.
    /// </summary>
    public abstract IReadOnlyList<string> Notes { get; }

    /// <summary>The file's own metadata, keys as OpenSlide names them where both readers know them ("aperio.AppMag").</summary>
    public abstract IReadOnlyDictionary<string, string> Properties { get; }

    /// <summary>Names of the images beside the pyramid ("label", "macro", "thumbnail").</summary>
    public abstract IReadOnlyList<string> AssociatedImages { get; }

    /// <summary>Closes this, too, when the slide is closed.</summary>
    internal void Own(IDisposable own) => _own = own;

    /// <summary>Whether the first pixels of the coarsest level come: OpenSlide opens files whose kind of pixels it can't read.</summary>
    internal bool CanRead()
    {
        try
        {
            ReadRegion(Levels.Count - 1, 0, 0, 1, 1, stackalloc byte[3]);
            return true;
        }
        catch (SlideException)
        {
            return false;
        }
    }

    /// <summary>Reads a rectangle of one level as packed RGB rows. What lies outside of the level is white.</summary>
    /// <param name="level">Index into <see cref="Levels"/>.</param>
    /// <param name="x">Left edge, in pixels of that level; may be negative.</param>
    /// <param name="y">Top edge, in pixels of that level; may be negative.</param>
    /// <param name="width">Columns, ≥ 1.</param>
    /// <param name="height">Rows, ≥ 1.</param>
    /// <param name="rgb">Receives height × width × 3 bytes, row by row with no padding.</param>
    /// <exception cref="SlideException">A tile can't be decoded (<see cref="SlideFault.TileUnreadable"/>, with its place) or the file
    /// can't be read.</exception>
    public void ReadRegion(int level, long x, long y, int width, int height, Span<byte> rgb) =>
        ReadRegion(level, x, y, width, height, rgb, width * 3);

    /// <summary>As the other overload, with rows <paramref name="stride"/> bytes apart; bytes between rows are left as they are.</summary>
    public void ReadRegion(int level, long x, long y, int width, int height, Span<byte> rgb, int stride)
    {
        SlideLevel size = Check(level, width, height, rgb, stride);
        (long X, long Y, int Width, int Height, int Start) inside = Clip(x, y, width, height, size.Width, size.Height, rgb, stride);
        if (inside.Width > 0 && inside.Height > 0)
            ReadInside(level, inside.X, inside.Y, inside.Width, inside.Height, rgb[inside.Start..], stride);
    }

    /// <summary>
    /// Reads a rectangle of one level with its sides reduced by a power of two. Pixel (x, y) stands for the level's pixels from (f · x, f ·
    /// y) on, f × f of them; a last column or row that is not whole is left out.
    /// </summary>
    /// <remarks>
    /// What a pixel is depends on how the level is stored, since reduced reads are to cost less:
    /// <list type="bullet">
    /// <item><b>JPEG</b> tiles of the embedded reader, f = 2: the decoder's own scaled transform, in two thirds of the time. That is not
    /// quite the mean of 2 × 2 pixels (chroma that is stored at half the resolution is taken as it is, not blown up and averaged): the two
    /// differ by 0.1 to 0.7 grey levels on average on H&amp;E, by up to 22 at single pixels. <see cref="FactorByDecoder"/> says
    /// where.</item>
    /// <item><b>JPEG 2000</b> tiles, up to <see cref="StoredFactor"/>: the resolution that the stream itself stores, which is the low-pass
    /// half of its wavelet (T.800 annex F: 5 or 9 taps across and down, at each halving), moved onto the middle of the f × f pixels and
    /// blurred a little by four taps (<c>Jpeg2000Centre</c>). On H&amp;E it differs from the mean by 2 grey levels on average at f = 2 (4
    /// on a sharper level), by 6 at f = 4.</item>
    /// <item>Else: the rounded mean of f × f pixels.</item>
    /// </list>
    /// </remarks>
    /// <param name="level">Index into <see cref="Levels"/>.</param>
    /// <param name="factor">f: 1, 2, 4, … 64.</param>
    /// <param name="x">Left edge, in pixels of the reduced level; may be negative.</param>
    /// <param name="y">Top edge, in pixels of the reduced level; may be negative.</param>
    /// <param name="width">Columns to get, ≥ 1.</param>
    /// <param name="height">Rows to get, ≥ 1.</param>
    /// <param name="rgb">Receives the rows.</param>
    /// <param name="stride">Bytes from row to row, ≥ 3 · width.</param>
    /// <exception cref="SlideException">As <see cref="ReadRegion(int, long, long, int, int, Span{byte})"/>.</exception>
    public void ReadReduced(int level, int factor, long x, long y, int width, int height, Span<byte> rgb, int stride)
    {
        if (factor is < 1 or > 64 || !BitOperations.IsPow2(factor))
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "A factor is a power of two from 1 to 64.");
        SlideLevel size = Check(level, width, height, rgb, stride);
        (long X, long Y, int Width, int Height, int Start) inside =
            Clip(x, y, width, height, size.Width / factor, size.Height / factor, rgb, stride);
        if (inside.Width < 1 || inside.Height < 1)
            return;
        if (factor == 1)
            ReadInside(level, inside.X, inside.Y, inside.Width, inside.Height, rgb[inside.Start..], stride);
        else
            ReadInsideReduced(level, factor, inside.X, inside.Y, inside.Width, inside.Height, rgb[inside.Start..], stride);
    }

    /// <summary>
    /// The largest factor at which <see cref="ReadReduced"/> takes the decoder's reduced output on this level; 1 where it never does.
    /// </summary>
    public virtual int FactorByDecoder(int level) => 1;

    /// <summary>The largest factor by which the level is stored reduced within its own tiles (JPEG 2000); 1 where it is not.</summary>
    /// <exception cref="SlideException">The file can't be read.</exception>
    public virtual int StoredFactor(int level) => 1;

    /// <summary>Reads one of the images beside the pyramid.</summary>
    /// <exception cref="ArgumentException">No image of that name.</exception>
    /// <exception cref="SlideException">The image can't be decoded.</exception>
    public abstract SlideImage ReadAssociatedImage(string name);

    /// <summary>Looks at every tile of every level, for an audit.</summary>
    /// <param name="deep">Decode every tile; else only its place in the file and its header are looked at. OpenSlide has no view of tiles:
    /// shallow, nothing is looked at.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>Counts and the first faults; a fault is no exception here.</returns>
    public virtual TileCheck VerifyTiles(bool deep, CancellationToken cancellation = default)
    {
        const int Block = 512;
        var tally = new TileCheck.Tally(deep);
        byte[] rgb = new byte[deep ? Block * Block * 3 : 0];
        for (int level = 0; deep && level < Levels.Count; level++)
        {
            for (long y = 0; y < Levels[level].Height; y += Block)
            {
                for (long x = 0; x < Levels[level].Width; x += Block)
                {
                    cancellation.ThrowIfCancellationRequested();
                    try
                    {
                        ReadRegion(level, x, y, Block, Block, rgb);
                        tally.Readable();
                    }
                    catch (SlideException fault)
                    {
                        tally.Unreadable(fault);
                    }
                }
            }
        }
        return tally.Result();
    }

    /// <summary>Reads a rectangle that lies wholly inside of the level; rows are <paramref name="stride"/> bytes apart.</summary>
    private protected abstract void ReadInside(int level, long x, long y, int width, int height, Span<byte> rgb, int stride);

    /// <summary>As <see cref="ReadInside"/>, reduced; here the mean of factor × factor pixels, halves rounded up.</summary>
    private protected virtual void ReadInsideReduced(int level, int factor, long x, long y, int width, int height, Span<byte> rgb,
        int stride)
    {
        int fullStride = checked(width * factor * 3), band = Math.Clamp(MostBandBytes / (fullStride * factor), 1, height);
        byte[] full = ArrayPool<byte>.Shared.Rent(checked(fullStride * factor * band));
        try
        {
            for (int top = 0; top < height; top += band)
            {
                int rows = Math.Min(band, height - top);
                ReadInside(level, x * factor, (y + top) * factor, width * factor, rows * factor, full, fullStride);
                for (int row = 0; row < rows; row++)
                    Average(full.AsSpan(row * factor * fullStride), fullStride, factor, rgb.Slice((top + row) * stride, width * 3));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(full);
        }
    }

    private static void Average(ReadOnlySpan<byte> rows, int rowBytes, int factor, Span<byte> target)
    {
        int half = factor * factor / 2, shift = 2 * BitOperations.Log2((uint)factor);
        for (int i = 0; i < target.Length; i++)
        {
            int sum = half, from = (i / 3 * factor * 3) + (i % 3);
            for (int row = 0; row < factor; row++)
            {
                for (int column = 0; column < factor; column++)
                    sum += rows[(row * rowBytes) + from + (column * 3)];
            }
            target[i] = (byte)(sum >> shift);
        }
    }

    private SlideLevel Check(int level, int width, int height, Span<byte> rgb, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(level, Levels.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan((long)stride, 3L * width, nameof(stride));
        if (rgb.Length < ((height - 1L) * stride) + (3L * width))
            throw new ArgumentException($"{rgb.Length} bytes can't hold {width} × {height} RGB pixels.", nameof(rgb));
        return Levels[level];
    }

    /// <summary>
    /// The part of a rectangle that lies inside of the level and where it starts in the buffer; what lies outside is made white.
    /// </summary>
    private static (long X, long Y, int Width, int Height, int Start) Clip(
        long x, long y, int width, int height, long levelWidth, long levelHeight, Span<byte> rgb, int stride)
    {
        long left = Math.Max(x, 0), top = Math.Max(y, 0);
        int insideWidth = (int)Math.Clamp(Math.Min(x + width, levelWidth) - left, 0, width);
        int insideHeight = (int)Math.Clamp(Math.Min(y + height, levelHeight) - top, 0, height);
        if (insideWidth < width || insideHeight < height)
            FillWhite(rgb, width, height, stride);
        int start = insideWidth == 0 || insideHeight == 0 ? 0 : ((int)(top - y) * stride) + ((int)(left - x) * 3);
        return (left, top, insideWidth, insideHeight, start);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        Dispose(true);
        _own?.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract void Dispose(bool disposing);

    internal static void FillWhite(Span<byte> rgb, int width, int height, int stride)
    {
        for (int row = 0; row < height; row++)
            rgb.Slice(row * stride, width * 3).Fill(White);
    }
}
