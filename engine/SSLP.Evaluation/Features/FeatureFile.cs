using PureHDF;
using PureHDF.VOL.Native;
using SSLP.Data.Files;
using SSLP.Data.Patches;

namespace SSLP.Evaluation.Features;

/// <summary>
/// Features on disk as HDF5, in the layout that CLAM and TRIDENT read: contiguous data sets <c>features</c> [N, W] float32 and
/// <c>coords</c> [N, 2] int64 (x, y in level-0 pixels; grid column and row where the patches came without a slide, which the attribute
/// <c>coords_unit</c> says). Beside them, for whoever wants the rest: <c>grid</c> [N, 2] int32 (column, row), and
/// <c>slide</c>, <c>label</c>, <c>split</c> [N] int32 with their <c>…_names</c>; −1 means none.
/// </summary>
internal static class FeatureFile
{
    internal const string Level0Unit = "level0_px", GridUnit = "patch_grid";

    /// <summary>Reads a file of <see cref="SingleFileSink"/> or <see cref="SlideFilesSink"/>.</summary>
    /// <exception cref="Fault">It is no HDF5 file, or lacks a data set.</exception>
    public static FeatureTable ReadHdf5(string path)
    {
        if (!File.Exists(path))
            throw new Fault(FaultKind.Input, $"There is no features file '{path}'; 'sslp embed --out features.h5' makes one.");
        try
        {
            using NativeFile file = H5File.OpenRead(path);
            int[] grid = file.Dataset("grid").Read<int[]>();
            PatchTable patches = new(
                file.Dataset("slide_names").Read<string[]>(), file.Dataset("slide").Read<int[]>(), Every(grid, 0), Every(grid, 1),
                ReadCategories(file, "label"), ReadCategories(file, "split"), file.Dataset("grid").Attribute("known").Read<int>() == 1);
            bool level0 = file.Dataset("coords").Attribute("coords_unit").Read<string>() == Level0Unit;
            IH5Dataset features = file.Dataset("features");
            return new FeatureTable(
                patches, features.Read<float[]>(), checked((int)features.Space.Dimensions[1]), file.Attribute("source").Read<string>(),
                level0 ? file.Dataset("coords").Read<long[]>() : null);
        }
        catch (Exception fault) when (fault is not IOException and not Fault)
        {
            // PureHDF reports a malformed file with whatever exception its parser ran into.
            throw new Fault(FaultKind.Data,
                $"'{path}' is no features file of this program ({fault.Message}); make one with 'sslp embed'.", fault);
        }
    }

    /// <summary>x, y of patches in level-0 pixels, as CLAM and TRIDENT expect them; null where they were not cut from slides.</summary>
    internal static long[]? OriginsOf(IPatchSource source, int[] patches)
    {
        long[] origins = new long[2 * patches.Length];
        for (int i = 0; i < patches.Length; i++)
        {
            if (source.OriginLevel0(patches[i]) is not { } origin)
                return null;
            (origins[2 * i], origins[(2 * i) + 1]) = origin;
        }
        return origins;
    }

    /// <summary>Column and row of patches, in the place of pixels where those are not known.</summary>
    internal static long[] CellsOf(IPatchSource source, int[] patches)
    {
        long[] cells = new long[2 * patches.Length];
        for (int i = 0; i < patches.Length; i++)
            (cells[2 * i], cells[(2 * i) + 1]) = (source.Table.Col[patches[i]], source.Table.Row[patches[i]]);
        return cells;
    }

    private static CategoryColumn? ReadCategories(IH5Group file, string name) => file.LinkExists(name)
        ? new CategoryColumn(file.Dataset(name + "_names").Read<string[]>(), file.Dataset(name).Read<int[]>())
        : null;

    private static int[] Every(int[] pairs, int offset)
    {
        int[] column = new int[pairs.Length / 2];
        for (int i = 0; i < column.Length; i++)
            column[i] = pairs[2 * i + offset];
        return column;
    }
}
