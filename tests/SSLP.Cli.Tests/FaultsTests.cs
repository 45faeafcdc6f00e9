using System.Reflection;
using SkiaSharp;
using SSLP.Engine.Weights;
using TorchSharp;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>What a user does wrong is answered with one sentence and the right exit code.</summary>
public sealed class FaultsTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-faults-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_missing_folder_is_named()
    {
        string missing = Path.Combine(_root, "nowhere");
        AssertFault(Sslp.Run("pretrain", "--patches", missing, "--out", Run), 1, missing);
        AssertFault(Sslp.Run("pretrain", "--slides", missing, "--out", Run), 1, missing);
    }

    [Fact]
    public void A_folder_without_slides_is_named()
    {
        File.WriteAllText(Path.Combine(_root, "notes.txt"), "no slide");
        AssertFault(Sslp.Run("pretrain", "--slides", _root, "--out", Run), 1, _root);
    }

    [Fact]
    public void A_text_file_called_svs_is_no_slide_and_says_so()
    {
        File.WriteAllText(Path.Combine(_root, "letter.svs"), "Dear pathologist,");
        AssertFault(Sslp.Run("tile", "--slides", _root, "--out", Path.Combine(_root, "t.sslp")), 1, "letter.svs");
        Sslp.Result audit = Sslp.Run("audit", "--json", Path.Combine(_root, "letter.svs"));
        Assert.Equal(1, audit.ExitCode);
        Assert.Contains("not a slide", audit.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_slide_is_named_and_the_others_go_on()
    {
        Assert.Equal(0, Sslp.Run("synth", "--out", _root, "--slides", "2", "--size", "1024").ExitCode);
        string cut = Path.Combine(_root, "cut.tif");
        byte[] whole = File.ReadAllBytes(Path.Combine(_root, "synth_01.tif"));
        File.WriteAllBytes(cut, whole[..(whole.Length / 3)]);
        Sslp.Result tiled = Sslp.Run("tile", "--slides", _root, "--out", Path.Combine(_root, "t.sslp"), "--patch", "128");
        Assert.Equal(0, tiled.ExitCode);
        Assert.Contains("warning: cut.tif", tiled.Error, StringComparison.Ordinal);
        Assert.Contains("on 2 slides", tiled.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Slides_coarser_than_the_mpp_are_named()
    {
        Sslp.Run("synth", "--out", _root, "--slides", "1", "--size", "1024");
        AssertFault(Sslp.Run("tile", "--slides", _root, "--out", Path.Combine(_root, "t.sslp"), "--mpp", "0.1"), 1, "--upsample");
    }

    [Theory]
    [InlineData("epoch=3", "'epochs'")]
    [InlineData("epochs=soon", "a whole number")]
    [InlineData("epochs", "key=value")]
    public void A_bad_key_or_value_is_answered_with_the_right_one(string set, string hint) =>
        AssertFault(Sslp.Run("pretrain", "--patches", _root, "--out", Run, "--set", set), 2, hint);

    [Fact]
    public void A_jpeg_decoder_that_there_is_not_is_a_usage_fault_wherever_it_is_named()
    {
        const string Takes = "'mozjpeg' is no value of jpeg; it takes auto | turbojpeg | own | skia";
        AssertFault(Sslp.Run("pretrain", "--patches", _root, "--out", Run, "--set", "jpeg=mozjpeg"), 2, "--set: " + Takes);
        AssertFault(Sslp.Run("audit", "--jpeg", "mozjpeg", _root), 2, "--jpeg: " + Takes);
        foreach (string[] verb in (string[][])[["pretrain", "--patches", _root, "--out", Run], ["audit", _root],
            ["tile", "--slides", _root, "--out", Run]])
            AssertFault(Sslp.Run([("SSLP_JPEG", "mozjpeg")], verb), 2, "SSLP_JPEG: " + Takes);
        // What is said on the command line comes after the variable.
        Sslp.Run("synth", "--out", _root, "--slides", "1", "--size", "1024");
        Assert.Equal(0, Sslp.Run([("SSLP_JPEG", "own")], "audit", "--jpeg", "skia", "--deep", _root).ExitCode);
    }

    [Theory]
    [InlineData("tlie", "'tlie' is no verb of sslp; did you mean tile?")]
    [InlineData("tlie --slides x --out y", "'tlie' is no verb of sslp; did you mean tile?")]
    [InlineData("frobnicate", "'frobnicate' is no verb of sslp. The verbs are doctor, synth, ")]
    [InlineData("pretrain --patch-folder x", "'--patch-folder' is no flag of sslp pretrain")]
    [InlineData("tile --slide x --out y", "'--slide' is no flag of sslp tile; did you mean --slides?")]
    [InlineData("doctor --thread 2", "did you mean --threads?")]
    [InlineData("--versoin", "'--versoin' is no flag of sslp; did you mean --version?")]
    [InlineData("audit --jsno x", "'--jsno' is no flag of sslp audit; did you mean --json?")]
    [InlineData("probe knn --baseline colour --slides nowhere", "name a CSV of slide,x,y,label with --labels")]
    [InlineData("probe finetune --baseline untrained --slides nowhere --coordinates c", "probe judges by labels, and slides have none")]
    [InlineData("probe linear --baseline nice --patches x", "'nice' not recognized. Must be one of: 'untrained', 'colour', 'texture'")]
    [InlineData("probe linear --encoder x --patches x --label-share half", "'half' is no value of --label-share; it takes a number.")]
    [InlineData("probe linear --encoder x --patches x --epochs 1.5", "'1.5' is no value of --epochs; it takes a whole number.")]
    [InlineData("embed --encoder x --patches x --out y --batch-size many", "'many' is no value of --batch-size; it takes a whole number.")]
    [InlineData("embed --encoder x --patches x --out y --precision fp7", "'fp7' is no value of --precision; it takes bfloat16 | float32.")]
    [InlineData("synth --out x --format ndpi", "'ndpi' is no value of --format; it takes jpeg2000 | philips | tiff.")]
    [InlineData("bench knn --k few", "'few' is no value of --k; it takes a whole number.")]
    [InlineData("", "sslp takes a verb: doctor, synth, ")]
    public void A_word_that_means_nothing_is_answered_with_the_one_that_was_meant(string arguments, string says)
    {
        Sslp.Result result = Sslp.RunIn(_root, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        AssertFault(result, 2, says);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("tile --slides s --out folder", 2, "--out takes a file to write, and 'folder' is a folder")]
    [InlineData("tile --slides s --out folder/", 2, "--out takes a file to write")]
    [InlineData("tile --slides s --out file/t.sslp", 1, "--out 'file/t.sslp' lies below")]
    [InlineData("tile --slides s --out /proc/t.sslp", 1, "Nothing can be written into '/proc'")]
    [InlineData("tile --slides s --out t.sslp --coordinates file", 2, "--coordinates takes a folder, and 'file' is a file")]
    [InlineData("tile --slides s --out t.sslp --pixels file", 2, "--pixels takes a folder, and 'file' is a file")]
    [InlineData("tile --slides s --out t.sslp --min-tissue 2", 2, "it must lie in 0 to 1")]
    [InlineData("tile --slides s --out t.sslp --patients folder", 1, "folder is a folder; a list is a file")]
    [InlineData("tile --slides s --out t.sslp --splits none.csv", 1, "none.csv could not be read: there is no such file.")]
    [InlineData("tile --slides s --out t.sslp --regions-optional", 2, "--regions-optional goes with --regions")]
    [InlineData("tile --slides s --out t.sslp --tissue all --tissue-threshold 30", 2, "leave out the one or the other")]
    [InlineData("profile --slides s --out file", 2, "--out takes a folder")]
    [InlineData("synth --out file", 2, "--out takes a folder")]
    [InlineData("demo --out file", 2, "--out takes a folder")]
    [InlineData("sweep --patches s --out file", 2, "--out takes a folder")]
    [InlineData("pretrain --slides s --out file", 2, "--out takes a folder")]
    [InlineData("pretrain --slides s --out run --init file", 1, "'file' cannot be read as safetensors")]
    [InlineData("pretrain --slides s --out run --init none.pt", 1, "looks like a pickle")]
    [InlineData("embed --encoder file --slides s --out file", 2, "--out takes a folder")]
    [InlineData("embed --encoder file --slides s --out folder/x/../../file/f.h5", 1, "lies below")]
    [InlineData("export --encoder file --format onnx --out folder", 2, "--out takes a file to write")]
    [InlineData("report --run folder --out folder", 2, "--out takes a file to write")]
    [InlineData("probe knn --features none.h5", 1, "There is no features file 'none.h5'")]
    [InlineData("report --run folder --anonymise folder", 2, "the key is a file")]
    [InlineData("audit *.svs", 1, "*.svs: no slide is there")]
    [InlineData("audit none", 1, "There is no file or folder none.")]
    public void Where_nothing_can_be_read_or_written_is_said_before_any_work(string arguments, int code, string says)
    {
        Directory.CreateDirectory(Path.Combine(_root, "folder"));
        Directory.CreateDirectory(Path.Combine(_root, "empty.svs"));
        File.WriteAllText(Path.Combine(_root, "file"), "x");
        // Slides that are looked at would be refused: one sentence shows that they were not.
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_root, "s")).FullName, "letter.svs"), "no slide");
        Sslp.Result result = Sslp.RunIn(_root, arguments.Split(' '));
        AssertFault(result, code, says);
        Assert.DoesNotContain("letter.svs", result.Error, StringComparison.Ordinal);
        Assert.Equal("x", File.ReadAllText(Path.Combine(_root, "file")));
    }

    [Fact]
    public void Patches_without_coordinates_are_refused_for_spatial_training()
    {
        WritePatch("a.png");
        WritePatch("b.png");
        AssertFault(Sslp.Run("pretrain", "--patches", _root, "--out", Run), 1, "coordinates");
    }

    [Fact]
    public void Labels_for_a_probe_that_is_not_asked_for_or_has_no_slides_are_a_usage_fault()
    {
        WritePatch("s_1_2_0.png");
        AssertFault(Sslp.Run("pretrain", "--patches", _root, "--out", Run, "--probe-labels", "labels.csv"), 2, "probe_every=500");
        AssertFault(Sslp.Run("pretrain", "--patches", _root, "--out", Run, "--probe-labels", "labels.csv", "--set", "probe_every=5"), 2,
            "patches.csv");
    }

    [Fact]
    public void Two_patches_on_one_coordinate_are_both_named()
    {
        WritePatch("s_1_2_0.png");
        WritePatch("s_1_2_1.png");
        File.WriteAllText(Path.Combine(_root, "patches.csv"), "file,slide,col,row\ns_1_2_0.png,s,1,2\ns_1_2_1.png,s,1,2\n");
        Sslp.Result result = Sslp.Run("pretrain", "--patches", _root, "--out", Run);
        AssertFault(result, 1, "s_1_2_0");
    }

    [Fact]
    public void A_run_that_diverges_ends_with_3_and_its_step_is_run_again()
    {
        for (int patch = 0; patch < 16; patch++)
            WritePatch($"s_{patch % 4}_{patch / 4}_0.png", new SKColor((byte)(10 * patch), (byte)(200 - (7 * patch)), 120));
        string[] run = ["pretrain", "--patches", _root, "--out", Run, "--set", "batch_size=8", "--set", "input_size=16", "--set",
            "learning_rate=100", "--set", "weight_decay=1"];
        string diverged = Path.Combine(Run, "diverged");
        Sslp.Result stopped = Sslp.Run(run);
        AssertFault(stopped, 3, diverged);
        Assert.True(File.Exists(Path.Combine(diverged, "diverged.json")) && File.Exists(Path.Combine(diverged, "before.safetensors")));
        Sslp.Result replay = Sslp.Run("pretrain", "--patches", _root, "--replay", diverged, "--set", "threads=1");
        Assert.True(replay.ExitCode == 0, replay.Error);
        Assert.Contains("as recorded", replay.Output, StringComparison.Ordinal);
        Assert.Contains("now:      loss", replay.Output, StringComparison.Ordinal);
        AssertFault(Sslp.Run([.. run, "--replay", diverged]), 2, "--replay takes");
        AssertFault(Sslp.Run("pretrain", "--patches", _root, "--replay", _root), 1, "--replay takes the folder");
    }

    [Fact]
    public void What_is_cut_to_the_data_is_said_before_the_first_step()
    {
        for (int patch = 0; patch < 16; patch++)
            WritePatch($"s_{patch % 4}_{patch / 4}_0.png", new SKColor((byte)(10 * patch), (byte)(200 - (7 * patch)), 120));
        string[] small = ["pretrain", "--patches", _root, "--set", "input_size=16", "--set", "max_steps=1", "--set", "batch_size=100"];
        string[] sslp = ["clusters=99", "negatives=98", "nearest_keys=97", "prefetch=96"];
        Sslp.Result bank = Sslp.Run([.. small, "--out", Run, .. sslp.SelectMany(set => new[] { "--set", set })]);
        Sslp.Result queue = Sslp.Run([.. small, "--out", Run + "-2", "--set", "method=mocov2", "--set", "queue=65536"]);
        Assert.Equal((0, 0), (bank.ExitCode, queue.ExitCode));
        AssertFirst(bank, "batch_size is 16 in this run, not 100", "clusters is 16 in this run, not 99",
            "negatives is 3 in this run, not 98",
            "nearest_keys is 15 in this run, not 97", "prefetch is 64 in this run, not 96");
        AssertFirst(queue, "batch_size is 16 in this run, not 100", "queue is 16 in this run, not 65,536");

        static void AssertFirst(Sslp.Result result, params string[] cuts)
        {
            string[] lines = result.Error.Split('\n');
            int plan = Array.FindIndex(lines, line => line.Contains("1 steps of 16,", StringComparison.Ordinal));
            Assert.InRange(plan, 0, 4);
            foreach (string cut in cuts)
                Assert.Single(lines[(plan + 1)..(plan + 1 + cuts.Length)],
                    line => line.StartsWith($"warning: {cut}: ", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_missing_encoder_is_named() =>
        AssertFault(Sslp.Run("embed", "--encoder", Path.Combine(_root, "no.safetensors"), "--patches", _root, "--out",
            Path.Combine(_root, "f.h5")), 1, "no.safetensors");

    [Fact]
    public void A_libtorch_folder_that_is_none_is_named() =>
        AssertFault(Sslp.Run([("SSLP_LIBTORCH", _root)], "doctor"), 2, "libtorch names");

    [Fact]
    public void Weights_of_another_network_begin_nothing()
    {
        string weights = Path.Combine(_root, "init.safetensors");
        SafetensorsWriter.Write(weights, [SafetensorsItem.From("blocks.0.attn.qkv.weight", torch.zeros(3, 3))]);
        for (int i = 0; i < 8; i++)
            WritePatch($"s_{i}_0_0.png");
        AssertFault(Sslp.Run("pretrain", "--patches", _root, "--out", Run, "--init", weights), 1, "cannot begin a resnet18");
    }

    [Theory]
    [InlineData("SSLP_KERNELS", "gpu", "reference | cpu | cuda | auto")]
    [InlineData("SSLP_CUDA_SCORES", "int4", "fp32 | bf16")]
    [InlineData("SSLP_THREADS", "x", "from 0 to 1024")]
    [InlineData("SSLP_THREADS", "10000", "from 0 to 1024")]
    [InlineData("SSLP_JPEG", "x", "auto | turbojpeg | own | skia")]
    [InlineData("SSLP_ISA", "7", "scalar, 128, 256 or 512")]
    [InlineData("SSLP_CUDA_DRIVER", "/nowhere/libcuda.so", "/nowhere/libcuda.so")]
    [InlineData("SSLP_LIBTORCH", "/nowhere", "libtorch names '/nowhere', which is no folder")]
    [InlineData("SSLP_MPI", "/nowhere/libmpi.so", "'/nowhere/libmpi.so' does not load as an MPI library")]
    [InlineData("SSLP_NCCL", "/nowhere/libnccl.so", "'/nowhere/libnccl.so' does not load as NCCL")]
    public void A_variable_that_means_nothing_is_a_wrong_option(string name, string value, string takes)
    {
        // The libraries of several processes are looked for by one that MPI started, and by a training only.
        Sslp.Result result = name is "SSLP_MPI" or "SSLP_NCCL"
            ? Sslp.Run([(name, value), ("PMI_SIZE", "2")], "pretrain", "--patches", _root, "--out", Run)
            : Sslp.Run([(name, value)], "doctor");
        AssertFault(result, 2, takes);
        Assert.Contains(name == "SSLP_LIBTORCH" ? "libtorch" : name, result.Fault, StringComparison.Ordinal);
        Assert.Contains(value, result.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_variable_is_tried_by_the_theory_above()
    {
        MethodInfo theory = typeof(FaultsTests).GetMethod(nameof(A_variable_that_means_nothing_is_a_wrong_option))!;
        Assert.Equal(
            ContextOptions.VariableNames.Order(),
            theory.GetCustomAttributes<InlineDataAttribute>().Select(data => (string)data.Data[0]!).Distinct().Order());
    }

    [Theory]
    [InlineData("--threads", "10000", "from 0 to 1024")]
    [InlineData("--kernels", "gpu", "reference | cpu | cuda | auto")]
    [InlineData("--jpeg", "x", "auto | turbojpeg | own | skia")]
    public void A_flag_that_means_nothing_is_named_with_what_it_takes(string name, string value, string takes)
    {
        Sslp.Result result = Sslp.Run("doctor", name, value);
        AssertFault(result, 2, takes);
        Assert.Contains(name, result.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("input_size=5000", "from 8 to 4096")]
    [InlineData("threads=10000", "from 0 to 1024")]
    [InlineData("scores=int4", "fp32 | bf16")]
    public void A_key_outside_of_its_limits_is_named_with_them(string set, string takes) =>
        AssertFault(Sslp.Run("pretrain", "--patches", _root, "--out", Run, "--set", set), 2, takes);

    [Theory]
    [InlineData("bench nothing", "Must be one of: 'knn', ")]
    [InlineData("synth --out x --slides 0", "0 slides cannot be made; choose 1 or more.")]
    [InlineData("probe knn --features .", "'.' is a folder; --features takes one file")]
    [InlineData("probe knn", "probe takes one of --encoder, --baseline and --features.")]
    public void A_wrong_word_of_a_verb_is_one_sentence(string arguments, string says)
    {
        Sslp.Result result = Sslp.RunIn(_root, arguments.Split(' '));
        AssertFault(result, 2, says);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private string Run => Path.Combine(_root, "run");

    private void WritePatch(string name, SKColor colour = default)
    {
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(colour);
        using FileStream file = File.Create(Path.Combine(_root, name));
        bitmap.Encode(file, SKEncodedImageFormat.Png, 100);
    }

    private static void AssertFault(Sslp.Result result, int code, string names)
    {
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(names, result.Fault, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }
}
