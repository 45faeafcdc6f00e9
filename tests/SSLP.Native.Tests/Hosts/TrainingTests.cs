using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text.RegularExpressions;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Native.Tests.Hosts;

/// <summary>The same training through C, Python and the program: one sequence of losses, to the bit.</summary>
public sealed partial class TrainingTests : IDisposable
{
    private static readonly string[] Options = ["patch=64", "input_size=32", "batch_size=8", "max_steps=6", "epochs=4", "threads=2",
        "nearest_keys=8",
        "negatives=16", "cluster_every=2"];

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-training").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>What the program says of these slides and options, whoever asks first.</summary>
    private static readonly Lazy<double[]> ByProgram = new(() => Losses([]));

    [Fact]
    public void The_exported_functions_and_the_program_train_with_the_same_losses_to_the_bit()
    {
        // The functions that C calls, by their addresses, in this process.
        nint context = Host.Context();
        SslpTileOptions tiling = Host.TileOptions();
        tiling.Tissue = 0;
        Host.Succeeded(Host.Tile(context, Slides(_folder), tiling, out nint patches));
        double[] losses = Host.Train(patches, Run("here"), string.Join('\n', Options));
        Host.Succeeded(Host.Close(patches));
        Host.Succeeded(Host.Close(context));
        Assert.Equal(6, losses.Length);
        Assert.All(losses, loss => Assert.True(double.IsFinite(loss) && loss > 0));
        Assert.Equal(ByProgram.Value, losses);
    }

    [Fact]
    public void Losses_do_not_follow_the_processors_vectors()
    {
        Assert.SkipUnless(Vector512.IsHardwareAccelerated, "this processor has no AVX-512: all programs on it use vectors of one width");
        // What a library compiled ahead of time for every processor with AVX2 has, and what a processor without AVX-512 has.
        Assert.Equal(ByProgram.Value, Losses(new() { ["DOTNET_EnableAVX512"] = "0" }));
    }

    [Fact]
    public void C_python_and_the_program_train_with_the_same_losses_to_the_bit()
    {
        Tool.SkipUnless("gcc", "gcc");
        string library = PublishedLibrary.Whole, slides = Slides(_folder), program = Train(library);
        double[] byC = LossesOf(Tool.Run(program, [slides, Run("c"), Path.Combine(_folder, "c.safetensors"), .. Options]).Succeeded());
        string python = Path.Combine(Repository.Root, "interop", "python", "examples", "pretrain.py");
        double[] byPython = LossesOf(Tool.Run(PythonEnvironment(library), "/usr/bin/python3", [python, slides, Run("python"), .. Options])
            .Succeeded());
        Assert.Equal(6, byC.Length);
        Assert.Equal(ByProgram.Value, byC);
        Assert.Equal(ByProgram.Value, byPython);
        Assert.Equal(File.ReadAllBytes(Path.Combine(Run("c"), "encoder.safetensors")), File.ReadAllBytes(Path.Combine(_folder,
            "c.safetensors")));
    }

