using System.Buffers.Binary;

namespace SSLP.Data.Tiling;

/// <summary>
/// Sizes that an HDF5 file claims of its own metadata, against what it has. PureHDF allocates what a header says before it reads: a
/// damaged file of two kilobytes can claim gigabytes. A message in an object header says its own length, and nothing in it may be longer;
/// heaps and tree nodes are not longer than the file. What is not understood here is left to PureHDF.
/// </summary>
/// <remarks>
/// Source: HDF5 File Format Specification, version 3.0: III.A (trees), III.D (local heap), III.E (global heap), III.G (fractal heap),
/// IV.A (object headers and messages), VII (indices of chunks).
/// </remarks>
internal ref struct Hdf5Claims
{
    private const int Datatype = 3, OldFill = 4, Fill = 5, Link = 6, Layout = 8, Attribute = 12, Continuation = 16;

    /// <summary>Header blocks that are followed from one another; a damaged file may lead round in circles.</summary>
    private const int MostBlocks = 4096;

    /// <summary>Levels of a chunk index; four hold more chunks than a file has bytes.</summary>
    private const int TreeDepth = 4;

    /// <summary>Numbers of blocks and elements, and their sizes, in the header of an extensible array.</summary>
    private const int ExtensibleArrayNumbers = 6;

    private readonly ReadOnlySpan<byte> _head;
    private readonly long _fileBytes;
    private int _blocks;

    private Hdf5Claims(ReadOnlySpan<byte> head, long fileBytes)
    {
        _head = head;
        _fileBytes = fileBytes;
    }

    /// <param name="head">The file, or of a long one its beginning, which is where programs put the headers.</param>
    /// <param name="fileBytes">Length of the file.</param>
    /// <exception cref="FormatException">A size that the file can't hold.</exception>
    public static void Check(ReadOnlySpan<byte> head, long fileBytes)
    {
        var claims = new Hdf5Claims(head, fileBytes);
        claims.CheckSizes("HEAP"u8, 8, sizeof(ulong));
        claims.CheckSizes("GCOL"u8, 8, sizeof(ulong));
        claims.CheckSizes("BTHD"u8, 6, sizeof(uint));
        claims.CheckSizes("FAHD"u8, 8, sizeof(ulong));
        for (int number = 0; number < ExtensibleArrayNumbers; number++)
            claims.CheckSizes("EAHD"u8, 12 + (8 * number), sizeof(ulong));
        claims.CheckHeapAttributes();
        claims.CheckHeaders2();
        claims.CheckHeaders1();
    }

    /// <summary>The number <paramref name="offset"/> bytes behind every such signature counts bytes, or things of at least one, that lie
    /// in the file.</summary>
    private readonly void CheckSizes(ReadOnlySpan<byte> signature, int offset, int width)
    {
        for (int at = Next(signature, 0); at >= 0 && at + offset + width <= _head.Length; at = Next(signature, at + 1))
            if (Unsigned(_head.Slice(at + offset, width)) > (ulong)_fileBytes)
                throw Damaged();
    }

    /// <summary>
    /// More than eight attributes lie in the blocks of a fractal heap, one behind the other, and nothing there says how long one is: they
    /// are known by their version and by a name that ends where it is said to end.
    /// </summary>
    private readonly void CheckHeapAttributes()
    {
        const int Version = 3, Fixed = 9, LongestName = 256;
        for (int block = Next("FHDB"u8, 0); block >= 0;)
        {
            int next = Next("FHDB"u8, block + 1);
            ReadOnlySpan<byte> bytes = _head[block..(next < 0 ? _head.Length : next)];
            for (int at = 4; at + Fixed < bytes.Length; at++)
            {
                int name = bytes[at] == Version && bytes[at + 1] == 0 ? U16(bytes, at + 2) : 0;
                if (name is > 1 and <= LongestName && at + Fixed + name <= bytes.Length
                    && bytes.Slice(at + Fixed, name).IndexOf((byte)0) == name - 1 && !AttributeFits(bytes[at..]))
                    throw Damaged();
            }
            block = next;
        }
    }

    private void CheckHeaders2()
    {
        for (int at = Next("OHDR"u8, 0); at >= 0; at = Next("OHDR"u8, at + 1))
            CheckHeader2(at);
        // Whether a continued block counts its messages is said in the header that leads to it; read both ways, one that fits neither is
        // left to PureHDF.
        for (int at = Next("OCHK"u8, 0); at >= 0; at = Next("OCHK"u8, at + 1))
            Messages2(at + 4, _head.Length - 4, counted: false);
    }

    /// <summary>Version 0 and 1 superblocks end in the entry of the root group; other objects are named by the entries of SNOD nodes, 40
    /// bytes each.</summary>
    private void CheckHeaders1()
    {
        const int EntryBytes = 40;
        foreach (int root in (ReadOnlySpan<int>)[64, 68])
            CheckHeader1(root);
        for (int node = Next("SNOD"u8, 0); node >= 0; node = Next("SNOD"u8, node + 1))
            for (int i = 0, count = node + 8 <= _head.Length ? U16(_head, node + 6) : 0; i < count; i++)
                CheckHeader1(node + 16L + (EntryBytes * i));
    }

    /// <param name="pointer">Where the address of a version 1 header stands.</param>
    private void CheckHeader1(long pointer)
    {
        if (pointer + 8 > _head.Length)
            return;
        ulong address = Unsigned(_head.Slice((int)pointer, 8));
        if (_head.Length < 16 || address > (ulong)_head.Length - 16)
            return;
        int header = (int)address;
        if (_head[header] == 1)
            Messages1(header + 16, U32(_head, header + 8));
    }

    private void Messages1(long at, long length)
    {
        if (_blocks++ >= MostBlocks)
            return;
        for (long end = Math.Min(_head.Length, at + length); at + 8 <= end;)
        {
            (int type, int size) = (U16(_head, (int)at), U16(_head, (int)at + 2));
            if (at + 8 + size > _head.Length)
                return;
            ReadOnlySpan<byte> body = _head.Slice((int)at + 8, size);
            if (type == Continuation && size >= 16)
            {
                (ulong where, ulong bytes) = (Unsigned(body[..8]), Unsigned(body.Slice(8, 8)));
                if (bytes > (ulong)_fileBytes)
                    throw Damaged();
                if (where < (ulong)_head.Length)
                    Messages1((long)where, (long)bytes);
            }
            CheckMessage(type, _head[(int)at + 4], body);
            at += 8 + size;
        }
    }

    private readonly void CheckHeader2(int at)
    {
        if (at + 16 > _head.Length)
            return;
        byte flags = _head[at + 5];
        int first = at + 6 + ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0), sizeBytes = 1 << (flags & 3);
        if (first + sizeBytes > _head.Length)
            return;
        ulong length = Unsigned(_head.Slice(first, sizeBytes));
        if (length > (ulong)_fileBytes)
            throw Damaged();
        Messages2(first + sizeBytes, first + sizeBytes + (long)length, counted: (flags & 4) != 0);
    }

    private readonly void Messages2(int at, long end, bool counted)
    {
        for (int prefix = counted ? 6 : 4; at + prefix <= Math.Min(end, _head.Length);)
        {
            int size = U16(_head, at + 1);
            if (at + prefix + size > _head.Length)
                return;
            CheckMessage(_head[at], _head[at + 3], _head.Slice(at + prefix, size));
            at += prefix + size;
        }
    }

    private readonly void CheckMessage(int type, int flags, ReadOnlySpan<byte> body)
    {
        const int Shared = 2;
        if ((flags & Shared) != 0)
            return;
        bool fits = type switch
        {
            Datatype => TypeFits(body),
            OldFill => body.Length >= 4 && U32(body, 0) <= body.Length,
            Fill => FillFits(body),
            Link => LinkFits(body),
            Layout => ChunksFit(body),
            Attribute => AttributeFits(body),
            _ => true,
        };
        if (!fits)
            throw Damaged();
    }

    /// <summary>No element is larger than the file; an enumeration's values are of its base type's size, each.</summary>
    private readonly bool TypeFits(ReadOnlySpan<byte> body)
    {
        const int Enumeration = 8, BaseAt = 8;
        return body.Length >= 8 && U32(body, 4) <= _fileBytes
            && ((body[0] & 15) != Enumeration || (body.Length >= BaseAt + 8 && U32(body, BaseAt + 4) <= U32(body, 4)));
    }

    private static bool FillFits(ReadOnlySpan<byte> body) => body.Length >= 2 && body[0] switch
    {
        1 => body.Length >= 8 && U32(body, 4) <= body.Length,
        2 => body.Length >= 4 && (body[3] == 0 || (body.Length >= 8 && U32(body, 4) <= body.Length)),
        3 => (body[1] & 0x20) == 0 || (body.Length >= 6 && U32(body, 2) <= body.Length),
        _ => true,
    };

    private static bool LinkFits(ReadOnlySpan<byte> body)
    {
        if (body.Length < 3)
            return false;
        int flags = body[1], width = 1 << (flags & 3);
        int at = 2 + ((flags & 8) != 0 ? 1 : 0) + ((flags & 4) != 0 ? 8 : 0) + ((flags & 16) != 0 ? 1 : 0);
        return at + width <= body.Length && Unsigned(body.Slice(at, width)) <= (ulong)body.Length;
    }

    /// <summary>No chunk takes more bytes than the file: sizes are told by the index that a layout leads to.</summary>
    private readonly bool ChunksFit(ReadOnlySpan<byte> body)
    {
        const int Chunked = 2, FilteredSize = 2, SingleChunk = 1;
        if (body.Length < 16)
            return true;
        if (body[0] is 1 or 2 && body[2] == Chunked)
            return TreeFits(Unsigned(body.Slice(8, 8)), body[1], TreeDepth);
        if (body[0] == 3 && body[1] == Chunked)
            return TreeFits(Unsigned(body.Slice(3, 8)), body[2], TreeDepth);
        int index = 5 + (body[3] * body[4]);
        return body[0] != 4 || body[1] != Chunked || (body[2] & FilteredSize) == 0 || index + 9 > body.Length || body[index] != SingleChunk
            || Unsigned(body.Slice(index + 1, 8)) <= (ulong)_fileBytes;
    }

    /// <summary>A node's keys are size, filter mask and a place in every dimension; a child's address lies behind each.</summary>
    private readonly bool TreeFits(ulong address, int dimensions, int depth)
    {
        const int HeaderBytes = 24, AddressBytes = 8;
        if (depth == 0 || address > (ulong)Math.Max(0, _head.Length - HeaderBytes) || !_head[(int)address..].StartsWith("TREE"u8))
            return true;
        int node = (int)address, level = _head[node + 5], count = U16(_head, node + 6), keyBytes = 8 + (8 * dimensions);
        for (int i = 0; i < count; i++)
        {
            long at = node + HeaderBytes + ((long)i * (keyBytes + AddressBytes));
            if (at + keyBytes + AddressBytes > _head.Length)
                return true;
            bool fits = level > 0 ? TreeFits(Unsigned(_head.Slice((int)at + keyBytes, AddressBytes)), dimensions, depth - 1)
                : U32(_head, (int)at) <= _fileBytes;
            if (!fits)
                return false;
        }
        return true;
    }

    private static bool AttributeFits(ReadOnlySpan<byte> body)
    {
        if (body.Length < 8)
            return false;
        int version = body[0], name = U16(body, 2), type = U16(body, 4), space = U16(body, 6);
        int Padded(int size) => version == 1 ? (size + 7) / 8 * 8 : size;
        // A shared type or space is elsewhere; flags of version 1 are reserved.
        if (version is < 1 or > 3 || (version > 1 && body[1] != 0))
            return true;
        int typeAt = (version == 3 ? 9 : 8) + Padded(name), spaceAt = typeAt + Padded(type), dataAt = spaceAt + Padded(space);
        if (typeAt + 8 > body.Length || spaceAt + 4 > body.Length || dataAt > body.Length)
            return false;
        double bytes = U32(body, typeAt + 4);
        int rank = body[spaceAt + 1], dimensions = spaceAt + (body[spaceAt] == 1 ? 8 : 4);
        for (int i = 0; i < rank; i++)
        {
            if (dimensions + (8 * i) + 8 > body.Length)
                return false;
            bytes *= Unsigned(body.Slice(dimensions + (8 * i), 8));
        }
        return bytes <= body.Length;
    }

    private readonly int Next(ReadOnlySpan<byte> signature, int from)
    {
        int found = from >= _head.Length ? -1 : _head[from..].IndexOf(signature);
        return found < 0 ? -1 : from + found;
    }

    private static ulong Unsigned(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    private static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static long U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static FormatException Damaged() => new("it claims sizes that it does not have: it is damaged");
}
