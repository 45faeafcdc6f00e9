using System.Diagnostics;
using System.Globalization;
using SSLP.Data.Files;
using Xunit;

namespace SSLP.Tests.Shared;

/// <summary>
/// Good files with random damage, given to a reader: each is read, or refused with one sentence, in bounded time and memory.
/// SSLP_FUZZ_CASES sets how many a parser (2,000 unless told); a failure names the seed, which makes the same damage again.
/// </summary>
/// <param name="name">Of the parser, for messages.</param>
/// <param name="extension">Of the damaged file.</param>
/// <param name="good">Files that read.</param>
/// <param name="read">Reads a file as the product does.</param>
internal sealed class ParserFuzz(string name, string extension, IReadOnlyList<byte[]> good, Action<string> read)
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(5);

    private volatile int _seed = -1;
    private long _begun;

    /// <summary>Managed bytes that a file may take besides <see cref="BytesPerByte"/> times its size.</summary>
    public long MostBytes { get; init; } = 4 << 20;

    /// <summary>See <see cref="MostBytes"/>.</summary>
    public int BytesPerByte { get; init; } = 64;

    /// <summary>Growth of the process over all cases, which counts native memory too.</summary>
    public long MostGrowth { get; init; } = 300L << 20;

    /// <summary>Pieces of text that this format gives a meaning.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Makes a checksum right after the damage, so that what lies behind it is tried; half of the cases are left
    /// without.</summary>
    public Action<byte[]>? Repair { get; init; }

    /// <summary>Least share of cases that must be read all the same, and that must be refused: else the damage is of no use.</summary>
    public double LeastShare { get; init; } = 0.01;

    /// <summary>How many damaged files a parser gets.</summary>
    public static int Cases =>
        int.TryParse(Environment.GetEnvironmentVariable("SSLP_FUZZ_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out int cases)
            ? cases : 2_000;

    public void Run()
    {
        using var folder = new TestFolder();
        using var process = Process.GetCurrentProcess();
        long before = process.PeakWorkingSet64;
        string? fault = null;
        int opened = 0;
        var worker = new Thread(() => fault = Work(folder.File("damaged" + extension), ref opened)) { IsBackground = true };
        worker.Start();
        while (!worker.Join(200))
            if (_seed >= 0 && Stopwatch.GetElapsedTime(Interlocked.Read(ref _begun)) > Hang)
                Assert.Fail($"{name}: seed {_seed} hangs.");
        Assert.True(fault is null, $"{name}: {fault}");
        process.Refresh();
        long growth = process.PeakWorkingSet64 - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {Cases} cases, {opened} read, the process grew by {growth >> 20} MB.");
        Assert.True(growth < MostGrowth, $"{name}: the process grew by {growth >> 20} MB.");
        Assert.InRange(opened, Cases * LeastShare, Cases * (1 - LeastShare));
    }

    private string? Work(string path, ref int opened)
    {
        foreach (byte[] each in good)
        {
            File.WriteAllBytes(path, each);
            if (Attempt(path, each.Length) is { } refused)
                return $"an undamaged file is refused: {refused}";
        }
        for (int seed = 0; seed < Cases; seed++)
        {
            byte[] bytes = Damage(seed);
            File.WriteAllBytes(path, bytes);
            Interlocked.Exchange(ref _begun, Stopwatch.GetTimestamp());
            _seed = seed;
            string? fault = Attempt(path, bytes.Length);
            _seed = -1;
            if (fault is { Length: > 0 } && !fault.StartsWith(Refused, StringComparison.Ordinal))
                return $"seed {seed}: {fault}";
            opened += fault is null ? 1 : 0;
        }
        return null;
    }

    private const string Refused = "refused: ";

    /// <summary>Null where it was read.</summary>
    private string? Attempt(string path, long length)
    {
        string? refused = null;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            read(path);
        }
        catch (Fault fault) when (fault.Kind != FaultKind.Internal && fault.Message.Length is > 15 and < 2000
            && !fault.Message.Contains('\n'))
        {
            refused = Refused + fault.Message;
        }
        catch (Exception other)
        {
            return $"no sentence of a kind: {other}";
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return allocated > MostBytes + (BytesPerByte * length) ? $"{allocated:N0} bytes were allocated for a file of {length:N0}" : refused;
    }

    /// <summary>The same damage for the same seed.</summary>
    private byte[] Damage(int seed)
    {
        var random = new Random(seed);
        List<byte> bytes = [.. good[seed % good.Count]];
        if (random.Next(16) == 0)
            bytes = bytes[..random.Next(bytes.Count + 1)];
        for (int hits = random.Next(1, 4); hits > 0 && bytes.Count > 0; hits--)
            Hit(bytes, random);
        byte[] damaged = [.. bytes];
        if (Repair is not null && seed / good.Count % 2 == 0)
            Repair(damaged);
        return damaged;
    }

    private void Hit(List<byte> bytes, Random random)
    {
        // Headers stand at the front: a third of the damage goes to the first 256 bytes.
        int at = random.Next(3) == 0 ? random.Next(Math.Min(bytes.Count, 256)) : random.Next(bytes.Count);
        int room = bytes.Count - at;
        switch (random.Next(Words.Count > 0 ? 10 : 8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                Overwrite(bytes, at, Number(random, bytes.Count));
                break;
            case 3:
                for (int i = 0; i < Math.Min(room, random.Next(1, 64)); i++)
                    bytes[at + i] = 0;
                break;
            case 4:
                Overwrite(bytes, random.Next(bytes.Count), [.. bytes.Skip(at).Take(random.Next(1, 64))]);
                break;
            case 5:
                bytes.RemoveRange(at, Math.Min(room, random.Next(1, 16)));
                break;
            case 6:
                bytes.InsertRange(at, [.. bytes.Skip(random.Next(bytes.Count)).Take(random.Next(1, 64))]);
                break;
            case 7:
                ReplaceNumber(bytes, at, random);
                break;
            default:
                byte[] word = System.Text.Encoding.UTF8.GetBytes(Words[random.Next(Words.Count)]);
                bytes.InsertRange(at, random.Next(2) == 0 ? word : [.. Enumerable.Repeat(word, random.Next(1, 200)).SelectMany(w => w)]);
                break;
        }
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] with)
    {
        for (int i = 0; i < with.Length && at + i < bytes.Count; i++)
            bytes[at + i] = with[i];
    }

    /// <summary>Two, four or eight bytes of a number at an edge, in either order.</summary>
    private static byte[] Number(Random random, int length)
    {
        long[] values =
        [
            0, 1, -1, short.MaxValue, short.MinValue, int.MaxValue, int.MinValue, long.MaxValue, length, length - 1, 1 << 20, 1L << 40,
            random.Next(),
        ];
        byte[] bytes = BitConverter.GetBytes(values[random.Next(values.Length)])[..(1 << random.Next(1, 4))];
        if (random.Next(2) == 0)
            Array.Reverse(bytes);
        return bytes;
    }

    /// <summary>The next number that stands there as text, by one at an edge.</summary>
    private static void ReplaceNumber(List<byte> bytes, int at, Random random)
    {
        string[] values =
        [
            "-1", "0", "2147483648", "9223372036854775808", "1e999", "-1e-999", "NaN", "1,5", "99999999999999999999999999999999", "0x7f",
            "\"7\"", "null",
        ];
        int from = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
        if (from < 0)
            return;
        int to = from;
        while (to < bytes.Count && (bytes[to] is (>= (byte)'0' and <= (byte)'9') or (byte)'.'))
            to++;
        bytes.RemoveRange(from, to - from);
        bytes.InsertRange(from, System.Text.Encoding.ASCII.GetBytes(values[random.Next(values.Length)]));
    }
}
