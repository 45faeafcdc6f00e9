namespace SSLP.Data.Tissue;

/// <summary>What the segmentation found: tissue or not, on a coarse image of the slide.</summary>
internal sealed class TissueMask
{
    private readonly BinaryImage _tissue;
    private readonly int[] _sums;

    internal TissueMask(BinaryImage tissue, double micronsPerPixel, TissueMethod method, int threshold, double penFraction)
    {
        _tissue = tissue;
        _sums = tissue.Integral();
        MicronsPerPixel = micronsPerPixel;
        Method = method;
        Threshold = threshold;
        PenFraction = penFraction;
        TissueFraction = tissue.Pixels.Length == 0 ? 0 : (double)tissue.Count / tissue.Pixels.Length;
    }

    internal BinaryImage Pixels => _tissue;

    /// <summary>Columns of the coarse image.</summary>
    public int Width => _tissue.Width;

    /// <summary>Rows of the coarse image.</summary>
    public int Height => _tissue.Height;

    /// <summary>Pixel size of the coarse image, µm.</summary>
    public double MicronsPerPixel { get; }

    /// <summary>The rule that was used; never <see cref="TissueMethod.Auto"/>.</summary>
    public TissueMethod Method { get; }

    /// <summary>Threshold on strength of stain or on density (0–255): the one that was asked for, or Otsu's; 0 where all is
    /// taken.</summary>
    public int Threshold { get; }

    /// <summary>Share of the image that green or red pen covers; 0 where all is taken.</summary>
    public double PenFraction { get; }

    /// <summary>Share of the image that is tissue.</summary>
    public double TissueFraction { get; }

    /// <summary>Tissue at one pixel of the coarse image.</summary>
    public bool this[int x, int y] => _tissue.Pixels[(y * Width) + x];

    /// <summary>Share of a rectangle that is tissue; the rectangle is given as parts of the image, each edge in 0 … 1.</summary>
    public double Coverage(double left, double top, double right, double bottom)
    {
        (int x0, int x1) = Span(left, right, Width);
        (int y0, int y1) = Span(top, bottom, Height);
        int stride = Width + 1;
        int set = _sums[(y1 * stride) + x1] - _sums[(y1 * stride) + x0] - _sums[(y0 * stride) + x1] + _sums[(y0 * stride) + x0];
        return (double)set / ((x1 - x0) * (y1 - y0));
    }

    /// <summary>The pixels nearest to an interval, at least one.</summary>
    private static (int From, int To) Span(double low, double high, int size)
    {
        int from = Math.Clamp((int)Math.Round(low * size), 0, size - 1);
        int to = Math.Clamp((int)Math.Round(high * size), from + 1, size);
        return (from, to);
    }
}
