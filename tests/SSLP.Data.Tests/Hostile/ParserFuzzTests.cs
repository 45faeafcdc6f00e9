using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using BitMiracle.LibTiff.Classic;
using SkiaSharp;
using SSLP.Data.Annotations;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Hostile;

/// <summary>Every parser of this assembly against damaged files: a sentence, in bounded time and memory
/// (<see cref="ParserFuzz"/>).</summary>
public sealed class ParserFuzzTests : IDisposable
{
    private const int Side = 24;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GeoJSON_is_read_or_refused_with_a_sentence() =>
        new ParserFuzz("GeoJSON", ".geojson", [.. Geo.Select(Encoding.UTF8.GetBytes)], path => SlideAnnotations.Read(path, "S1"))
        {
            Words = ["[", "]", "{", "}", ",", "\"type\":", "\"Polygon\"", "\"MultiPolygon\"", "null", "\\u0000", "\ud83d", "\"Ignore*\""],
            // A number of JSON takes 12 bytes of JsonDocument's index and 16 of a point.
            BytesPerByte = 200,
        }.Run();

    [Fact]
    public void Packed_annotations_are_read_or_refused_with_a_sentence() =>
        new ParserFuzz("packed annotations", ".zip", [Zip(Geo[0]), Zip(Asap), Gzip(Geo[1])], path => SlideAnnotations.Read(path, "S1"))
        {
            // Deflate packs a thousand to one.
            BytesPerByte = 4000,
        }.Run();

