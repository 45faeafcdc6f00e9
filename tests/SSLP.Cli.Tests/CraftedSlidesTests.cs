using System.Text.Json;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>Slides with one oddity each, made after public reports, through `sslp audit` and `sslp tile` with every JPEG decoder.</summary>
public sealed class CraftedSlidesTests : IDisposable
{
    private static readonly Dictionary<string, (int Levels, double? Mpp, string Said)> Right = new(StringComparer.Ordinal)
    {
        ["aperio-label-dangling.svs"] = (2, 0.5, "its image 'label' can't be read"),
        ["aperio-mpp-decimal-comma.svs"] = (2, 0.5, ""),
        ["ome-physicalsize-xml-only.ome.tif"] = (2, 0.5, ""),
        ["stain-ihc-brown-on-pale-blue.tif"] = (2, 0.5, ""),
        ["tiff-black-border-62pct.tif"] = (2, 0.5, ""),
        ["tiff-jpeg-edge-tiles-cut.tif"] = (1, 0.5, ""),
        ["tiff-jpeg-extraneous-bytes.tif"] = (2, 0.5, ""),
        ["tiff-mask-ifds.tif"] = (2, 0.5, "mask"),
        ["tiff-mpp-0.0005-unit-mixup.tif"] = (2, null, "says 0.0005 µm/px in tiff.ResolutionUnit, a size that no microscope has"),
        ["tiff-rgba-deflate.tif"] = (2, 0.5, ""),
        ["tiff-tiled-macro-among-levels.tif"] = (2, 0.5, "another field"),
        ["tiff-xresolution-float.tif"] = (2, 0.5, ""),
    };

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-crafted-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("turbojpeg")]
    [InlineData("own")]
    [InlineData("skia")]
    public void Every_slide_gives_what_is_right(string decoder)
    {
        string folder = TestData.Path("reported", "crafted");
        Sslp.Result audit = Sslp.Run("audit", folder, "--deep", "--json", "--patch", "128", "--jpeg", decoder);
        Assert.SkipWhen(audit.ExitCode == 2, audit.Error);
        JsonElement[] records = [.. audit.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(Right.Keys.Order(StringComparer.Ordinal), records.Select(record => Text(record, "name")));
        foreach (JsonElement record in records)
        {
            (int levels, double? mpp, string? said) = Right[Text(record, "name")];
            Assert.Equal((mpp is null ? "no mpp" : "ok", "Embedded", $"{levels}"),
                (Text(record, "verdict"), Text(record, "reader"), Text(record, "levels")));
            Assert.Equal(mpp, record.TryGetProperty("mpp_x", out JsonElement x) ? Math.Round(x.GetDouble(), 4) : null);
            string notes = Text(record, "reason") + Text(record, "notes");
            Assert.True(said.Length == 0 ? notes.Length == 0 : notes.Contains(said, StringComparison.Ordinal), record.ToString());
            if (mpp is not null)
            {
                Assert.Equal("0", Text(record, "tiles_damaged"));
                Assert.True(record.GetProperty("patches").GetInt32() > 0, record.ToString());
            }
        }
        Sslp.Result tile = Sslp.Run("tile", "--slides", folder, "--out", Path.Combine(_root, "t.sslp"), "--patch", "128",
            "--assume-mpp", "0.5",
            "--jpeg", decoder);
        Assert.True(tile.ExitCode == 0, tile.Error);
        Assert.Contains($"patches on {Right.Count} slides", tile.Error, StringComparison.Ordinal);
    }

    private static string Text(JsonElement record, string key) =>
        !record.TryGetProperty(key, out JsonElement value) ? ""
        : value.ValueKind == JsonValueKind.Array ? string.Join("; ", value.EnumerateArray().Select(item => item.GetString()))
            : value.ToString();
}
