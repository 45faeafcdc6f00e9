using System.Buffers.Binary;

namespace SSLP.Data.Files;

/// <summary>
/// What the directories of a TIFF claim, looked at before LibTiff is: it makes an array for every tag's values first, however many a
/// damaged count names.
/// </summary>
internal static class TiffClaims
{
    /// <summary>Deflate packs no better than this.</summary>
    public const long LargestRatio = 1100;

    private const int MostDirectories = 1024;

    // Bytes of a value by its type's number, from BYTE = 1 to IFD8 = 18.
    private static readonly byte[] Sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

    /// <summary>Walks the directories.</summary>
    /// <returns>The file's length.</returns>
    /// <exception cref="Fault">A tag has more values than the file has bytes, or the directories go in a circle.</exception>
    public static long Check(string path)
    {
        using FileStream file = File.OpenRead(path);
        var reading = new Reading(file);
        long at = reading.First();
        for (int directory = 0; at > 0 && at < file.Length; directory++)
        {
            if (directory == MostDirectories)
                throw Damaged();
            at = reading.Directory(at);
        }
        return file.Length;
    }

    private static Fault Damaged() => new(FaultKind.Data, "a TIFF that claims more than it holds: it is damaged");

    private sealed class Reading(FileStream file)
    {
        private readonly byte[] _bytes = new byte[20];
        private bool _big, _littleEndian;

        /// <summary>Place of the first directory; 0 where it is no TIFF, which the reader says.</summary>
        public long First()
        {
            if (!Take(0, 16) && !Take(0, 8))
                return 0;
            _littleEndian = _bytes[0] == 'I';
            _big = Number(2, 2) == 43;
            return _big ? Number(8, 8) : Number(4, 4);
        }

        /// <summary>Checks one and gives the place of the next; 0 where there is none.</summary>
        public long Directory(long at)
        {
            int size = _big ? 20 : 12;
            if (!Take(at, _big ? 8 : 2))
                return 0;
            long entries = Number(0, _big ? 8 : 2);
            if (entries < 0 || entries > file.Length / size)
                throw Damaged();
            at += _big ? 8 : 2;
            for (long entry = 0; entry < entries; entry++, at += size)
            {
                if (!Take(at, size))
                    return 0;
                long type = Number(2, 2), count = Number(4, _big ? 8 : 4);
                int each = type >= 0 && type < Sizes.Length ? Sizes[type] : 0;
                if (count < 0 || (each > 0 && count > file.Length / each))
                    throw Damaged();
            }
            return Take(at, _big ? 8 : 4) ? Number(0, _big ? 8 : 4) : 0;
        }

        private bool Take(long at, int count)
        {
            if (at < 0 || at > file.Length - count)
                return false;
            file.Position = at;
            file.ReadExactly(_bytes.AsSpan(0, count));
            return true;
        }

        private long Number(int at, int bytes)
        {
            ReadOnlySpan<byte> from = _bytes.AsSpan(at, bytes);
            return (bytes, _littleEndian) switch
            {
                (2, true) => BinaryPrimitives.ReadUInt16LittleEndian(from),
                (2, false) => BinaryPrimitives.ReadUInt16BigEndian(from),
                (4, true) => BinaryPrimitives.ReadUInt32LittleEndian(from),
                (4, false) => BinaryPrimitives.ReadUInt32BigEndian(from),
                (_, true) => BinaryPrimitives.ReadInt64LittleEndian(from),
                _ => BinaryPrimitives.ReadInt64BigEndian(from),
            };
        }
    }
}