    [Fact]
    public void ASAP_XML_is_read_or_refused_with_a_sentence() =>
        new ParserFuzz("ASAP XML", ".xml",
            [Encoding.UTF8.GetBytes(Asap), Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(Asap)).ToArray()],
            path => SlideAnnotations.Read(path, "S1"))
        {
            Words = ["<", ">", "<Annotation>", "</Annotation>", "&amp;", "&#0;", "&x;", "<!DOCTYPE x>", "<![CDATA[", "<!--",
                "X=\"1\"", "\""],
            BytesPerByte = 200,
        }.Run();

    [Fact]
    public void Manifests_are_read_or_refused_with_a_sentence() =>
        new ParserFuzz("manifest", ".sslp", [Manifest(false), Manifest(true)], path =>
        {
            using var manifest = TileManifest.Open(path);
            for (int slide = 0; slide < manifest.Slides.Count; slide++)
                manifest.Grid(slide).OriginLevel0(1, 2);
            for (int patch = 0; patch < manifest.Table.Count; patch++)
                _ = manifest.Table.SlideName(patch) + (manifest.Table.LabelOf is { Length: > 0 } labels ? labels[patch] : 0);
        })
        {
            Repair = Checksum,
            Words = ["[", "{", "}", "\"", ",", "null", "1e999", "-1"],
            BytesPerByte = 400,
        }.Run();

    [Theory]
    [InlineData("points")]
    [InlineData("patients")]
    [InlineData("patches")]
    public void CSV_is_read_or_refused_with_a_sentence(string kind)
    {
        _folder.Png("a.png", Side, Side);
        _folder.Png("b.png", Side, Side);
        string[] good = kind switch
        {
            "points" => ["slide,x,y,label,split\nS1.svs,10,20,a,train\nS2.svs,11.5,20,b,val\n",
                "sep=;\nslide;x;y;label\n\"S 1\";1,5;2;\"a;b\"\n"],
            "patients" => ["slide,patient\nS1.svs,P1\nS2.svs,P2\n", "\uFEFFslide\tpatient\nS1\tP1\n"],
            _ => ["file,slide,col,row,label,split,mpp\na.png,S1,1,2,x,train,0.5\nb.png,S1,2,2,y,val,0.5\n",
                "file,slide,x,y\na.png,S1,24,48\nb.png,S1,48,48\n"],
        };
        Action<string> read = kind switch
        {
            "points" => path => LabelledPoints.Read(path),
            "patients" => path => PatientList.Read(path),
            _ => path => PatchFolder.Open(Under(path)).Dispose(),
        };
        new ParserFuzz($"CSV of {kind}", ".csv",
            [.. good.Select(Encoding.UTF8.GetBytes), .. good.Take(1).Select(Encoding.Unicode.GetBytes)], read)
        {
            Words = ["\"", ",", ";", "\t", "\n", "\r", "\0", "\uFEFF", "sep=;\n", "../", "1e999", "-2147483649"],
            // Sep keeps buffers of 16 K characters and more.
            MostBytes = 16 << 20,
        }.Run();

        // The list lies beside the images that it names.
        string Under(string path)
        {
            File.Copy(path, _folder.File("patches.csv"), overwrite: true);
            return _folder.Path;
        }
    }

    [Theory]
    [InlineData(".png")]
    [InlineData(".jpg")]
    [InlineData(".webp")]
    public void Images_are_read_or_refused_with_a_sentence(string extension)
    {
        SKEncodedImageFormat format = extension switch
        {
            ".png" => SKEncodedImageFormat.Png,
            ".jpg" => SKEncodedImageFormat.Jpeg,
            _ => SKEncodedImageFormat.Webp
        };
        byte[][] good = [.. Enumerable.Range(0, 3)
            .Select(seed => File.ReadAllBytes(_folder.Image($"{seed}{extension}", Side, Side, seed * 9, format)))];
        new ParserFuzz($"image {extension}", extension, good, Decode).Run();
    }

    [Fact]
    public void TIFF_patches_are_read_or_refused_with_a_sentence() =>
        new ParserFuzz("TIFF patch", ".tif", [.. Tiffs(bands: 3)], Decode) { MostBytes = 8 << 20 }.Run();

    [Fact]
    public void Masks_are_read_or_refused_with_a_sentence() =>
        new ParserFuzz("mask TIFF", ".tif", [.. Tiffs(bands: 1)],
            path => MaskImage.Read(path, Side * 4, Side * 4, new(0, 0, 16, 16, 6, 6), null))
        {
            MostBytes = 8 << 20,
        }.Run();

    private static void Decode(string path)
    {
        PatchImage.ReadSize(path);
        PatchImage.Decode(path, Side, Side, new byte[Side * Side * 3]);
    }

    private static readonly string[] Geo =
    [
        """
        {"type":"FeatureCollection","features":[{"type":"Feature","id":"PathAnnotationObject",
        "geometry":{"type":"Polygon","coordinates":[[[0,0],[100.5,0],[100,100],[0,0]]]},
        "properties":{"objectType":"annotation","classification":{"name":"Tumor","color":[200,0,0]}}}]}
        """,
        """
        [{"type":"Feature","geometry":{"type":"MultiPolygon",
        "coordinates":[[[[0,0],[9,0],[9,9],[0,0]]],[[[20,20],[30,20],[30,30]],[[22,22],[23,22],[23,23]]]]},
        "properties":{"classification":"{'name': 'Ignore*'}"}},
        {"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[
        {"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2]]]},{"type":"Point","coordinates":[1,2]}]}}]
        """,
    ];

    private const string Asap = """
        <?xml version="1.0"?>
        <ASAP_Annotations><Annotations>
        <Annotation Name="A0" Type="Polygon" PartOfGroup="_0" Color="#F4FA58"><Coordinates>
        <Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="9,5" Y="0"/><Coordinate Order="2" X="9" Y="9"/>
        </Coordinates></Annotation>
        <Annotation Name="A1" Type="Spline" PartOfGroup="_2"><Coordinates>
        <Coordinate Order="0" X="1" Y="1"/><Coordinate Order="1" X="2" Y="1"/><Coordinate Order="2" X="2" Y="2"/></Coordinates></Annotation>
        </Annotations><AnnotationGroups><Group Name="_0"/></AnnotationGroups></ASAP_Annotations>
        """;

    private static byte[] Zip(string text)
    {
        var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        using (Stream entry = zip.CreateEntry("S1.geojson").Open())
            entry.Write(Encoding.UTF8.GetBytes(text));
        return bytes.ToArray();
    }

    private static byte[] Gzip(string text)
    {
        var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Optimal))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return bytes.ToArray();
    }

    private byte[] Manifest(bool labelled)
    {
        int[] slideOf = [0, 0, 0, 1, 1], col = [0, 1, 2, 0, 1], row = [0, 0, 1, 5, 5];
        ManifestSlide[] slides = [new("a.svs", "/data/a.svs", 1000, 9000, 8000, 0.25, 0.25, "aperio.MPP", 3),
            new("b.svs", "/data/b.svs", 1001, 9000, 8000, 0.5, 0.5, "assumed", 2)];
        var header = new ManifestHeader(
            224, 0.5, 0.5, false, slides, [new("bad.svs", "/data/bad.svs", SlideVerdict.NoMpp, "no pixel size")],
            labelled ? ["normal", "tumour"] : null, labelled ? 0.5 : null);
        CategoryColumn? labels = labelled ? new(["normal", "tumour"], new[] { 0, 1, -1, 1, 0 }) : null;
        using var manifest = new TileManifest(header, new PatchTable(["a.svs", "b.svs"], slideOf, col, row, labels), null,
            labelled ? new float[] { 1, 0.7f, 0, 1, 1 } : default);
        string path = _folder.File("a.sslp");
        manifest.Save(path);
        return File.ReadAllBytes(path);
    }

    /// <summary>Length of the header that stands there, and the SHA-256 of what follows.</summary>
    private static void Checksum(byte[] bytes)
    {
        if (bytes.Length < 64)
            return;
        int version = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8));
        long patches = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16)), columns = version == 2 ? 5 : 3;
        if (patches is >= 0 and < 100 && bytes.Length - 64 - (patches * columns * 4) is >= 0 and long header)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), (int)header);
        SHA256.HashData(bytes.AsSpan(64)).CopyTo(bytes, 24);
    }

    [Fact]
    public void A_mask_whose_lengths_are_missing_costs_no_more_than_it_holds()
    {
        // The library makes them up, of the next place in the file; here that is 3 GB away.
        byte[] mask = Tiffs(bands: 1).ElementAt(1);
        int tag = mask.AsSpan().IndexOf<byte>([(int)TiffTag.TILEBYTECOUNTS & 255, (int)TiffTag.TILEBYTECOUNTS >> 8, 4, 0]);
        mask.AsSpan(tag, 8).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(mask.AsSpan(tag - 4), 3_355_443_216);
        string path = _folder.File("lengthless.tif");
        File.WriteAllBytes(path, mask);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<Fault>(() => MaskImage.Read(path, Side, Side, new(0, 0, 16, 16, 1, 1), null));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }

    /// <summary>Strips and tiles, plain, LZW and deflate.</summary>
    private IEnumerable<byte[]> Tiffs(int bands)
    {
        (Compression, bool)[] kinds = [(Compression.NONE, false), (Compression.LZW, true), (Compression.ADOBE_DEFLATE, false)];
        foreach ((Compression compression, bool tiled) in kinds)
        {
            string path = _folder.File("made.tif");
            using (var tiff = Tiff.Open(path, "w"))
            {
                tiff.SetField(TiffTag.IMAGEWIDTH, Side);
                tiff.SetField(TiffTag.IMAGELENGTH, Side);
                tiff.SetField(TiffTag.BITSPERSAMPLE, 8);
                tiff.SetField(TiffTag.SAMPLESPERPIXEL, bands);
                tiff.SetField(TiffTag.PHOTOMETRIC, bands == 3 ? Photometric.RGB : Photometric.MINISBLACK);
                tiff.SetField(TiffTag.PLANARCONFIG, PlanarConfig.CONTIG);
                tiff.SetField(TiffTag.COMPRESSION, compression);
                int rows = tiled ? 32 : 8;
                if (tiled)
                {
                    tiff.SetField(TiffTag.TILEWIDTH, 32);
                    tiff.SetField(TiffTag.TILELENGTH, 32);
                }
                else
                    tiff.SetField(TiffTag.ROWSPERSTRIP, rows);
                byte[] pixels = new byte[(tiled ? 32 : Side) * rows * bands];
                for (int i = 0; i < pixels.Length; i++)
                    pixels[i] = (byte)(bands == 1 ? i / 7 % 3 : i * 7);
                for (int part = 0; part < (tiled ? 1 : 3); part++)
                    _ = tiled ? tiff.WriteEncodedTile(part, pixels, pixels.Length) : tiff.WriteEncodedStrip(part, pixels, pixels.Length);
            }
            yield return File.ReadAllBytes(path);
        }
    }
}
