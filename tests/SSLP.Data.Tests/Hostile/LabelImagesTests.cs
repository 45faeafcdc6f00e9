using SkiaSharp;
using SSLP.Data.Slides;
using SSLP.Data.Synth;
using SSLP.Data.Tiling;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Hostile;

/// <summary>A slide's label and macro show a patient's name: nothing of them is in anything that is written.</summary>
public sealed class LabelImagesTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_label_is_in_no_manifest_no_contact_sheet_no_patch_and_no_coordinate_file()
    {
        byte[] label = Magenta();
        const int side = 1024;
        byte[] rgb = new byte[side * side * 3];
        rgb.AsSpan().Fill(242);
        for (int y = 200; y < 800; y++)
            for (int x = 200; x < 800; x++)
                (rgb[((y * side) + x) * 3], rgb[(((y * side) + x) * 3) + 1], rgb[(((y * side) + x) * 3) + 2]) = (185, 105, 165);
        string path = _folder.File("slides/S1.tiff"), outputs = Path.Combine(_folder.Path, "out");
        new PhilipsTiff(side, side, 0.5, 0.5) { TileSide = 256, Label = label }.Write(path, rgb);
        using (var slide = Slide.Open(path))
            Assert.Contains("label", slide.AssociatedImages);
        using (TileManifest manifest = Tiler.Run(
            [new SlideFile("S1.tiff", path)], new() { PatchSize = 128, ContactSheetFolder = Path.Combine(outputs, "sheets") }).Manifest)
        {
            Assert.True(manifest.Table.Count > 4);
            manifest.Save(_folder.File("out/a.sslp"));
            CoordinateFiles.Write(Path.GetDirectoryName(_folder.File("out/h5/x"))!, manifest);
            using var patches = SlidePatches.FromManifest(manifest);
            PatchExport.Write(patches, Path.Combine(outputs, "pixels"));
        }
        string[] files = Directory.GetFiles(outputs, "*", SearchOption.AllDirectories);
        Assert.True(files.Length > 6);
        foreach (string file in files)
        {
            Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(label.AsSpan(^200..^2)) < 0, $"{file} holds the label's bytes");
            if (file.EndsWith(".png", StringComparison.Ordinal))
                Assert.False(HasMagenta(file), $"{file} shows the label");
        }
    }

    private static byte[] Magenta()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(64, 48, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int y = 0; y < 48; y++)
            for (int x = 0; x < 64; x++)
                bitmap.SetPixel(x, y, ((x / 4) + (y / 4)) % 2 == 0 ? new SKColor(255, 0, 255) : new SKColor(0, 255, 255));
        using var stream = new MemoryStream();
        bitmap.Encode(stream, SKEncodedImageFormat.Jpeg, 90);
        return stream.ToArray();
    }

    private static bool HasMagenta(string file)
    {
        using var bitmap = SKBitmap.Decode(file);
        return bitmap.Pixels.Any(p => p.Red > 220 && p.Green < 60 && p.Blue > 220);
    }
}
