using PureHDF;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Torch;

namespace SSLP.Evaluation.Features;

/// <summary>
/// Features on disk as HDF5, in the layout that CLAM and TRIDENT read: contiguous data sets <c>features</c> [N, W] float32 and
/// <c>coords</c> [N, 2] int64 (x, y in level-0 pixels; grid column and row where the patches came without a slide, which the attribute
/// <c>coords_unit</c> says). Beside them, for whoever wants the rest: <c>grid</c> [N, 2] int32 (column, row), and
/// <c>slide</c>, <c>label</c>, <c>split</c> [N] int32 with their <c>…_names</c>; −1 means none.
/// </summary>
public static class FeatureFile
{
    internal const string Level0Unit = "level0_px", GridUnit = "patch_grid";

    /// <summary>Written atomically.</summary>
    public static void WriteHdf5(string path, FeatureTable table)
    {
        PatchTable patches = table.Patches;
        ulong n = (ulong)patches.Count;
        H5File file = new()
        {
            ["features"] = new H5Dataset(table.Values, fileDims: [n, (ulong)table.Width]),
            ["coords"] = new H5Dataset(table.Level0 ?? [.. Pairs(patches).Select(v => (long)v)], fileDims: [n, 2])
            {
                Attributes = new() { ["coords_unit"] = table.Level0 is null ? GridUnit : Level0Unit },
            },
            ["grid"] = new H5Dataset(Pairs(patches), fileDims: [n, 2])
            {
                Attributes = new() { ["known"] = patches.HasCoordinates ? 1 : 0 },
            },
            ["slide"] = patches.SlideOf.ToArray(),
            ["slide_names"] = patches.Slides.ToArray(),
        };
        if (patches.Classes is not null)
        {
            file["label"] = patches.LabelOf.ToArray();
            file["label_names"] = patches.Classes.ToArray();
        }

        if (patches.Splits is not null)
        {
            file["split"] = patches.SplitOf.ToArray();
            file["split_names"] = patches.Splits.ToArray();
        }

        file.Attributes = new() { ["source"] = table.Source };
        // Compact storage puts small data sets into the object header; readers that map the file want them contiguous.
        AtomicFile.Write(path, stream => file.Write(stream, new H5WriteOptions(PreferCompactDatasetLayout: false)));
    }

    /// <summary>Reads a file of <see cref="WriteHdf5"/>.</summary>
    /// <exception cref="Fault">It is no HDF5 file, or lacks a data set.</exception>
    public static FeatureTable ReadHdf5(string path)
    {
        try
        {
            using var file = H5File.OpenRead(path);
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
            throw new Fault(FaultKind.Data, $"'{path}' is no features file of this program ({fault.Message}); make one with 'sslp embed'.", fault);
        }
    }

    /// <summary>The numbers alone, as NumPy reads them: float32, C order, shape (N, W). Written atomically.</summary>
    /// <remarks>Source: the format's page, numpy.lib.format, version 1.0.</remarks>
    public static void WriteNpy(string path, FeatureTable table)
    {
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({table.Count}, {table.Width}), }}";
        // Magic, version and length are 10 bytes; spaces and a newline bring the data to a multiple of 64.
        header = header.PadRight((10 + header.Length + 1 + 63) / 64 * 64 - 11) + "\n";
        AtomicFile.Write(path, stream =>
        {
            stream.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)(header.Length & 255), (byte)(header.Length >> 8)]);
            stream.Write(System.Text.Encoding.ASCII.GetBytes(header));
            stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(table.Values.AsSpan()));
        });
    }

    /// <summary>x, y of patches in level-0 pixels, as CLAM and TRIDENT expect them; null where they were not cut from slides.</summary>
    internal static long[]? OriginsOf(IPatchSource source, int[] patches)
    {
        var origins = new long[2 * patches.Length];
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
        var cells = new long[2 * patches.Length];
        for (int i = 0; i < patches.Length; i++)
            (cells[2 * i], cells[(2 * i) + 1]) = (source.Table.Col[patches[i]], source.Table.Row[patches[i]]);
        return cells;
    }

    private static CategoryColumn? ReadCategories(IH5Group file, string name) => file.LinkExists(name)
        ? new CategoryColumn(file.Dataset(name + "_names").Read<string[]>(), file.Dataset(name).Read<int[]>())
        : null;

    private static int[] Pairs(PatchTable patches)
    {
        int[] pairs = new int[2 * patches.Count];
        for (int i = 0; i < patches.Count; i++)
            (pairs[2 * i], pairs[2 * i + 1]) = (patches.Col[i], patches.Row[i]);
        return pairs;
    }

    private static int[] Every(int[] pairs, int offset)
    {
        int[] column = new int[pairs.Length / 2];
        for (int i = 0; i < column.Length; i++)
            column[i] = pairs[2 * i + offset];
        return column;
    }
}
