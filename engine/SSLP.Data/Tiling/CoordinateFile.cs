using PureHDF;
using PureHDF.VOL.Native;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>The places of one coordinate file.</summary>
/// <param name="X">Left edge of every patch, level-0 px.</param>
/// <param name="Y">Top edge of every patch, level-0 px.</param>
/// <param name="Size">Side of a patch across and down, level-0 px.</param>
internal sealed record CoordinateFile(double[] X, double[] Y, (double X, double Y) Size)
{
    /// <summary>Of a file whose claims are looked at before it is read. Longer ones, HEST's, hold the patches' images behind their
    /// headers.</summary>
    private const long CheckedBytes = 64 << 20;

    // How often a file's bytes may be read, and what may be read of a small one.
    private const long HeaderReads = 4, HeaderBytes = 1 << 20, DataReads = 1024, DataBytes = 64 << 20;

    /// <summary>
    /// Reads <c>coords</c> [N, 2]. The patch's size is <c>patch_size_level0</c> (TRIDENT), <c>patch_size_src</c> or
    /// <c>patch_size_target</c> times <c>downsample</c> (HEST), <c>patch_size</c> times <c>downsample</c> or at <c>patch_level</c> 0
    /// (CLAM), or <c>patch_size</c> times level0_magnification over target_magnification (TRIDENT before it wrote the first). STAMP counts
    /// in micrometres: <c>unit</c> "um" and <c>tile_size_um</c>.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="mpp">Level-0 pixel size of its slide, µm; asked for where the file counts in µm only.</param>
    /// <exception cref="FormatException">It is no such file; the message has the reason.</exception>
    public static CoordinateFile Read(string path, Func<Mpp?> mpp)
    {
        using var stream = new MeteredStream(File.OpenRead(path));
        if (stream.Length == 0)
            throw new FormatException("it is empty");
        using (var mapped = new MappedBytes(path, stream.Length))
            Hdf5Claims.Check(mapped.Bytes(0, (int)Math.Min(CheckedBytes, stream.Length)), stream.Length);
        stream.Allow((HeaderReads * stream.Length) + HeaderBytes);
        using NativeFile file = H5File.Open(stream, leaveOpen: true);
        if (!file.LinkExists("coords"))
            throw new FormatException(
                $"it has no data set 'coords', but " +
                $"{string.Join(", ", file.Children().Select(child => child.Name).Take(8).DefaultIfEmpty("nothing"))}");
        if (file.Get("coords") is not IH5Dataset coords)
            throw new FormatException("'coords' is no data set");
        if (coords.Space.Dimensions is not [_, 2])
            throw new FormatException(
                $"'coords' is {string.Join(" × ", coords.Space.Dimensions.DefaultIfEmpty(1UL))} {coords.Type.Class}; N × 2 numbers are " +
                $"wanted");
        // An index of many small chunks is read once for each of them.
        stream.Allow((DataReads * stream.Length) + DataBytes);
        double[] numbers = Hdf5Numbers.Read(coords, stream.Length);
        stream.Allow((HeaderReads * stream.Length) + HeaderBytes);
        if (numbers.Length == 0)
            throw new FormatException("it names no place");
        (double X, double Y) unit = (1, 1);
        (double X, double Y) size;
        string unitName = (UnitOf(file) ?? UnitOf(coords) ?? "px").Trim().ToLowerInvariant();
        if (unitName is not ("um" or "µm" or "μm" or "micrometre" or "micrometer" or "micron" or "microns" or "px" or "pixel" or "pixels"))
            throw new FormatException($"it counts in '{unitName}', and pixels or micrometres are wanted");
        if (!unitName.StartsWith('p'))
        {
            Mpp own = mpp() ?? throw new FormatException(
                "it counts in micrometres, and its slide does not say its pixel size; give it with --assume-mpp");
            double micrometres = Number("tile_size_um") ?? Number("tile_size")
                ?? throw new FormatException("it counts in micrometres and does not say the tile's size (tile_size_um)");
            (unit, size) = ((1 / own.X, 1 / own.Y), (micrometres / own.X, micrometres / own.Y));
        }
        else
        {
            double level0 = SizeLevel0();
            size = (level0, level0);
            if (Array.FindIndex(numbers, number => number != Math.Floor(number)) is >= 0 and int i)
                throw new FormatException($"'coords' has {numbers[i]}, which is no whole pixel");
        }
        if (!(size.X > 0) || !(size.Y > 0))
            throw new FormatException($"it has a patch size of {size.X:0.###}");
        if (Array.FindIndex(numbers, number => !(Math.Abs(number * unit.X) < int.MaxValue - size.X)) is >= 0 and int far)
            throw new FormatException($"'coords' has {numbers[far]}, which is no place on a slide");
        return new(Every(0, unit.X), Every(1, unit.Y), size);

        double? Number(string name) => Hdf5Numbers.Attribute(coords, name) ?? Hdf5Numbers.Attribute(file, name) ?? OfImages(name);

        // HEST writes sizes beside the patches' images, which lie in the same file.
        double? OfImages(string name) =>
            file.LinkExists("img") && file.Get("img") is IH5Dataset images ? Hdf5Numbers.Attribute(images, name) : null;

        double SizeLevel0()
        {
            if ((Number("patch_size_level0") ?? Number("patch_size_src")) is double size0)
                return size0;
            if (Number("patch_size_target") is double target0)
                return Number("downsample") is double by ? target0 * by
                    : throw new FormatException("it has a patch_size_target but no downsample, which says at which scale");
            if (Number("patch_size") is not double pixels)
                throw new FormatException(
                    "it does not say the patch's size (patch_size_level0, or patch_size with downsample or patch_level)");
            if (Number("patch_level") is 0)
                return pixels;
            if (Number("downsample") is double downsample)
                return pixels * downsample;
            if (Number("level0_magnification") is double own && Number("target_magnification") is double target && own > 0 && target > 0)
                return pixels * own / target;
            throw new FormatException(
                "it has a patch_size but does not say at which scale (patch_size_level0, patch_level 0, downsample, or " +
                "level0_magnification and target_magnification)");
        }

        double[] Every(int offset, double scale)
        {
            double[] values = new double[numbers.Length / 2];
            for (int i = 0; i < values.Length; i++)
                values[i] = numbers[(2 * i) + offset] * scale;
            return values;
        }
    }

    private static string? UnitOf(IH5Object of) =>
        of.AttributeExists("unit") && of.Attribute("unit") is { Type.Class: H5DataTypeClass.String or H5DataTypeClass.VariableLength } unit
            ? unit.Read<string>() : null;
}
