using SkiaSharp;
using SSLP.Data.Synth;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Probes;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>The pages of bench/protocols: every command on them, in their order, on small stand-ins that lie as the public sets
/// do.</summary>
public sealed class ProtocolsTests : IDisposable
{
    private static readonly string[] NctClasses = ["ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM"];

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-protocols-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void NCT_CRC_HE_by_its_page()
    {
        for (int c = 0; c < NctClasses.Length; c++)
        {
            for (int i = 0; i < 5; i++)
                Tiff($"NCT-CRC-HE-100K/{NctClasses[c]}/{NctClasses[c]}-{Letters(c, i)}.tif", c, i);
            for (int i = 0; i < 3; i++)
                Tiff($"CRC-VAL-HE-7K/{NctClasses[c]}/{NctClasses[c]}-TCGA-{Letters(c, i + 9)}.tif", c, i);
        }
        // An encoder of 256 px at 0.5 µm, as the defaults leave it; here of 64, and the patches of 56, the same share.
        for (int i = 0; i < 32; i++)
            Png($"pre/S{i / 16}_{i % 4}_{i / 4 % 4}_a.png", 64, i % 9, i);
        Succeed("pretrain", "--patches", "pre", "--mpp", "0.5", "--out", "run", "--set", "input_size=32", "--set", "batch_size=8", "--set",
            "max_steps=2", "--set", "threads=1");
        File.Move(At("run/encoder.safetensors"), At("encoder.safetensors"));

        List<(string Command, Sslp.Result Result)> ran = Run("nct-crc-he.md");
        Assert.Equal(3, ran.Count);
        Assert.All(ran, command => Assert.Contains("27 patches, not slides", command.Result.Output, StringComparison.Ordinal));
        Assert.All(ran, command => Assert.Contains("classes (ADI, BACK … 9 in all)", command.Result.Error, StringComparison.Ordinal));
        Assert.Contains("whether they were in pretraining is not known", ran[0].Result.Error, StringComparison.Ordinal);
        Sslp.Result other = Sslp.RunIn(_root, "probe", "finetune", "--encoder", "encoder.safetensors", "--train-patches", "NCT-CRC-HE-100K",
            "--test-patches", "CRC-VAL-HE-7K", "--mpp", "1");
        Assert.Contains("does not match its use", other.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void CAMELYON16_by_its_page()
    {
        foreach (string name in (string[])["training/normal/normal_001", "training/normal/normal_002", "training/tumor/tumor_001",
            "testing/images/test_001", "testing/images/test_002"])
            Slide($"{name}.tif", hasTumour: name.EndsWith("tumor_001", StringComparison.Ordinal)
                || name.EndsWith("test_001", StringComparison.Ordinal));
        Xml("training/lesion_annotations/tumor_001.xml");
        Xml("testing/lesion_annotations/test_001.xml");
        // The same slides as the open-data bucket has them.
        var list = new List<string> { "slide,split" };
        foreach (string name in (string[])["training/normal/normal_001", "training/normal/normal_002", "training/tumor/tumor_001",
            "testing/images/test_001", "testing/images/test_002"])
        {
            string slide = Path.GetFileName(name);
            Directory.CreateDirectory(At("images"));
            File.Copy(At($"{name}.tif"), At($"images/{slide}.tif"));
            list.Add($"{slide},{(name.StartsWith("testing", StringComparison.Ordinal) ? "test" : "train")}");
        }
        File.WriteAllLines(At("splits.csv"), list);
        Xml("annotations/tumor_001.xml");
        Xml("annotations/test_001.xml");

        List<(string Command, Sslp.Result Result)> ran = Run("camelyon16.md");
        Assert.Equal(10, ran.Count);
        Assert.Contains("splits: 2 slides test, 3 slides train", ran[7].Result.Error, StringComparison.Ordinal);
        Assert.Contains("split train: ", ran[8].Result.Error, StringComparison.Ordinal);
        Assert.Equal(3, EncoderFile.Describe(At("run-list/encoder.safetensors")).TrainedOn!.Slides);
        Assert.Equal(0.5, EncoderFile.Describe(At("run/encoder.safetensors")).Preprocessing.Mpp);
        Assert.Equal(3, EncoderFile.Describe(At("run/encoder.safetensors")).TrainedOn!.Slides);
        foreach ((string command, Sslp.Result result) in ran.Where(
            command => command.Command.Contains("--encoder", StringComparison.Ordinal)))
            Assert.Contains("0 of 2 judged slides were in pretraining", result.Error, StringComparison.Ordinal);
        ProbeResult judged = ProbeResults.Read(
            Succeed("probe", "linear", "--baseline", "texture", "--train-patches", "train.sslp", "--test-patches", "test.sslp",
                "--json").Output)[0];
        Assert.Equal(["normal", "tumor"], judged.Classes);
        Assert.Equal((3, 2, "slides"), (judged.TrainSlides, judged.TestSlides, judged.Unit));
        // The stand-in's tumour is darker than its tissue: what is drawn in the XML is what is judged.
        Assert.InRange(judged.Auc!.Value, 0.95, 1);
        Assert.InRange(judged.Confusion[1].Sum(), 20, 40);
    }

    /// <summary>Every "sslp …" of the page's sh blocks, made short where its options say so; the page must hold what is
    /// shortened.</summary>
    private List<(string Command, Sslp.Result Result)> Run(string page)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Root(), "bench", "protocols", page));
        List<string> commands = [];
        bool inside = false;
        foreach (string line in lines)
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
                inside = !inside && line == "```sh";
            else if (inside)
                commands.Add(line);
        }
        Assert.All(commands, command => Assert.StartsWith("sslp ", command));
        var ran = new List<(string, Sslp.Result)>();
        foreach (string command in commands)
        {
            string small = command.Replace("--epochs 100", "--epochs 1", StringComparison.Ordinal)
                .Replace("epochs=100", "epochs=1", StringComparison.Ordinal)
                .Replace("--patch 256", "--patch 64", StringComparison.Ordinal)
                    .Replace("--baseline untrained", "--baseline untrained --input-size 32", StringComparison.Ordinal);
            if (command.StartsWith("sslp pretrain", StringComparison.Ordinal))
                small += " --set input_size=32 --set batch_size=16 --set max_steps=3 --set threads=1";
            Sslp.Result result = Succeed(small.Split(' ')[1..]);
            ran.Add((command, result));
        }
        return ran;
    }

    private string At(string name) => Path.Combine(_root, name);

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SSLP.Engine.sln")))
            folder = folder.Parent;
        Assert.SkipWhen(folder is null, "The pages lie in the repository.");
        return folder.FullName;
    }

    private static string Letters(int c, int i) =>
        string.Concat(Enumerable.Range(0, 8).Select(k => (char)('A' + (((c * 31) + (i * 7) + (k * k)) % 26))));

    private void Xml(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        // Tumour of 512 to 1,024 px across, with a hole that is none; CAMELYON16's groups.
        File.WriteAllText(At(name), """
            <?xml version="1.0"?>
            <ASAP_Annotations>
              <Annotations>
                <Annotation Name="Annotation 0" Type="Polygon" PartOfGroup="_0" Color="#F4FA58"><Coordinates>
                  <Coordinate Order="0" X="512" Y="256" /><Coordinate Order="1" X="1280" Y="256" />
                  <Coordinate Order="2" X="1280" Y="1024" /><Coordinate Order="3" X="512" Y="1024" />
                </Coordinates></Annotation>
                <Annotation Name="Annotation 1" Type="Polygon" PartOfGroup="_2" Color="#F4FA58"><Coordinates>
                  <Coordinate Order="0" X="768" Y="512" /><Coordinate Order="1" X="896" Y="512" />
                  <Coordinate Order="2" X="896" Y="640" /><Coordinate Order="3" X="768" Y="640" />
                </Coordinates></Annotation>
              </Annotations>
              <AnnotationGroups><Group Name="_0" PartOfGroup="None" Color="#00ff00" />
                <Group Name="_2" PartOfGroup="None" Color="#64FE2E" /></AnnotationGroups>
            </ASAP_Annotations>
            """);
    }

    private void Slide(string name, bool hasTumour)
    {
        const int Side = 1536;
        byte[] rgb = new byte[Side * Side * 3];
        for (int y = 0; y < Side; y++)
            for (int x = 0; x < Side; x++)
            {
                bool tissue = x is >= 128 and < 1408 && y is >= 128 and < 1408;
                bool tumour = hasTumour && x is >= 512 and < 1280 && y is >= 256 and < 1024
                    && !(x is >= 768 and < 896 && y is >= 512 and < 640);
                int grain = ((x * 7) ^ (y * 13)) % 17;
                ReadOnlySpan<byte> colour = !tissue ? [243, 242, 243] : tumour
                    ? [(byte)(120 + grain), (byte)(70 + grain), (byte)(150 + grain)]
                    : [(byte)(205 + grain), (byte)(140 + grain), (byte)(185 + grain)];
                colour.CopyTo(rgb.AsSpan(((y * Side) + x) * 3));
            }
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        new PhilipsTiff(Side, Side).Write(At(name), rgb);
    }

    private void Png(string name, int side, int c, int seed)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        using var bitmap = new SKBitmap(new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++)
                bitmap.SetPixel(x, y, Colour(c, seed, x, y));
        using FileStream file = File.Create(At(name));
        bitmap.Encode(file, SKEncodedImageFormat.Png, 100);
    }

    /// <summary>The set's patches are TIFF, 8-bit RGB without compression.</summary>
    private void Tiff(string name, int c, int seed)
    {
        const int Side = 56;
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        using var tiff = BitMiracle.LibTiff.Classic.Tiff.Open(At(name), "w");
        foreach ((BitMiracle.LibTiff.Classic.TiffTag tag, object value) in ((BitMiracle.LibTiff.Classic.TiffTag, object)[])
            [
                (BitMiracle.LibTiff.Classic.TiffTag.IMAGEWIDTH, Side), (BitMiracle.LibTiff.Classic.TiffTag.IMAGELENGTH, Side),
                (BitMiracle.LibTiff.Classic.TiffTag.BITSPERSAMPLE, 8), (BitMiracle.LibTiff.Classic.TiffTag.SAMPLESPERPIXEL, 3),
                (BitMiracle.LibTiff.Classic.TiffTag.PHOTOMETRIC, BitMiracle.LibTiff.Classic.Photometric.RGB),
                (BitMiracle.LibTiff.Classic.TiffTag.ROWSPERSTRIP, Side),
                (BitMiracle.LibTiff.Classic.TiffTag.PLANARCONFIG, BitMiracle.LibTiff.Classic.PlanarConfig.CONTIG),
            ])
            tiff.SetField(tag, value);
        for (int y = 0; y < Side; y++)
        {
            byte[] row = new byte[Side * 3];
            for (int x = 0; x < Side; x++)
                (row[3 * x], row[(3 * x) + 1], row[(3 * x) + 2]) =
                    (Colour(c, seed, x, y).Red, Colour(c, seed, x, y).Green, Colour(c, seed, x, y).Blue);
            tiff.WriteScanline(row, y);
        }
    }

    private static SKColor Colour(int c, int seed, int x, int y) =>
        new((byte)(60 + (c * 20) + (((x * (c + 1)) + (y * seed)) % 13)), (byte)(200 - (c * 15) + ((x * y) % 11)),
            (byte)(120 + ((c * 37) % 90) + seed));

    private Sslp.Result Succeed(params string[] arguments)
    {
        Sslp.Result result = Sslp.RunIn(_root, arguments);
        Assert.True(result.ExitCode == 0, $"sslp {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Error}");
        return result;
    }
}
