using System.Text.Json;
using SkiaSharp;
using SSLP.Engine.Runs;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Probes;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>Patches that are already cut, through the command line: what is known of them, what is not, and what has been seen.</summary>
public sealed class PatchVerbsTests : IDisposable
{
    private const int Side = 32;

    private static readonly string[] Small =
        ["--set", "batch_size=8", "--set", "input_size=16", "--set", "epochs=1", "--set", "max_steps=2", "--set", "threads=1",
            "--set", "width=8"];

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-patches-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void An_encoder_of_patches_knows_no_scale_that_nobody_gave_and_embed_asks_for_it()
    {
        Set("p", slides: 3);
        Succeed(["pretrain", "--patches", At("p"), "--out", At("run"), .. Small]);
        Assert.Null(EncoderFile.Describe(At("run/encoder.safetensors")).Preprocessing.Mpp);
        Assert.Equal("unknown", RunRecord.Load(new RunFolder(At("run")).RunJson).Resolved["mpp"]);
        Directory.CreateDirectory(At("slides"));
        Sslp.Result asked = Sslp.Run("embed", "--encoder", At("run/encoder.safetensors"), "--slides", At("slides"), "--out", At("f.h5"));
        Assert.Equal(2, asked.ExitCode);
        Assert.Contains("--mpp", asked.Fault, StringComparison.Ordinal);
        Succeed(["pretrain", "--patches", At("p"), "--out", At("given"), "--set", "mpp=0.5", .. Small]);
        Assert.Equal(0.5, EncoderFile.Describe(At("given/encoder.safetensors")).Preprocessing.Mpp);
        Succeed(["pretrain", "--patches", At("p"), "--out", At("flag"), "--mpp", "4", .. Small]);
        Assert.Equal(4, EncoderFile.Describe(At("flag/encoder.safetensors")).Preprocessing.Mpp);
    }

