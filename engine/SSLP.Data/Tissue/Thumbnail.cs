using System.Buffers;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tissue;

/// <summary>A coarse image of a whole slide, by area mean from the coarsest level that is fine enough.</summary>
/// <param name="Image">The image.</param>
/// <param name="UnreadableBlocks">Blocks of at most 256 px that do not decode; they are white in the image.</param>
internal sealed record Thumbnail(SlideImage Image, int UnreadableBlocks)
{
    /// <summary>A thumbnail's longer side, px: bounds memory on slides of any size.</summary>
    public const int MaxSide = 4096;

    private const int BandBytes = 32 << 20;

    /// <param name="slide">An open slide.</param>
    /// <param name="downsample">Level-0 pixels per thumbnail pixel; raised where <see cref="MaxSide"/> asks for it.</param>
    /// <param name="cancel">Checked between bands.</param>
    /// <exception cref="SlideException">The file itself cannot be read; a tile that does not decode is counted instead.</exception>
    public static Thumbnail Read(Slide slide, double downsample, CancellationToken cancel)
    {
        SlideLevel full = slide.Levels[0];
        downsample = Math.Max(Math.Max(1, downsample), (double)Math.Max(full.Width, full.Height) / MaxSide);
        int width = Math.Max(1, (int)(full.Width / downsample)), height = Math.Max(1, (int)(full.Height / downsample));
        int level = 0;
        for (int i = 0; i < slide.Levels.Count; i++)
            if (slide.Levels[i].Downsample <= downsample * 1.01)
                level = i;
        int levelWidth = (int)slide.Levels[level].Width;
        long levelHeight = slide.Levels[level].Height;
        double scaleX = (double)levelWidth / width, scaleY = (double)levelHeight / height;
        var x = new AreaAxis(width, 0, scaleX, levelWidth);
        int bandRows = Math.Clamp((int)(BandBytes / (levelWidth * 3 * scaleY)), 1, height);
        byte[] rgb = new byte[width * height * 3];
        int unreadable = 0;
        for (int row = 0; row < height; row += bandRows)
        {
            cancel.ThrowIfCancellationRequested();
            int rows = Math.Min(bandRows, height - row);
            long top = (long)(row * scaleY), bottom = Math.Min(levelHeight, (long)Math.Ceiling((row + rows) * scaleY));
            int bandHeight = (int)(bottom - top), bytes = levelWidth * bandHeight * 3;
            byte[] band = ArrayPool<byte>.Shared.Rent(bytes);
            unreadable += ReadBlock(slide, level, 0, top, levelWidth, bandHeight, band.AsSpan(0, bytes), levelWidth * 3);
            AreaFilter.Resample(band.AsSpan(0, bytes), levelWidth, x, new(rows, (row * scaleY) - top, scaleY, bandHeight),
                rgb.AsSpan(row * width * 3, rows * width * 3));
            ArrayPool<byte>.Shared.Return(band);
        }
        return new(new(width, height, rgb), unreadable);
    }

    /// <summary>Reads a block; where a tile in it does not decode, halves it until the damage is small, and leaves that white.</summary>
    private static int ReadBlock(Slide slide, int level, long x, long y, int width, int height, Span<byte> rgb, int stride)
    {
        try
        {
            slide.ReadRegion(level, x, y, width, height, rgb, stride);
            return 0;
        }
        catch (SlideException e) when (e.Fault == SlideFault.TileUnreadable)
        {
            if (width <= 256 && height <= 256)
            {
                for (int row = 0; row < height; row++)
                    rgb.Slice(row * stride, width * 3).Fill(255);
                return 1;
            }
        }
        if (width >= height)
        {
            int half = width / 2;
            return ReadBlock(slide, level, x, y, half, height, rgb, stride)
                + ReadBlock(slide, level, x + half, y, width - half, height, rgb[(half * 3)..], stride);
        }
        int halfRows = height / 2;
        return ReadBlock(slide, level, x, y, width, halfRows, rgb, stride)
            + ReadBlock(slide, level, x, y + halfRows, width, height - halfRows, rgb[(halfRows * stride)..], stride);
    }
}
