using System.Text.Json;
using SSLP.Interop.Tests.Slides;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>
/// A folder of TIFFs that no scanner writes, byte by byte, through `sslp audit`: each gets one verdict that fits, whatever readers this
/// machine has, and none ends the command.
/// </summary>
public sealed class OddTiffAuditTests : IDisposable
{
    private const int Side = 1024, Tile = 256;

    /// <summary>Verdicts of pixels that OpenSlide may read where it is installed, and what it makes of them.</summary>
    private const string Otherwise = "ok|no_tissue|unsupported|not_brightfield|corrupt|damaged_tiles";

    private static readonly byte[] Mark = [0xEF, 0xBE, 0xAD, 0xDE];

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-odd-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Every_odd_file_gets_one_verdict_and_none_ends_the_audit()
    {
        var expected = MakePixels().Concat(MakeDirectories()).Concat(MakeSizes())
            .ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        Sslp.Result audit = Sslp.Run("audit", "--deep", "--json", "--patch", "64", _root);
        Assert.True(audit.ExitCode == 1, $"{audit.ExitCode}: {audit.Error}");
        Assert.DoesNotContain("error:", audit.Error, StringComparison.Ordinal);
        JsonElement[] records = [.. audit.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), records.Select(record => Text(record, "name")));
        Assert.All(records, record => Assert.True(
            expected[Text(record, "name")].Split('|').Contains(Text(record, "verdict").Replace(' ', '_')), record.ToString()));
        Assert.All(records.Where(record => Text(record, "verdict") != "ok"), record => Assert.NotEqual("", Text(record, "reason")));
    }

    [Fact]
    public void Places_of_the_pixel_size_that_contradict_are_both_named_by_audit_and_by_tile()
    {
        Save("aperio.svs", raw => Picture(raw).Text(270, "Aperio Image Library v11\r\n1024x1024 (256x256)|AppMag = 20|MPP = 0.5"),
            tags: 40_000);
        Save("twice.svs", raw => Picture(raw)
            .Text(270, "Aperio Image Library v11\r\n1024x1024 (256x256)|MPP = 0.5|AppMag = 20|mpp = 0,25"), tags: 0);
        Save("ome.ome.tif", raw => Picture(raw).Text(270, Ome("0.5", "µm")), tags: 40_000);
        Save("written.tif", raw => Picture(raw).Text(270, "converted; MPP = 0.25"), tags: 20_000);
        File.WriteAllBytes(Path.Combine(_root, "agree.tif"), Bytes(raw => Picture(raw).Text(270, "converted; MPP = 0.499"), 20_000));
        foreach (string verb in (string[])["audit", "tile"])
        {
            string[] more = verb == "audit" ? [_root] : ["--slides", _root, "--out", Path.Combine(_root, "t.sslp")];
            Sslp.Result result = Sslp.Run([verb, "--patch", "64", .. more]);
            string said = result.Output + result.Error;
            string[] lines = [.. said.Split('\n').Where(line => line.Contains("µm/px in", StringComparison.Ordinal))];
            Assert.Equal(4, lines.Length);
            Assert.All(lines, line => Assert.Matches("says 0[.](5|25) µm/px in .+ but 0[.](5|25) µm/px in .+; the first is used", line));
            Assert.DoesNotContain(lines, line => line.Contains("agree", StringComparison.Ordinal));
        }
    }

    /// <summary>Kinds of pixels: what the embedded reader has a plain meaning for is ok; the rest is OpenSlide's, or refused.</summary>
    private Dictionary<string, string> MakePixels()
    {
        var made = new Dictionary<string, string>(StringComparer.Ordinal);
        // Photometric, bands, bits, sample format, verdict; the pixels are a stained half beside glass, in that many bytes.
        foreach ((string name, int photometric, int samples, int bits, int format, string verdict) in
            (ReadOnlySpan<(string, int, int, int, int, string)>)
        [
            ("rgb-8", 2, 3, 8, 1, "ok"), ("rgba-8", 2, 4, 8, 1, "ok"), ("rgb-16", 2, 3, 16, 1, "ok"),
            ("rgb-8-unspecified", 2, 3, 8, 4, "ok"),
            ("grey-8", 1, 1, 8, 1, "ok"), ("grey-16", 1, 1, 16, 1, "ok"), ("bilevel", 1, 1, 1, 1, Otherwise),
            ("grey-2", 1, 1, 2, 1, Otherwise),
            ("grey-4", 1, 1, 4, 1, Otherwise), ("grey-12", 1, 1, 12, 1, Otherwise), ("rgb-12", 2, 3, 12, 1, Otherwise),
            ("grey-32", 1, 1, 32, 1, Otherwise), ("grey-64", 1, 1, 64, 1, Otherwise), ("grey-float", 1, 1, 32, 3, Otherwise),
            ("rgb-half", 2, 3, 16, 3, Otherwise), ("rgb-double", 2, 3, 64, 3, Otherwise), ("grey-signed", 1, 1, 8, 2, "unsupported"),
            ("grey-complex", 1, 1, 64, 6, Otherwise), ("palette-none", 3, 1, 8, 1, Otherwise), ("mask", 4, 1, 8, 1, "unsupported"),
            ("cmyk", 5, 4, 8, 1, Otherwise), ("ycbcr", 6, 3, 8, 1, Otherwise), ("lab", 8, 3, 8, 1, Otherwise),
            ("icclab", 9, 3, 8, 1, Otherwise),
            ("logluv", 32845, 3, 16, 1, Otherwise), ("two-bands", 1, 2, 8, 1, Otherwise), ("five-bands", 2, 5, 8, 1, Otherwise),
            ("fifty-bands", 1, 50, 8, 1, Otherwise), ("no-bits", 2, 3, 0, 1, Otherwise), ("photometric-9999", 9999, 3, 8, 1, Otherwise),
        ])
        {
            Save(name + ".tif", raw => raw.Bands(Side, Side, Tile, 8, photometric, samples, bits, Tiles(samples, bits))
                .With(339, 3, (ushort)format));
            made.Add(name + ".tif", verdict);
        }
        foreach (int compression in (int[])[0, 2, 3, 4, 6, 32771, 32773, 34661, 34676, 34712, 34887, 34892, 50000, 50001, 50002, 65535])
        {
            Save($"compression-{compression}.tif", raw => Picture(raw).With(259, 3, (ushort)compression));
            made.Add($"compression-{compression}.tif", Otherwise);
        }
        return made;
    }

    /// <summary>Directories: loops, places outside of the file, counts that no file holds, tags twice or of types that there are none
    /// of.</summary>
    private Dictionary<string, string> MakeDirectories()
    {
        Patch("sub-loop.tif", raw => Picture(raw).With(330, 13, 0xDEADBEEFu), file => BitConverter.ToUInt32(file, 4));
        Patch("sub-loop-twice.tif", raw => Picture(raw).With(330, 4, 0xDEADBEEFu, 0xDEADBEEFu), file => BitConverter.ToUInt32(file, 4));
        Patch("sub-beyond.tif", raw => Picture(raw).With(330, 13, 0xDEADBEEFu), _ => 0x7FFFFFF0);
        Patch("sub-header.tif", raw => Picture(raw).With(330, 13, 0xDEADBEEFu), _ => 0);
        Save("next-beyond.tif", Picture, next: 0x7FFFFFF0);
        Save("next-header.tif", Picture, next: 2);
        Save("big.tif", Picture, big: true);
        Save("big-endian.tif", Picture, bigEndian: true);
        Save("big-big-endian.tif", Picture, big: true, bigEndian: true);
        Save("unknown-type.tif", raw => Picture(raw).With(65000, 99, 1u));
        Save("signed-width.tif", raw => Picture(raw).With(256, 9, Side).With(257, 8, (short)Side));
        Save("private-tags.tif", raw =>
            Enumerable.Range(65100, 200).Aggregate(Picture(raw), (image, tag) => image.With(tag, 3, (ushort)1)));
        Save("width-0.tif", raw => Picture(raw).With(256, 4, 0u));
        Save("width-4g.tif", raw => Picture(raw).With(256, 4, uint.MaxValue));
        Save("width-negative.tif", raw => Picture(raw).With(256, 9, -5));
        Save("width-missing.tif", raw => Picture(raw).Without(256));
        Save("width-float.tif", raw => Picture(raw).With(256, 11, 256f));
        Save("offsets-missing.tif", raw => Picture(raw).Without(324));
        Save("offsets-too-few.tif", raw => Picture(raw).With(324, 4, 100u, 200u));
        Save("counts-missing.tif", raw => Picture(raw).Without(325));
        Save("planar-3.tif", raw => Picture(raw).With(284, 3, (ushort)3));
        Save("bits-differ.tif", raw => Picture(raw).With(258, 3, (ushort)8, (ushort)16, (ushort)8));
        Save("orientation-6.tif", raw => Picture(raw).With(274, 3, (ushort)6));
        Save("predictor-3.tif", raw => Picture(raw).With(317, 3, (ushort)3));
        Save("description-utf16.tif",
            raw => Picture(raw).With(270, 7, [.. System.Text.Encoding.Unicode.GetBytes("\uFEFFAperio").Cast<object>()]));
        Save("description-empty.tif", raw => Picture(raw).With(270, 2));
        File.WriteAllBytes(Path.Combine(_root, "two-bytes.tif"), "II"u8.ToArray());
        File.WriteAllBytes(Path.Combine(_root, "empty.tif"), []);
        File.WriteAllBytes(Path.Combine(_root, "no-directory.tif"), [(byte)'I', (byte)'I', 42, 0, 0, 0, 0, 0]);
        const string Broken = "corrupt|truncated|unsupported|not_a_slide";
        return new(StringComparer.Ordinal)
        {
            ["sub-loop.tif"] = "ok",
            ["sub-loop-twice.tif"] = "ok",
            ["sub-beyond.tif"] = "ok",
            ["sub-header.tif"] = "ok",
            ["next-beyond.tif"] = "ok",
            ["next-header.tif"] = "ok",
            ["big.tif"] = "ok",
            ["big-endian.tif"] = "ok",
            ["big-big-endian.tif"] = "ok",
            ["unknown-type.tif"] = "ok",
            ["signed-width.tif"] = "ok",
            ["private-tags.tif"] = "ok",
            ["description-utf16.tif"] = "ok",
            ["description-empty.tif"] = "ok",
            ["width-0.tif"] = Broken,
            ["width-4g.tif"] = Broken,
            ["width-negative.tif"] = Broken,
            ["width-missing.tif"] = Broken,
            ["width-float.tif"] = Broken,
            ["offsets-missing.tif"] = Broken,
            ["offsets-too-few.tif"] = Broken,
            ["counts-missing.tif"] = Broken,
            ["planar-3.tif"] = Otherwise,
            ["bits-differ.tif"] = Otherwise,
            ["orientation-6.tif"] = "unsupported",
            ["predictor-3.tif"] = Otherwise,
            ["two-bytes.tif"] = Broken,
            ["empty.tif"] = Broken,
            ["no-directory.tif"] = Broken,
        };
    }

    /// <summary>Sizes of tiles and images: one pixel, one row, tiles larger than the image, sides that are no multiple of
    /// anything.</summary>
    private Dictionary<string, string> MakeSizes()
    {
        var made = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((int width, int height, int tile) in (ReadOnlySpan<(int, int, int)>)[(1, 1, 16), (1, 500, 16), (500, 1, 16), (97, 211, 48),
            (300, 200, 512), (130, 130, 7)])
        {
            string name = $"size-{width}x{height}-{tile}.tif";
            Save(name, raw => raw.Picture(0, width, height, tile: tile, jpeg: false));
            made.Add(name, "ok|no_tissue");
        }
        Save("tile-0.tif", raw => Picture(raw).With(322, 4, 0u));
        Save("tile-1g.tif", raw => Picture(raw).With(322, 4, 1u << 30).With(323, 4, 1u << 30));
        Save("strips.tif", raw => Picture(raw).Without(322).Without(323));
        made.Add("tile-0.tif", "corrupt|unsupported");
        made.Add("tile-1g.tif", "corrupt|unsupported");
        made.Add("strips.tif", "corrupt|unsupported");
        return made;
    }

    private static RawTiff.Image Picture(RawTiff raw) => raw.Bands(Side, Side, Tile, 8, 2, 3, 8, Tiles(3, 8));

    /// <summary>Half stained, half glass, in bands of that many bits; of more than three bands the rest is full.</summary>
    private static List<byte[]> Tiles(int samples, int bits)
    {
        var tiles = new List<byte[]>();
        int bytes = Math.Max(1, bits / 8);
        for (int tile = 0; tile < Side / Tile * (Side / Tile); tile++)
        {
            bool stained = tile % (Side / Tile) < Side / Tile / 2;
            byte[] pixels = new byte[Tile * Tile * samples * bytes];
            for (int i = 0; i < pixels.Length; i++)
                pixels[i] = (i / bytes % samples) switch
                {
                    0 => (byte)(stained ? 180 : 240),
                    1 => (byte)(stained ? 100 : 240),
                    2 => (byte)(stained ? 170 : 240),
                    _ => 255,
                };
            tiles.Add(RawTiff.Deflate(pixels));
        }
        return tiles;
    }

    private void Save(string name, Func<RawTiff, RawTiff.Image> make, uint tags = 20_000, bool big = false, bool bigEndian = false,
        long next = 0) =>
        File.WriteAllBytes(Path.Combine(_root, name), Bytes(make, tags, big, bigEndian, next));

    private static byte[] Bytes(Func<RawTiff, RawTiff.Image> make, uint tags, bool big = false, bool bigEndian = false, long next = 0)
    {
        var raw = new RawTiff(big, bigEndian) { NextAtEnd = next };
        RawTiff.Image image = raw.Add(make(raw));
        if (tags > 0)
            image.With(282, 5, ((long)tags, 1L)).With(283, 5, ((long)tags, 1L)).With(296, 3, (ushort)3);
        return raw.ToArray();
    }

    /// <summary>Writes another number where 0xDEADBEEF stands.</summary>
    private void Patch(string name, Func<RawTiff, RawTiff.Image> make, Func<byte[], uint> value)
    {
        byte[] file = Bytes(make, 20_000);
        for (int at; (at = file.AsSpan().IndexOf(Mark)) >= 0;)
            BitConverter.TryWriteBytes(file.AsSpan(at), value(file));
        File.WriteAllBytes(Path.Combine(_root, name), file);
    }

    private static string Ome(string size, string unit) =>
        $"""
        <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">
        <Pixels SizeX="{Side}" SizeY="{Side}" SizeC="3" SizeZ="1" SizeT="1"
        PhysicalSizeX="{size}" PhysicalSizeXUnit="{unit}" PhysicalSizeY="{size}" PhysicalSizeYUnit="{unit}"><TiffData/></Pixels>
        </Image></OME>
        """;

    private static string Text(JsonElement record, string key) => record.TryGetProperty(key, out JsonElement value) ? value.ToString() : "";
}