    [Fact]
    public void A_run_goes_on_after_a_cancel_and_after_a_checkpoint_with_the_losses_it_would_have_had()
    {
        string library = PublishedLibrary.Whole, slides = Slides(_folder), options = string.Join(", ", Options.Select(o => o.Replace("=",
            "=\"") + "\""));
        string script = $"""
            import threading
            import sslp
            context = sslp.Context(threads=2)
            patches = context.tile("{slides}", patch=64)
            whole = [m.loss for m in sslp.Trainer(patches, "{Run("whole")}", {options})]
            parted = sslp.Trainer(patches, "{Run("parted")}", {options})
            losses = [parted.step().loss, parted.step().loss]
            parted.checkpoint()
            losses.append(parted.step().loss)
            parted.cancel()
            try:
                parted.step()
                raise SystemExit("a cancelled step was done")
            except sslp.SslpError as fault:
                assert fault.status == -7, fault
            steps = parted.steps_done
            losses += [m.loss for m in parted]
            assert losses == whole[:3] + whole[3 + steps - 3:] and steps in (3, 4), (losses, whole)
            parted.close()
            with sslp.Trainer(patches, "{Run("other")}", {options}) as other:
                first = [other.step().loss for _ in range(4)]
                try:
                    sslp.Trainer(patches, "{Run("other")}", {options})
                    raise SystemExit("a run was taken twice")
                except sslp.SslpError as fault:
                    print(fault)
            rest = [m.loss for m in sslp.Trainer(patches, "{Run("other")}", resume=True, {options})]
            assert first + rest == whole, (first, rest, whole)
            with sslp.Encoder(context, "{Run("whole")}/encoder.safetensors") as encoder:
                features = encoder.embed(patches, [0, 1])
                assert abs(features[1] - encoder.embed_pixels([patches[1]])[0]).max() < 1e-4 and features.std() > 0
            try:
                sslp.Trainer(patches, "{Run("bad")}", no_such_option=1)
            except sslp.SslpError as fault:
                print(fault.status, fault)
            """;
        string printed = Tool.Run(PythonEnvironment(library), "/usr/bin/python3", "-c", script).Succeeded();
        Assert.Contains("-1 ", printed, StringComparison.Ordinal);
        Assert.Contains("no_such_option", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_libtorch_in_the_process_is_named()
    {
        string library = PublishedLibrary.Whole;
        Assert.SkipUnless(Tool.Run("/usr/bin/python3", "-c", "import torch").Code == 0,
            "there is no torch; on Debian: apt install python3-torch");
        string script = $"""
            import torch
            import sslp
            patches = sslp.Context(threads=2).tile("{Slides(_folder)}", patch=64)
            try:
                sslp.Trainer(patches, "{Run("clash")}", max_steps=1)
            except sslp.SslpError as fault:
                print(fault.status, fault)
            print(torch.ones(3).sum().item())
            """;
        string printed = Tool.Run(PythonEnvironment(library), "/usr/bin/python3", "-c", script).Succeeded();
        Assert.Contains("-4 This process holds '", printed, StringComparison.Ordinal);
        Assert.Contains("3.0", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_and_embed_run_as_their_first_lines_say()
    {
        Tool.SkipUnless("gcc", "gcc");
        string library = PublishedLibrary.Whole, slides = Slides(_folder), encoder = Path.Combine(_folder, "encoder.safetensors");
        Tool.Run(Train(library), [slides, Run("made"), encoder, .. Options]).Succeeded();
        string embed = Path.Combine(_folder, "embed");
        Tool.Compile("gcc", Repository.Example("embed.c"), embed, "-std=c99", library, $"-Wl,-rpath,{Path.GetDirectoryName(library)}");
        string[] lines = Tool.Run(embed, encoder, slides).Succeeded().Trim().Split('\n');
        Assert.True(lines.Length > 8);
        Assert.All(lines, line => Assert.Equal(512, line.Split(' ').Length));
    }

    /// <summary>Minutes: libtorch computes in it, too.</summary>
    [Fact]
    public void Embed_runs_under_valgrind_with_no_invalid_access()
    {
        Tool.SkipUnless("gcc", "gcc");
        Tool.SkipUnless("valgrind", "valgrind");
        string library = PublishedLibrary.Whole, slides = Slides(_folder), encoder = Path.Combine(_folder, "encoder.safetensors");
        Tool.Run(Train(library), [slides, Run("made"), encoder, .. Options]).Succeeded();
        // Beside what it loads, apart from its debug symbols, of a DWARF that valgrind's reader gives up at.
        string beside = Directory.CreateDirectory(Path.Combine(_folder, "lib")).FullName, embed = Path.Combine(_folder, "embed");
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(library)!, "*.so*").Where(file => !file.EndsWith(".dbg")))
            File.CreateSymbolicLink(Path.Combine(beside, Path.GetFileName(file)), file);
        string apart = Path.Combine(beside, Path.GetFileName(library));
        File.Delete(apart);
        File.Copy(library, apart);
        Tool.Compile("gcc", Repository.Example("embed.c"), embed, "-std=c99", apart, $"-Wl,-rpath,{beside}");
        Ended ended = Tool.Run(ValgrindRuns.Environment, "valgrind", [.. ValgrindRuns.Arguments, embed, encoder, slides]);
        Assert.True(ended.Succeeded().Trim().Split('\n').Length > 8);
    }

    private string Train(string library)
    {
        string program = Path.Combine(_folder, "train");
        Tool.Compile("gcc", Repository.Example("train.c"), program, "-std=c99", library, $"-Wl,-rpath,{Path.GetDirectoryName(library)}");
        return program;
    }

    private static Dictionary<string, string> PythonEnvironment(string library) => new()
    {
        ["PYTHONPATH"] = Path.Combine(Repository.Root, "interop", "python"),
        ["PYTHONDONTWRITEBYTECODE"] = "1",
        ["SSLP_LIBRARY"] = library,
    };

    private string Run(string name) => Path.Combine(_folder, name);

    /// <summary>The program's losses on the slides of these tests, as its metrics.jsonl has them.</summary>
    private static double[] Losses(Dictionary<string, string> environment)
    {
        string folder = Directory.CreateTempSubdirectory("sslp-program").FullName, run = Path.Combine(folder, "run");
        try
        {
            string sslp = Path.Combine(Repository.Root, "engine", "SSLP.Cli", "bin", Repository.Configuration, "net10.0", "sslp.dll");
            Assert.SkipUnless(File.Exists(sslp), "the program is not built: dotnet build SSLP.Engine.sln");
            Tool.Run(environment, "dotnet", [sslp, "pretrain", "--slides", Slides(folder), "--out", run,
                .. Options.SelectMany(option => (string[])["--set", option])]).Succeeded();
            return LossesOf(File.ReadAllText(Path.Combine(run, "metrics.jsonl")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Slides(string folder)
    {
        string slides = Directory.CreateDirectory(Path.Combine(folder, "slides")).FullName;
        TestSlides.Stained(Path.Combine(slides, "one.tif"), 800, 100, 100, 500, 400);
        return slides;
    }

    private static double[] LossesOf(string text) =>
        [.. Loss().Matches(text).Select(m => double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex("""(?:: loss |"loss":)([-+.0-9eE]+)""")]
    private static partial Regex Loss();
}
