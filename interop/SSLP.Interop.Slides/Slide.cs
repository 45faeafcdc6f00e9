using System.Buffers;
using SSLP.Interop.Slides.OpenSlide;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Interop.Slides;

/// <summary>
/// An open whole-slide image: a pyramid of levels, read as packed 8-bit RGB.
/// All members may be called from many threads at once until <see cref="Dispose()"/>.
/// </summary>
public abstract class Slide : IDisposable
{
    /// <summary>What stands for "no tissue here": pixels outside of the slide and tiles that the file leaves out.</summary>
    internal const byte White = 255;

    private protected Slide(string path, SlideReader reader)
    {
        Path = path;
        Reader = reader;
    }

    /// <summary>The file, as it was named to <see cref="Open"/>.</summary>
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
    /// What a person should know of an otherwise good slide, the notes on its pixel size among them: a label that can't be read, a directory that is lost,
    /// images that are no levels. Clauses that go on from the file's name, without a full stop.
    /// </summary>
    public abstract IReadOnlyList<string> Notes { get; }

    /// <summary>The file's own metadata, keys as OpenSlide names them where both readers know them ("aperio.AppMag").</summary>
    public abstract IReadOnlyDictionary<string, string> Properties { get; }

    /// <summary>Names of the images beside the pyramid ("label", "macro", "thumbnail").</summary>
    public abstract IReadOnlyList<string> AssociatedImages { get; }

