using System.CommandLine;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Spectre.Console;
using SSLP.Data.Files;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Interop.Cuda;
using SSLP.Interop.Slides.OpenSlide;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp doctor</c>: what this machine can do, and a few training steps that prove it.</summary>
internal static class DoctorVerb
{
    public static Command Create()
    {
        var selfTest = new Option<bool>("--self-test")
        {
            Description =
                "kill a small training with SIGKILL and go on, several times, and compare it to the last bit with one that was left alone",
        };
        var kills = new Option<int>("--kills") { Description = "of --self-test", HelpName = "N", DefaultValueFactory = _ => 3 };
        var command = new Command("doctor", "Say what this machine can do, and train a few steps to see it.") { selfTest, kills };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(selfTest))
                return TestItself(parsed, parsed.GetValue(kills));
            Table table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("what", "found");
            table.AddRow("system", Markup.Escape($"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}"));
            table.AddRow("processor", Markup.Escape($"{Environment.ProcessorCount} cores, {InstructionSets()}"));
            table.AddRow("memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1 << 30)} GiB");
            using EngineContext context = ContextOptions.Open(parsed);
            table.AddRow("libtorch", Markup.Escape($"{__version__}, {TorchRuntime.Describe}"));
            table.AddRow("CUDA", cuda.is_available() ? $"{cuda.device_count()} devices" : "none: everything runs on the CPU");
            table.AddRow("NVIDIA driver", Markup.Escape(Driver()));
            table.AddRow("kernel threads", $"{context.Workers.Workers}");
            table.AddRow("waiting threads", OpenMp.Describe);
            table.AddRow("JPEG tiles", Markup.Escape(context.Slides.JpegDecoderName));
            table.AddRow("JPEG 2000 tiles", Markup.Escape(context.Slides.Jpeg2000DecoderName));
            table.AddRow("OpenSlide",
                Markup.Escape(OpenSlideLibrary.Warning ?? OpenSlideLibrary.Version
                    ?? "none: slides of the formats that only it reads are refused"));
            if (context.Settings.Kernels is KernelBackend.Cuda or KernelBackend.Auto)
                table.AddRow("CUDA kernels", Markup.Escape(CudaKernels(context)));
            AnsiConsole.Write(table);
            StepMetrics last = SmokeRun.Execute(context);
            string found = $"loss {last.Loss:F3}, {last.PatchesPerSecond:F0} patches/s";
            AnsiConsole.MarkupLineInterpolated($"[green]{last.Step} training steps[/] on noise: {found}. This machine can train.");
            return 0;
        });
        return command;
    }

    private static int TestItself(ParseResult parsed, int kills)
    {
        string root = Directory.CreateTempSubdirectory("sslp-self-test-").FullName;
        int seed = Environment.TickCount;
        Shell.Say($"{kills} kills, seed {seed}, in {root}");
        using EngineContext context = ContextOptions.Open(parsed);
        if (new SelfTest(root, kills, seed).Run() is { } difference)
            throw new Fault(FaultKind.Internal,
                $"After {kills} kills the training is another one: {difference} Both are kept in '{root}'.");
        Directory.Delete(root, recursive: true);
        Console.WriteLine(
            $"{kills} kills: losses, bank, labels, weights and optimizer are those of the run that was left alone, to the last bit.");
        return 0;
    }

    /// <summary>What kernels would run on, asked of the driver itself: libtorch for the CPU sees no device.</summary>
    private static string Driver()
    {
        CudaDriver driver = CudaDriver.System;
        if (!driver.TryLoad(out string? reason))
            return reason;
        (int major, int minor) = driver.Version;
        IEnumerable<CudaDeviceInfo> devices = Enumerable.Range(0, driver.DeviceCount).Select(driver.Describe);
        return $"CUDA {major}.{minor}; " + string.Join("; ", devices.Select(device =>
            $"{device.Ordinal}: {device.Name}, compute {device.ComputeMajor}.{device.ComputeMinor}, {device.MemoryBytes >> 30} GiB"));
    }

    private static string CudaKernels(EngineContext context)
    {
        using KernelSet kernels = context.OpenKernels(out string? note, Devices.Select(DeviceKind.Auto));
        return context.KernelsAtFault(kernels) is { } sentence ? throw new Fault(FaultKind.Device, sentence)
            : note ?? "agree with the CPU's on small inputs";
    }

    private static string InstructionSets() =>
        Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported && Fma.IsSupported ? "AVX2 and FMA"
            : "no AVX2: the kernels run their scalar form";
}
