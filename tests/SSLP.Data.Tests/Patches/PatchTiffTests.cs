using BitMiracle.LibTiff.Classic;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Patches;

public sealed class PatchTiffTests : IDisposable
{
    private const int Side = 5;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(8, 3, Compression.NONE, "II")]
    [InlineData(8, 3, Compression.LZW, "MM")]
    [InlineData(8, 3, Compression.DEFLATE, "II")]
    [InlineData(16, 3, Compression.NONE, "II")]
    [InlineData(16, 3, Compression.LZW, "MM")]
    [InlineData(8, 4, Compression.NONE, "II")] // RGBA, half transparent: the colour stays as it is
    [InlineData(16, 4, Compression.DEFLATE, "II")]
    [InlineData(8, 1, Compression.NONE, "II")]
    [InlineData(16, 1, Compression.NONE, "MM")]
    public void Pixels_are_those_stored(int bits, int samples, Compression compression, string order)
    {
        string path = Write(bits, samples, Photometric.RGB, compression, order: order);
        Assert.Equal((Side, Side), PatchImage.ReadSize(path));
        Assert.Equal(Expected(samples, (x, y) => (x, y)), Decoded(path));
    }

    [Theory]
    [InlineData(Orientation.TOPLEFT)]
    [InlineData(Orientation.TOPRIGHT)]
    [InlineData(Orientation.BOTRIGHT)]
    [InlineData(Orientation.BOTLEFT)]
    public void A_mirrored_picture_is_turned_as_its_tag_says(Orientation orientation)
    {
        bool right = orientation is Orientation.TOPRIGHT or Orientation.BOTRIGHT,
            bottom = orientation is Orientation.BOTRIGHT or Orientation.BOTLEFT;
        byte[] expected = Expected(3, (x, y) => (right ? Side - 1 - x : x, bottom ? Side - 1 - y : y));
        Assert.Equal(expected, Decoded(Write(8, 3, Photometric.RGB, Compression.NONE, orientation)));
        Assert.Equal(expected, Decoded(Write(8, 3, Photometric.RGB, Compression.NONE, orientation, tiled: true)));
    }

    [Fact]
    public void White_may_be_zero()
    {
        byte[] black = Expected(1, (x, y) => (x, y));
        Assert.Equal(black.Select(v => (byte)(255 - v)), Decoded(Write(8, 1, Photometric.MINISWHITE, Compression.NONE)));
    }

    [Theory]
    [InlineData("Lab", 8, 3, Photometric.CIELAB, SampleFormat.UINT, Orientation.TOPLEFT)]
    [InlineData("CMYK", 8, 4, Photometric.SEPARATED, SampleFormat.UINT, Orientation.TOPLEFT)]
    [InlineData("floating-point", 32, 3, Photometric.RGB, SampleFormat.IEEEFP, Orientation.TOPLEFT)]
    [InlineData("signed", 16, 3, Photometric.RGB, SampleFormat.INT, Orientation.TOPLEFT)]
    [InlineData("32 bits a channel", 32, 3, Photometric.RGB, SampleFormat.UINT, Orientation.TOPLEFT)]
    [InlineData("lies on its side (orientation 6)", 8, 3, Photometric.RGB, SampleFormat.UINT, Orientation.RIGHTTOP)]
    [InlineData("2 channels", 8, 2, Photometric.RGB, SampleFormat.UINT, Orientation.TOPLEFT)]
    public void What_has_no_one_meaning_as_RGB_is_left_out_by_name(
        string name, int bits, int samples, Photometric photometric, SampleFormat format, Orientation orientation)
    {
        string path = Write(bits, samples, photometric, Compression.NONE, orientation, format);
        Assert.Contains(name, Assert.Throws<Fault>(() => PatchImage.ReadSize(path)).Message);
        for (int i = 0; i < 3; i++)
            _folder.Png($"folder/S_{i}_0_a.png", Side, Side);
        File.Move(path, _folder.File("folder/S_3_0_a.tif"));
        using var patches = PatchFolder.Open(_folder.File("folder"));
        Assert.Equal(3, patches.Table.Count);
        Assert.Contains("S_3_0_a.tif", Assert.Single(patches.Unreadable));
        Assert.Contains(name, Assert.Single(patches.LeftOut));
    }

    [Theory]
    [InlineData(50000)] // Zstandard
    [InlineData(50001)] // WebP
    public void A_compression_that_is_not_read_is_left_out_by_its_number(int compression)
    {
        string path = Write(8, 3, Photometric.RGB, Compression.NONE);
        byte[] bytes = File.ReadAllBytes(path);
        int entry = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x03, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00]);
        BitConverter.TryWriteBytes(bytes.AsSpan(entry + 8), (ushort)compression);
        File.WriteAllBytes(path, bytes);
        Assert.Contains($"compression {compression}", Assert.Throws<Fault>(() => PatchImage.ReadSize(path)).Message);
    }

    [Fact]
    public void The_first_bytes_say_what_a_file_is_and_not_its_name()
    {
        string png = _folder.Png("a.png", Side, Side), tiff = Write(8, 3, Photometric.RGB, Compression.NONE);
        File.Move(png, _folder.File("a.tif"));
        File.Move(tiff, _folder.File("b.png"));
        Assert.Equal((Side, Side), PatchImage.ReadSize(_folder.File("a.tif")));
        Assert.Equal(Expected(3, (x, y) => (x, y)), Decoded(_folder.File("b.png")));
    }

    [Theory]
    [InlineData("tiff-lab", "Lab")]
    [InlineData("tiff-float32", "floating-point")]
    [InlineData("html-error-page", "P1_0_0_a.png")]
    [InlineData("tiff-plain", null)]
    public void Reads_or_names_the_files_that_users_report(string folder, string? named)
    {
        using var patches = PatchFolder.Open(TestData.Path("reported", "patches", "formats", folder));
        Assert.Equal(named is null ? 18 : 17, patches.Table.Count);
        if (named is not null)
            Assert.Contains(named, Assert.Single(patches.LeftOut));
    }

    private static int Value(int x, int y, int channel) => (40 * x) + (9 * y) + (3 * channel);

    private static byte[] Expected(int samples, Func<int, int, (int X, int Y)> from)
    {
        byte[] rgb = new byte[Side * Side * 3];
        for (int i = 0; i < rgb.Length; i++)
        {
            (int x, int y) = from(i / 3 % Side, i / 3 / Side);
            rgb[i] = (byte)Value(x, y, samples == 1 ? 0 : i % 3);
        }
        return rgb;
    }

    private static byte[] Decoded(string path)
    {
        byte[] rgb = new byte[Side * Side * 3];
        PatchImage.Decode(path, Side, Side, rgb);
        return rgb;
    }

    private string Write(
        int bits, int samples, Photometric photometric, Compression compression, Orientation orientation = Orientation.TOPLEFT,
        SampleFormat format = SampleFormat.UINT, string order = "II", bool tiled = false)
    {
        string path = _folder.File("made.tif");
        using var tiff = Tiff.Open(path, order == "II" ? "wl" : "wb");
        tiff.SetField(TiffTag.IMAGEWIDTH, Side);
        tiff.SetField(TiffTag.IMAGELENGTH, Side);
        tiff.SetField(TiffTag.BITSPERSAMPLE, bits);
        tiff.SetField(TiffTag.SAMPLESPERPIXEL, samples);
        tiff.SetField(TiffTag.SAMPLEFORMAT, format);
        tiff.SetField(TiffTag.PHOTOMETRIC, samples == 1 && photometric == Photometric.RGB ? Photometric.MINISBLACK : photometric);
        tiff.SetField(TiffTag.PLANARCONFIG, PlanarConfig.CONTIG);
        tiff.SetField(TiffTag.COMPRESSION, compression);
        tiff.SetField(TiffTag.ORIENTATION, orientation);
        if (samples == 4 && photometric == Photometric.RGB)
            tiff.SetField(TiffTag.EXTRASAMPLES, 1, new short[] { (short)ExtraSample.UNASSALPHA });
        int across = tiled ? 16 : Side, bytes = bits / 8;
        if (tiled)
        {
            tiff.SetField(TiffTag.TILEWIDTH, across);
            tiff.SetField(TiffTag.TILELENGTH, across);
        }
        else
            tiff.SetField(TiffTag.ROWSPERSTRIP, 2);
        byte[] pixels = new byte[across * across * samples * bytes];
        for (int y = 0; y < Side; y++)
            for (int x = 0; x < Side; x++)
                for (int c = 0; c < samples; c++)
                    for (int b = 0; b < bytes; b++)
                        // 257 · v is v's share of 65,535: both bytes are v. A fourth channel is half transparent.
                        pixels[((((y * across) + x) * samples) + c) * bytes + b] = (byte)(c == 3 ? 128 : Value(x, y, c));
        if (tiled)
            tiff.WriteEncodedTile(0, pixels, pixels.Length);
        else
            for (int y = 0; y < Side; y++)
                tiff.WriteScanline(pixels[(y * Side * samples * bytes)..((y + 1) * Side * samples * bytes)], y);
        return path;
    }
}
