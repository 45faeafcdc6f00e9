namespace SSLP.Data.Tissue;

/// <summary>How tissue is told from glass. Lengths and areas are of the specimen, so one set of values serves every magnification.</summary>
public sealed record TissueOptions
{
    /// <summary>Pixel size of the image that is segmented, µm. Default 8: fine enough for a 128 µm patch, coarse enough to blur nuclei.</summary>
    public double MicronsPerPixel { get; init; } = 8;

    /// <summary>Gaps narrower than about twice this are closed, µm. Default 24: the width of a few cells.</summary>
    public double ClosingMicrons { get; init; } = 24;

    /// <summary>Enclosed holes up to this area are filled (lumens, fat, tears), mm². Default 0.1.</summary>
    public double HoleSquareMillimetres { get; init; } = 0.1;

    /// <summary>Pieces below this area are dropped (dust, debris), mm². Default 0.01: less than one patch of 256 px at 0.5 µm.</summary>
    public double MinSquareMillimetres { get; init; } = 0.01;
}

/// <summary>What the segmentation found: tissue or not, on a coarse image of the slide.</summary>
public sealed class TissueMask
{
    private readonly BinaryImage _tissue;
    private readonly int[] _sums;

    internal TissueMask(BinaryImage tissue, double micronsPerPixel, int threshold, double penFraction)
    {
        _tissue = tissue;
        _sums = tissue.Integral();
        MicronsPerPixel = micronsPerPixel;
        Threshold = threshold;
        PenFraction = penFraction;
        TissueFraction = tissue.Pixels.Length == 0 ? 0 : (double)tissue.Count / tissue.Pixels.Length;
    }

    /// <summary>Columns of the coarse image.</summary>
    public int Width => _tissue.Width;

    /// <summary>Rows of the coarse image.</summary>
    public int Height => _tissue.Height;

    /// <summary>Pixel size of the coarse image, µm.</summary>
    public double MicronsPerPixel { get; }

    /// <summary>Threshold on stain strength (0–255) that Otsu's rule chose.</summary>
    public int Threshold { get; }

    /// <summary>Share of the image that green or red pen covers.</summary>
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
