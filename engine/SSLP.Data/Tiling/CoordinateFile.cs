using System.Globalization;
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

    /// <summary>Two sizes that differ by less are one: 20 and 20.4 times.</summary>
    private const double SameShare = 0.03;

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
        if (!(size.X > 0) || !(size.Y > 0) || size.X > int.MaxValue || size.Y > int.MaxValue)
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"it has a patch size of {size.X:0.###}"));
        if (Array.FindIndex(numbers, number => !(Math.Abs(number * unit.X) < int.MaxValue - size.X)) is >= 0 and int far)
            throw new FormatException($"'coords' has {numbers[far]}, which is no place on a slide");
        return new(Every(0, unit.X), Every(1, unit.Y), size);

        // The data set, the file, and HEST's images, in the order in which they are looked at; those that say the attribute say the same.
        double? Number(string name)
        {
            (string Where, double Value)[] said = [.. Places().Select(place => (place.Where, Value: Hdf5Numbers.Attribute(place.Of, name)))
                .Where(place => place.Value is not null).Select(place => (place.Where, place.Value!.Value))];
            foreach ((string where, double value) in said)
                if (!Same(value, said[0].Value))
                    throw new FormatException(string.Create(CultureInfo.InvariantCulture,
                        $"it has two sizes: {name} is {said[0].Value} on {said[0].Where} and {value} on {where}"));
            return said.Length > 0 ? said[0].Value : null;
        }

        IEnumerable<(string Where, IH5Object Of)> Places()
        {
            yield return ("'coords'", coords);
            yield return ("the file", file);
            // HEST writes sizes beside the patches' images, which lie in the same file.
            if (file.LinkExists("img") && file.Get("img") is IH5Dataset images)
                yield return ("'img'", images);
        }

        // Programs say a size in several ways at once. Each of them that can be read must give the same: of two one is wrong, and patches
        // of the other would be of another place.
        double SizeLevel0()
        {
            List<(string By, double Size)> ways = [];
            foreach (string name in (string[])["patch_size_level0", "patch_size_src"])
                if (Number(name) is double size0)
                    ways.Add((name, size0));
            double? downsample = Number("downsample"), pixels = Number("patch_size"), level = Number("patch_level");
            if (Number("patch_size_target") is double target0)
            {
                if (downsample is null && ways.Count == 0)
                    throw new FormatException("it has a patch_size_target but no downsample, which says at which scale");
                if (downsample is double by)
                    ways.Add(("patch_size_target and downsample", target0 * by));
            }
            if (pixels is double wide)
            {
                if (level is 0)
                    ways.Add(("patch_size at patch_level 0", wide));
                // TRIDENT has no downsample, and HEST no patch_size.
                if (downsample is double by)
                    ways.Add(("patch_size and downsample", wide * by));
                if (Number("level0_magnification") is > 0 and double own && Number("target_magnification") is > 0 and double target)
                    ways.Add(("patch_size and the magnifications", wide * own / target));
            }
            if (ways.Count == 0)
                throw new FormatException(pixels is null
                    ? "it does not say the patch's size (patch_size_level0, or patch_size with downsample or patch_level)"
                    : "it has a patch_size but does not say at which scale (patch_size_level0, patch_level 0, downsample, or " +
                        "level0_magnification and target_magnification)");
            foreach ((string by, double own) in ways)
                if (!Same(own, ways[0].Size))
                    throw new FormatException(string.Create(CultureInfo.InvariantCulture,
                        $"it has two sizes of a patch: {ways[0].Size:0.###} px by {ways[0].By}, and {own:0.###} px by {by}"));
            return ways[0].Size;
        }

        // Sides are rounded to whole pixels, and magnifications to one digit.
        static bool Same(double a, double b) => Math.Abs(a - b) <= Math.Max(1, SameShare * Math.Abs(b));

        double[] Every(int offset, double scale)
        {
            double[] values = new double[numbers.Length / 2];
            for (int i = 0; i < values.Length; i++)
                values[i] = numbers[(2 * i) + offset] * scale;
            return values;
        }
    }

    private static string? UnitOf(IH5Object of)
    {
        if (!of.AttributeExists("unit"))
            return null;
        IH5Attribute unit = of.Attribute("unit");
        if (unit.Type.Class is not (H5DataTypeClass.String or H5DataTypeClass.VariableLength) || unit.Space.Type == H5DataspaceType.Null)
            throw new FormatException("its attribute unit is no text, so that what it counts in is not known; write px or um");
        return unit.Space.Type == H5DataspaceType.Scalar ? unit.Read<string>()
            : unit.Read<string[]>() is [var only] ? only : throw new FormatException("its attribute unit is not one text");
    }
}
