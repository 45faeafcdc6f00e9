using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using PureHDF;

namespace SSLP.Data.Tiling;

/// <summary>
/// Numbers of an HDF5 file by the type that it says they have. PureHDF converts nothing: read as another type of the same size, the bits of
/// a float are taken for an integer. Integers of any size and sign and floats of 2, 4 and 8 bytes are read exactly; all else is refused.
/// </summary>
internal static partial class Hdf5Numbers
{
    /// <summary>Deflate packs no better than this; what claims more than that of its file is damaged.</summary>
    private const long LargestRatio = 1100;

    /// <summary>Values of one attribute that differ by less mean the same.</summary>
    private const double SameRatio = 0.01;

    /// <summary>All numbers of a data set, in order.</summary>
    /// <param name="data">Of any rank.</param>
    /// <param name="fileBytes">Of the file, which bounds what is allocated.</param>
    /// <exception cref="FormatException">A type, filter or byte order that is not read, or sizes that the file can't hold.</exception>
    public static double[] Read(IH5Dataset data, long fileBytes)
    {
        CheckType(data.Type);
        // PureHDF gives zeros for what a source that is not there should have held.
        if (data.Layout.Class == H5DataLayoutClass.VirtualStorage)
            throw new FormatException("it is a virtual data set, whose numbers are in other files; copy them into one file");
        double bytes = data.Space.Dimensions.Aggregate((double)data.Type.Size, (product, dimension) => product * dimension);
        double chunk = data.Layout is { Class: H5DataLayoutClass.Chunked, Chunks: { } chunks }
            ? chunks.Aggregate((double)data.Type.Size, (product, side) => product * side) : 0;
        if (Math.Max(bytes, chunk) > (double)fileBytes * (chunk > 0 ? LargestRatio : 1))
            throw new FormatException($"it claims {bytes:0} bytes of data and has {fileBytes} in all: it is damaged");
        if (bytes == 0)
            return [];
        try
        {
            // The typed read of one number refuses another byte order, which the raw read of all would not see.
            ReadOne(data);
            return Convert(data.Read<byte[]>(), data.Type);
        }
        catch (Exception e) when (Explain(e) is { } reason)
        {
            throw new FormatException(reason, e);
        }
    }

    /// <summary>The number of an attribute, or of several that are one; null where there is no such attribute.</summary>
    /// <exception cref="FormatException">It is no number, is several different ones, or is stored as none that is read.</exception>
    public static double? Attribute(IH5Object of, string name)
    {
        if (!of.AttributeExists(name))
            return null;
        IH5Attribute attribute = of.Attribute(name);
        try
        {
            CheckType(attribute.Type);
            if (attribute.Space.Type == H5DataspaceType.Null)
                throw new FormatException("it is empty");
            double[] numbers = (attribute.Type.Class, attribute.Type.Size) switch
            {
                (H5DataTypeClass.FloatingPoint, 2) => Array.ConvertAll(attribute.Read<Half[]>(), value => (double)value),
                (H5DataTypeClass.FloatingPoint, 4) => Array.ConvertAll(attribute.Read<float[]>(), value => (double)value),
                (H5DataTypeClass.FloatingPoint, _) => attribute.Read<double[]>(),
                (_, 1) => Signed(attribute.Type) ? Array.ConvertAll(attribute.Read<sbyte[]>(), value => (double)value)
                    : Array.ConvertAll(attribute.Read<byte[]>(), value => (double)value),
                (_, 2) => Signed(attribute.Type) ? Array.ConvertAll(attribute.Read<short[]>(), value => (double)value)
                    : Array.ConvertAll(attribute.Read<ushort[]>(), value => (double)value),
                (_, 4) => Signed(attribute.Type) ? Array.ConvertAll(attribute.Read<int[]>(), value => (double)value)
                    : Array.ConvertAll(attribute.Read<uint[]>(), value => (double)value),
                _ => Signed(attribute.Type) ? Array.ConvertAll(attribute.Read<long[]>(), value => (double)value)
                    : Array.ConvertAll(attribute.Read<ulong[]>(), value => (double)value),
            };
            if (numbers.Length == 0)
                throw new FormatException("it is empty");
            // One for each direction, as CLAM's downsample: 4.0001 and 4.0003 of a level whose sides were rounded.
            if (numbers.Any(other => Math.Abs(other - numbers[0]) > SameRatio * Math.Abs(numbers[0])))
                throw new FormatException($"it is {string.Join(" and ", numbers.Take(2))}, and patches are square");
            double number = numbers[0];
            return double.IsFinite(number) ? number : throw new FormatException($"it is {number}");
        }
        catch (FormatException e)
        {
            throw new FormatException($"its attribute {name} is not read: {e.Message}", e);
        }
        catch (Exception e) when (Explain(e) is { } reason)
        {
            throw new FormatException($"its attribute {name} is not read: {reason}", e);
        }
    }

