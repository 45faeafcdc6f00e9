using SSLP.Data.Tissue;

namespace SSLP.Data.Tiling;

/// <summary>
/// The patch grid of one slide at an exact pixel size: patch (col, row) covers the specimen from col·P·mpp µm to (col + 1)·P·mpp µm.
/// Positions are computed from the integers with one rounding, never by adding a rounded step: the last patch of a slide is
/// as exact as the first (≤ 0.5 level-0 pixel).
/// </summary>
/// <param name="PatchSize">Side of a patch, P px.</param>
/// <param name="Mpp">Pixel size of the patches, µm.</param>
/// <param name="SlideMppX">Level-0 pixel size of the slide across, µm.</param>
/// <param name="SlideMppY">Level-0 pixel size of the slide down, µm.</param>
/// <param name="Width">Columns of level 0, px.</param>
/// <param name="Height">Rows of level 0, px.</param>
public readonly record struct SlideGrid(int PatchSize, double Mpp, double SlideMppX, double SlideMppY, long Width, long Height)
{
    /// <summary>Level-0 pixels per patch pixel across.</summary>
    public double ScaleX => Mpp / SlideMppX;

    /// <summary>Level-0 pixels per patch pixel down.</summary>
    public double ScaleY => Mpp / SlideMppY;

    /// <summary>Whole patches across; what is left at the right edge belongs to no patch.</summary>
    public int Columns => WholePatches(Width, ScaleX);

    /// <summary>Whole patches down.</summary>
    public int Rows => WholePatches(Height, ScaleY);

    /// <summary>Left edge of a grid column, level-0 pixels, not rounded.</summary>
    public double Left(double col) => col * PatchSize * Mpp / SlideMppX;

    /// <summary>Top edge of a grid row, level-0 pixels, not rounded.</summary>
    public double Top(double row) => row * PatchSize * Mpp / SlideMppY;

    /// <summary>Top left corner of a patch, rounded to a level-0 pixel: what is written to files that others read.</summary>
    public (long X, long Y) OriginLevel0(int col, int row) => ((long)Math.Round(Left(col)), (long)Math.Round(Top(row)));

    /// <summary>Places of which at least a share is tissue, in order of row, then column; a place without any is none of them.</summary>
    internal IEnumerable<(int Col, int Row)> Covered(TissueMask mask, double minTissue)
    {
        for (int row = 0; row < Rows; row++)
            for (int col = 0; col < Columns; col++)
            {
                double coverage = mask.Coverage(Left(col) / Width, Top(row) / Height, Left(col + 1) / Width, Top(row + 1) / Height);
                if (coverage > 0 && coverage >= minTissue)
                    yield return (col, row);
            }
    }

    /// <summary>Patches that fit; half a level-0 pixel beyond the edge is the rounding of the slide's own size.</summary>
    private int WholePatches(long size, double scale) => (int)((size + 0.5) / (PatchSize * scale));
}
