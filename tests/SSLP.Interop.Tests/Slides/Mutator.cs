using System.Buffers.Binary;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Damages a good file: the same damage for the same seed.</summary>
internal sealed class Mutator
{
    private readonly byte[] _good;
    private readonly List<int> _headerBytes = [];

    /// <param name="good">A little-endian TIFF; half of the damage goes to its directories.</param>
    public Mutator(byte[] good)
    {
        _good = good;
        bool big = good[2] == 43;
        for (int i = 0; i < 16; i++)
            _headerBytes.Add(i);
        long at = big ? BinaryPrimitives.ReadInt64LittleEndian(good.AsSpan(8)) : BinaryPrimitives.ReadUInt32LittleEndian(good.AsSpan(4));
        while (at != 0)
        {
            int entries = BinaryPrimitives.ReadUInt16LittleEndian(good.AsSpan((int)at));
            int end = (int)at + (big ? 8 + (entries * 20) : 2 + (entries * 12));
            for (int i = (int)at; i < end + (big ? 8 : 4); i++)
                _headerBytes.Add(i);
            at = big ? BinaryPrimitives.ReadInt64LittleEndian(good.AsSpan(end)) : BinaryPrimitives.ReadUInt32LittleEndian(good.AsSpan(end));
        }
    }

    public byte[] Damage(int seed)
    {
        var random = new Random(seed);
        byte[] bytes = [.. _good];
        if (random.Next(16) == 0)
            bytes = bytes[..random.Next(bytes.Length)];
        for (int hits = random.Next(1, 4); hits > 0 && bytes.Length > 8; hits--)
        {
            int at = random.Next(2) == 0 ? _headerBytes[random.Next(_headerBytes.Count)] : random.Next(bytes.Length);
            if (at < bytes.Length)
                Hit(bytes, at, random);
        }
        return bytes;
    }

    private static void Hit(byte[] bytes, int at, Random random)
    {
        int room = bytes.Length - at;
        switch (random.Next(6))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2 when room >= 2:
                ushort[] words = [0, 1, 0x7FFF, 0x8000, 0xFFFF, (ushort)random.Next(65536)];
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), words[random.Next(words.Length)]);
                break;
            case 3 when room >= 4:
                uint[] values = [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (uint)bytes.Length, (uint)bytes.Length - 1, 1 << 20,
                    (uint)random.Next(bytes.Length)];
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), values[random.Next(values.Length)]);
                break;
            case 4:
                bytes.AsSpan(at, Math.Min(room, random.Next(1, 64))).Clear();
                break;
            default:
                int length = Math.Min(room, random.Next(1, 64));
                bytes.AsSpan(random.Next(bytes.Length - length + 1), length).ToArray().CopyTo(bytes, at);
                break;
        }
    }
}