    /// <summary>Opens a slide by its content; the extension plays no part.</summary>
    /// <param name="path">A slide file, or the folder that holds the files of one DICOM slide.</param>
    /// <param name="reader">Which reader to use; <see cref="SlideReader.Auto"/> takes the embedded one for what it reads in full.</param>
    /// <exception cref="SlideException">The file can't be read; the message names it, the reason and what to do.</exception>
    public static Slide Open(string path, SlideReader reader = SlideReader.Auto)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            return reader != SlideReader.Embedded && DicomSlides.LargestIn(path) is { } file ? DicomSlides.Open(file, path) : throw new SlideException(
                path, SlideFault.NotASlide, "is a folder, not a slide file; name the files in it, or pass it as the folder of slides");
        }
        if (!File.Exists(path))
            throw new SlideException(path, SlideFault.NotFound, "there is no such file; check the path");
        return reader switch
        {
            SlideReader.Embedded => TiffSlide.OpenFile(path),
            SlideReader.OpenSlide => DicomSlides.IsDicom(path) ? DicomSlides.Open(path, path) : OpenSlideSlide.OpenFile(path),
            SlideReader.Auto => OpenAuto(path),
            _ => throw new ArgumentOutOfRangeException(nameof(reader), reader, "Unknown slide reader."),
        };
    }

    private static Slide OpenAuto(string path)
    {
        try
        {
            return TiffSlide.OpenFile(path);
        }
        catch (SlideException embedded) when (embedded.Fault == SlideFault.NotASlide && DicomSlides.IsDicom(path))
        {
            return DicomSlides.Open(path, path);
        }
        catch (SlideException embedded) when (embedded.MayBeReadByOpenSlide())
        {
            return OpenSlideInstead(path, embedded);
        }
    }

    private static Slide OpenSlideInstead(string path, SlideException embedded)
    {
        try
        {
            var slide = OpenSlideSlide.OpenFile(path);
            if (embedded.Fault == SlideFault.UnsupportedPixels && !slide.CanRead())
            {
                slide.Dispose();
                throw embedded;
            }
            return slide;
        }
        catch (SlideException openSlide) when (openSlide.Fault == SlideFault.OpenSlideMissing)
        {
            string unless = embedded.Fault == SlideFault.NotASlide ? "if it is a slide of another format, " : "";
            throw new SlideException(path, embedded.Fault, $"{embedded.Reason}; {unless}{OpenSlideLibrary.HowToInstall}");
        }
        catch (SlideException openSlide) when (openSlide.Fault == SlideFault.NotASlide)
        {
            throw embedded;
        }
    }

    /// <summary>Whether the first pixels of the coarsest level come: OpenSlide opens files whose kind of pixels it can't read.</summary>
    private bool CanRead()
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
    /// <exception cref="SlideException">A tile can't be decoded (<see cref="SlideFault.TileUnreadable"/>, with its place) or the file can't be read.</exception>
    public void ReadRegion(int level, long x, long y, int width, int height, Span<byte> rgb) =>
        ReadRegion(level, x, y, width, height, rgb, width * 3);

    /// <summary>As the other overload, with rows <paramref name="stride"/> bytes apart; bytes between rows are left as they are.</summary>
    public void ReadRegion(int level, long x, long y, int width, int height, Span<byte> rgb, int stride)
    {
        var size = Check(level, width, height, rgb, stride);
        var inside = Clip(x, y, width, height, size.Width, size.Height, rgb, stride);
        if (inside.Width > 0 && inside.Height > 0)
            ReadInside(level, inside.X, inside.Y, inside.Width, inside.Height, rgb[inside.Start..], stride);
    }

    /// <summary>
    /// Reads a rectangle of one level at half its resolution. Pixel (x, y) covers the level's pixels 2x, 2x + 1 by 2y, 2y + 1;
    /// an odd last column or row is left out.
    /// </summary>
    /// <remarks>
    /// JPEG tiles of the embedded reader come from the decoder's own scaled transform, in two thirds of the time. That is not quite the mean of 2 × 2 pixels
    /// (chroma that is stored at half the resolution is taken as it is, not blown up and averaged): the two differ by 0.1 to 0.7 grey levels on average on H&amp;E,
    /// by up to 22 at single pixels. <see cref="HalvesByDecoder"/> says where that is; elsewhere it is the rounded mean.
    /// </remarks>
    /// <param name="level">Index into <see cref="Levels"/>.</param>
    /// <param name="x">Left edge, in pixels of the halved level; may be negative.</param>
    /// <param name="y">Top edge, in pixels of the halved level; may be negative.</param>
    /// <param name="width">Columns to get, ≥ 1.</param>
    /// <param name="height">Rows to get, ≥ 1.</param>
    /// <param name="rgb">Receives the rows.</param>
    /// <param name="stride">Bytes from row to row, ≥ 3 · width.</param>
    /// <exception cref="SlideException">As <see cref="ReadRegion(int, long, long, int, int, Span{byte})"/>.</exception>
    public void ReadHalved(int level, long x, long y, int width, int height, Span<byte> rgb, int stride)
    {
        var size = Check(level, width, height, rgb, stride);
        var inside = Clip(x, y, width, height, size.Width / 2, size.Height / 2, rgb, stride);
        if (inside.Width > 0 && inside.Height > 0)
            ReadInsideHalved(level, inside.X, inside.Y, inside.Width, inside.Height, rgb[inside.Start..], stride);
    }

    /// <summary>Whether <see cref="ReadHalved"/> takes the decoder's scaled output on this level.</summary>
    public virtual bool HalvesByDecoder(int level) => false;

    /// <summary>Reads one of the images beside the pyramid.</summary>
    /// <exception cref="ArgumentException">No image of that name.</exception>
    /// <exception cref="SlideException">The image can't be decoded.</exception>
    public abstract SlideImage ReadAssociatedImage(string name);

    /// <summary>Looks at every tile of every level, for an audit.</summary>
    /// <param name="deep">Decode every tile; else only its place in the file and its header are looked at. OpenSlide has no view of tiles: shallow, nothing is looked at.</param>
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

    /// <summary>As <see cref="ReadInside"/>, at half the resolution; here the mean of each 2 × 2 pixels, halves rounded up.</summary>
    private protected virtual void ReadInsideHalved(int level, long x, long y, int width, int height, Span<byte> rgb, int stride)
    {
        int fullStride = width * 6;
        byte[] full = ArrayPool<byte>.Shared.Rent(checked(fullStride * height * 2));
        try
        {
            ReadInside(level, x * 2, y * 2, width * 2, height * 2, full, fullStride);
            for (int row = 0; row < height; row++)
            {
                var upper = full.AsSpan(row * 2 * fullStride, fullStride);
                var lower = full.AsSpan(((row * 2) + 1) * fullStride, fullStride);
                var target = rgb.Slice(row * stride, width * 3);
                for (int i = 0, from = 0; i < target.Length; i++, from += i % 3 == 0 ? 4 : 1)
                    target[i] = (byte)((upper[from] + upper[from + 3] + lower[from] + lower[from + 3] + 2) / 4);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(full);
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

    /// <summary>The part of a rectangle that lies inside of the level and where it starts in the buffer; what lies outside is made white.</summary>
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
        GC.SuppressFinalize(this);
    }

    private protected abstract void Dispose(bool disposing);

    internal static void FillWhite(Span<byte> rgb, int width, int height, int stride)
    {
        for (int row = 0; row < height; row++)
            rgb.Slice(row * stride, width * 3).Fill(White);
    }
}