    [Fact]
    public void The_split_train_is_learned_from_and_the_rest_is_not_seen()
    {
        Set("p", slides: 4, split: slide => slide < 3 ? "train" : "test");
        Sslp.Result run = Succeed(["pretrain", "--patches", At("p"), "--out", At("run"), .. Small]);
        Assert.Contains("split train: 27 of 36 patches", run.Error, StringComparison.Ordinal);
        // Patches that are read at random at no cost: split or not, one permutation.
        Assert.StartsWith("full permutation", RunRecord.Load(new RunFolder(At("run")).RunJson).Resolved["order"]);
        Sslp.Result probe = Succeed("probe", "knn", "--encoder", At("run/encoder.safetensors"), "--patches", At("p"));
        Assert.Contains("0 of 1 judged slides were in pretraining", probe.Error, StringComparison.Ordinal);
        Assert.Contains("warning: All 9 judged patches are of one slide, so that there is no interval", probe.Error,
            StringComparison.Ordinal);
        Succeed("embed", "--encoder", At("run/encoder.safetensors"), "--patches", At("p"), "--out", At("f.h5"));
        Assert.Equal(probe.Output, Succeed("probe", "knn", "--features", At("f.h5")).Output);
        Assert.Contains("has its own patches", Sslp.Run("probe", "knn", "--features", At("f.h5"), "--patches", At("p")).Fault,
            StringComparison.Ordinal);
        Assert.Contains("--encoder", Sslp.Run("probe", "finetune", "--features", At("f.h5")).Fault, StringComparison.Ordinal);
        Succeed(["pretrain", "--patches", At("p"), "--split", "all", "--out", At("all"), .. Small]);
        Assert.Contains("warning: 1 of 1 judged slides were in pretraining", Succeed(
            "probe", "knn", "--encoder", At("all/encoder.safetensors"), "--patches", At("p")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_taught_its_labels_does_not_judge_itself()
    {
        Set("p", slides: 4);
        Succeed(["pretrain", "--patches", At("p"), "--out", At("run"), "--set", "method=supervised", .. Small]);
        string[] probe = ["probe", "knn", "--encoder", At("run/encoder.safetensors"), "--patches", At("p")];
        Sslp.Result refused = Sslp.Run(probe);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("1 of 1 judged slides were in pretraining, which learned from labels", refused.Fault, StringComparison.Ordinal);
        Succeed([.. probe, "--allow-mismatch"]);
    }

    [Fact]
    public void Patients_are_kept_together_by_a_list()
    {
        Set("p", slides: 6);
        File.WriteAllLines(At("patients.csv"), ["slide,patient", .. Enumerable.Range(0, 6).Select(slide => $"S{slide},P{slide / 3}")]);
        Sslp.Result probe = Succeed("probe", "linear", "--baseline", "colour", "--patches", At("p"), "--patients",
            At("patients.csv"), "--json");
        Assert.Contains("2 patients of 6 slides", probe.Error, StringComparison.Ordinal);
        Assert.All(ProbeResults.Read(probe.Output), result =>
            Assert.Equal(("patients", 1, 3), (result.Unit, result.TestUnits, result.TestSlides)));
        Assert.Contains("All 27 judged patches are of one patient, so that there is no interval: it is drawn from patients that differ",
            probe.Error, StringComparison.Ordinal);
        Set("split", slides: 6, split: slide => slide == 5 ? "val" : "train");
        string[] shared = ["probe", "linear", "--baseline", "colour", "--patches", At("split"), "--patients", At("patients.csv")];
        Assert.Contains("1 patient on both sides (P1)", Sslp.Run(shared).Fault, StringComparison.Ordinal);
        Assert.Contains("1 patient on both sides", ProbeResults.Read(Succeed([.. shared, "--shared-patients", "--json"]).Output)[0].Split);
    }

    [Fact]
    public void A_set_in_two_folders_is_judged_without_slides_and_says_so()
    {
        Classes("train", "ADI", 12);
        Classes("train", "TUM", 12);
        Classes("test", "ADI", 5);
        Classes("test", "TUM", 5);
        string[] sides = ["--train-patches", At("train"), "--test-patches", At("test")];
        Sslp.Result table = Succeed(["probe", "linear", "--baseline", "colour", .. sides]);
        Assert.Contains("10 patches, not slides", table.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("no interval", table.Error, StringComparison.Ordinal);
        ProbeResult result = ProbeResults.Read(Succeed(["probe", "linear", "--baseline", "colour", "--json", .. sides]).Output)[0];
        Assert.Equal((24, 10, "patches", 1.0), (result.TrainPatches, result.TestPatches, result.Unit, result.Accuracy.Value));

        Sslp.Result drawn = Sslp.Run("probe", "linear", "--baseline", "colour", "--patches", At("train"));
        Assert.Equal(1, drawn.ExitCode);
        Assert.Contains("--split-patches", drawn.Fault, StringComparison.Ordinal);
        Succeed("probe", "linear", "--baseline", "colour", "--patches", At("train"), "--split-patches");

        Classes("test", "MUC", 2);
        Assert.Contains("classes that those to learn from have not: MUC",
            Sslp.Run(["probe", "linear", "--baseline", "colour", .. sides]).Fault, StringComparison.Ordinal);
        Assert.Equal(2, Sslp.Run("probe", "linear", "--baseline", "colour", "--train-patches", At("train")).ExitCode);
        Assert.Equal(2, Sslp.Run(["probe", "linear", "--baseline", "colour", "--patches", At("train"), .. sides]).ExitCode);
    }

    [Fact]
    public void What_is_left_out_is_named_by_every_verb_and_how_names_were_read_is_said()
    {
        Set("p", slides: 3);
        File.WriteAllText(At("p/S0_7_7_a.png"), "<html>404</html>");
        Succeed(["pretrain", "--patches", At("p"), "--out", At("run"), .. Small]);
        foreach (string[] verb in (string[][])
            [
                ["embed", "--encoder", At("run/encoder.safetensors"), "--out", At("f.npy"), "--patches", At("p")],
                ["probe", "knn", "--encoder", At("run/encoder.safetensors"), "--patches", At("p")],
                ["probe", "linear", "--baseline", "colour", "--patches", At("p")],
                ["report", "--run", At("run"), "--patches", At("p"), "--out", At("r.html")],
            ])
        {
            string said = Succeed(verb).Error;
            Assert.Contains("names are <slide>_<col>_<row>_<label>; places are columns and rows", said, StringComparison.Ordinal);
            Assert.Contains("S0_7_7_a.png", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_export_has_its_card_and_the_folders_their_files()
    {
        Set("p", slides: 3);
        Succeed(["pretrain", "--patches", At("p"), "--out", At("run"), .. Small]);
        string encoder = At("run/encoder.safetensors");
        foreach ((string format, string to, string[] files) in ((string, string, string[])[])
            [
                ("safetensors", "e.safetensors", ["e.safetensors", "e.md"]), ("onnx", "o.onnx", ["o.onnx", "o.md"]),
                ("timm", "timm", ["timm/config.json", "timm/model.safetensors", "timm/README.md"]),
                ("huggingface", "hf", ["hf/config.json", "hf/model.safetensors", "hf/preprocessor_config.json", "hf/README.md"]),
            ])
        {
            Succeed("export", "--encoder", encoder, "--format", format, "--out", At(to));
            Assert.All(files, file => Assert.True(new FileInfo(At(file)).Length > 100, file));
            Assert.Contains("their µm per pixel are not known", File.ReadAllText(At(files[^1])), StringComparison.Ordinal);
        }
        using var config = JsonDocument.Parse(File.ReadAllText(At("timm/config.json")));
        Assert.Equal("resnet18", config.RootElement.GetProperty("architecture").GetString());
        // What other programs are given begins a run again.
        Succeed(["pretrain", "--patches", At("p"), "--out", At("again"), "--init", At("hf/model.safetensors"), .. Small]);
        Assert.Equal(1, Sslp.Run("export", "--encoder", encoder, "--format", "timm", "--out", At("timm")).ExitCode);
    }

    private string At(string name) => Path.Combine(_root, name);

    /// <summary>Slides of 3 × 3 patches, two classes by column, with a list of splits where there are any.</summary>
    private void Set(string folder, int slides, Func<int, string>? split = null)
    {
        var lines = new List<string> { "file,slide,col,row,label,split" };
        for (int i = 0; i < slides * 9; i++)
        {
            (int slide, int col, int row) = (i / 9, i % 3, i / 3 % 3);
            string label = col == 1 ? "b" : "a", name = $"S{slide}_{col}_{row}_{label}.png";
            Image($"{folder}/{name}", label == "a" ? 60 : 200, i);
            lines.Add($"{name},S{slide},{col},{row},{label},{split?.Invoke(slide)}");
        }
        if (split is not null)
            File.WriteAllLines(At($"{folder}/patches.csv"), lines);
    }

    private void Classes(string folder, string label, int count)
    {
        for (int i = 0; i < count; i++)
            Image($"{folder}/{label}/{label}-{(char)('A' + i)}AFLCLY.png", label == "ADI" ? 230 : 90, i);
    }

    private void Image(string name, int colour, int seed)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        using var bitmap = new SKBitmap(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int y = 0; y < Side; y++)
            for (int x = 0; x < Side; x++)
                bitmap.SetPixel(x, y, new SKColor((byte)(colour + ((x * 3) + (y * seed)) % 23), (byte)((x * y) + seed),
                    (byte)(colour / 2)));
        using FileStream file = File.Create(At(name));
        bitmap.Encode(file, SKEncodedImageFormat.Png, 100);
    }

    private static Sslp.Result Succeed(params string[] arguments)
    {
        Sslp.Result result = Sslp.Run(arguments);
        Assert.True(result.ExitCode == 0, $"sslp {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Error}");
        return result;
    }
}