    private static bool Signed(IH5DataType type) => type.FixedPoint.IsSigned;

    private static void CheckType(IH5DataType type)
    {
        bool known = type.Class switch
        {
            H5DataTypeClass.FixedPoint => type.Size is 1 or 2 or 4 or 8,
            H5DataTypeClass.FloatingPoint => type.Size is 2 or 4 or 8,
            _ => false,
        };
        if (!known)
            throw new FormatException($"it holds {type.Class} of {type.Size} bytes, and integers or floats are wanted");
    }

    private static void ReadOne(IH5Dataset data)
    {
        var first = new PureHDF.Selections.HyperslabSelection(data.Space.Dimensions.Length, new ulong[data.Space.Dimensions.Length],
            [.. data.Space.Dimensions.Select(_ => 1UL)]);
        switch (data.Type.Size)
        {
            case 1:
                data.Read<sbyte[]>(first);
                break;
            case 2:
                data.Read<short[]>(first);
                break;
            case 4:
                data.Read<int[]>(first);
                break;
            default:
                data.Read<long[]>(first);
                break;
        }
    }

    private static double[] Convert(byte[] bytes, IH5DataType type) => (type.Class, type.Size) switch
    {
        (H5DataTypeClass.FloatingPoint, 2) => Each<Half>(bytes, value => (double)value),
        (H5DataTypeClass.FloatingPoint, 4) => Each<float>(bytes, value => value),
        (H5DataTypeClass.FloatingPoint, _) => Each<double>(bytes, value => value),
        (_, 1) => Signed(type) ? Each<sbyte>(bytes, value => value) : Each<byte>(bytes, value => value),
        (_, 2) => Signed(type) ? Each<short>(bytes, value => value) : Each<ushort>(bytes, value => value),
        (_, 4) => Signed(type) ? Each<int>(bytes, value => value) : Each<uint>(bytes, value => value),
        _ => Signed(type) ? Each<long>(bytes, value => value) : Each<ulong>(bytes, value => value),
    };

    private static double[] Each<T>(byte[] bytes, Converter<T, double> convert)
        where T : unmanaged => Array.ConvertAll(MemoryMarshal.Cast<byte, T>(bytes).ToArray(), convert);

    /// <summary>What PureHDF says in words of its own, as a reason for a user; null for what is no fault of the file's form.</summary>
    private static string? Explain(Exception e)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause.Message.Contains("Byte order", StringComparison.OrdinalIgnoreCase))
                return "it is stored in big-endian byte order; write it little-endian";
            if (cause.Message.Contains("External file", StringComparison.OrdinalIgnoreCase))
                return "its numbers are in another file, which is not read; write them into the HDF5 file itself";
            if (MissingFilter().Match(cause.Message) is { Success: true } filter)
                return $"it is compressed by {filter.Groups[1].Value.ToUpperInvariant()} (filter {filter.Groups[2].Value}), which is not " +
                    $"read; write it with gzip or uncompressed";
        }
        return null;
    }

    [GeneratedRegex("Could not find filter '?([^']*)'? with ID '?([0-9]+)")]
    private static partial Regex MissingFilter();
}
