namespace SSLP.Kernels;

/// <summary>The meaning of <see cref="SpatialNeighbours"/>, written as it reads: every patch is asked.</summary>
internal static class SpatialNeighboursReference
{
    /// <summary>S of one anchor in order of (grid row, column, bank row).</summary>
    public static int[] Query(int[] slide, int[] col, int[] row, int anchor, double radiusPatches)
    {
        SpatialNeighbours.CheckRadius(radiusPatches);
        var members = new List<int>();
        for (int j = 0; j < slide.Length; j++)
        {
            double dx = (double)col[j] - col[anchor], dy = (double)row[j] - row[anchor];
            double squared = dx * dx + dy * dy;
            if (slide[j] == slide[anchor] && squared > 0 && squared < radiusPatches * radiusPatches)
                members.Add(j);
        }
        return [.. members.OrderBy(j => row[j]).ThenBy(j => col[j]).ThenBy(j => j)];
    }
}
