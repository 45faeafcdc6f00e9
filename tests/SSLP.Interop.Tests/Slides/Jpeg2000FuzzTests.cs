using System.Diagnostics;
using System.Globalization;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.Jpeg2000;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>
/// Good JPEG 2000 tiles with random damage, half of it in their headers: decoded or refused with a sentence, in bounded time and memory,
/// with nothing written outside. SSLP_FUZZ_CASES sets how many (10,000 unless told); a failure names the seed. Alone, since it looks at the
/// memory of the process.
/// </summary>
[Collection(nameof(AllocationTests))]
public class Jpeg2000FuzzTests
{
    private const int Side = 96, Bytes = Side * Side * 3;

    /// <summary>What the largest of these tiles takes is some megabytes; a claim that got through would take hundreds.</summary>
    private const long MostGrowth = 200L << 20;

    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(5);

    private static int Cases =>
        int.TryParse(Environment.GetEnvironmentVariable("SSLP_FUZZ_CASES"), NumberStyles.None, CultureInfo.InvariantCulture,
            out int cases) ? cases : 10_000;

    [Fact]
    public async Task Damaged_tiles_are_decoded_or_refused_with_a_sentence()
    {
        Jpeg2000Encoder.Require();
        byte[][] good = Bases();
        var decoder = new OpenJpegDecoder();
        await Run(good, decoder, Cases);
    }

    [Fact]
    public async Task Magick_decodes_damaged_tiles_or_refuses_them_with_a_sentence()
    {
        Jpeg2000Encoder.Require();
        await Run(Bases(), new MagickDecoder(), Cases / 10);
    }

    private static byte[][] Bases() =>
    [
        Jpeg2000Encoder.Encode(Side, Side, new Jpeg2000Options(Layers: 3, Rate: 5), Sample),
        Jpeg2000Encoder.Encode(Side, Side, new Jpeg2000Options(Reversible: false, Rate: 8), Sample),
        Jpeg2000Encoder.Encode(Side, Side, new Jpeg2000Options(Reversible: false, Decorrelate: false, Across: 2, Block: 16), Sample),
        [.. Boxes, .. Jpeg2000Encoder.Encode(Side, Side, new Jpeg2000Options(Resolutions: 2), Sample)],
    ];

    /// <summary>Signature, file type, header with a colour of its own, codestream to the end of the file.</summary>
    private static byte[] Boxes =>
    [
        0, 0, 0, 12, .. "jP  "u8, 13, 10, 0x87, 10, 0, 0, 0, 20, .. "ftypjp2 "u8, 0, 0, 0, 0, .. "jp2 "u8,
        0, 0, 0, 23, .. "jp2h"u8, 0, 0, 0, 15, .. "colr"u8, 1, 0, 0, 0, 0, 0, 18, 0, 0, 0, 0, .. "jp2c"u8,
    ];

    private static async Task Run(byte[][] good, Jpeg2000Decoder decoder, int cases)
    {
        byte[] rgb = new byte[Bytes + 4096];
        int decoded = 0;
        using var process = Process.GetCurrentProcess();
        long before = process.PeakWorkingSet64;
        for (int seed = 0; seed < cases; seed++)
        {
            byte[] stream = Damage(good[seed % good.Length], new Random(seed));
            int halvings = seed / good.Length % 3;
            rgb.AsSpan(Bytes).Fill(0xA5);
            Task<string?> attempt = Task.Run(() => Attempt(decoder, stream, halvings, rgb), TestContext.Current.CancellationToken);
            if (await Task.WhenAny(attempt, Task.Delay(Hang, TestContext.Current.CancellationToken)) != attempt)
                Assert.Fail($"Seed {seed} hangs.");
            string? fault = await attempt;
            decoded += fault is null ? 1 : 0;
            Assert.True(fault is null || (fault.Length > 5 && !fault.Contains('\n', StringComparison.Ordinal)),
                $"Seed {seed} gives no sentence: '{fault}'.");
            Assert.True(rgb.AsSpan(Bytes).IndexOfAnyExcept((byte)0xA5) < 0, $"Seed {seed} wrote behind the pixels.");
        }
        process.Refresh();
        long growth = process.PeakWorkingSet64 - before;
        Assert.True(growth < MostGrowth, $"{growth >> 20} MB were taken.");
        Assert.InRange(decoded, cases / 20, cases * 19 / 20);
        TestContext.Current.TestOutputHelper?.WriteLine($"{cases} cases, {decoded} decoded, {growth >> 20} MB.");
    }

    private static string? Attempt(Jpeg2000Decoder decoder, byte[] stream, int halvings, byte[] rgb)
    {
        var header = Jpeg2000Header.Read(stream);
        return header.FaultFor(new TileExtent(Side, Side, Side / 2, Side / 2), 3)
            ?? decoder.Decode(stream, header, yCbCr: false, halvings, rgb.AsSpan(0, Bytes), Side * 3);
    }

    private static byte[] Damage(byte[] good, Random random)
    {
        byte[] bytes = [.. good];
        int header = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0x93]);
        for (int hits = random.Next(1, 4); hits > 0; hits--)
        {
            int at = random.Next(2) == 0 ? random.Next(header) : random.Next(bytes.Length);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.AsSpan(at, Math.Min(bytes.Length - at, random.Next(1, 8))).Fill((byte)(random.Next(2) * 255));
                    break;
                default:
                    int length = Math.Min(bytes.Length - at, random.Next(1, 32));
                    bytes.AsSpan(random.Next(bytes.Length - length + 1), length).ToArray().CopyTo(bytes, at);
                    break;
            }
        }
        return random.Next(8) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    private static int Sample(int band, int x, int y) => (x * (3 + band)) + (((x * 7) ^ (y * 13)) & 63) & 255;
}
