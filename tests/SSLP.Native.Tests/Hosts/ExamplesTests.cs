using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Native.Tests.Hosts;

/// <summary>The examples, built as their users are told to, run on slides.</summary>
public sealed class ExamplesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-examples").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Search_runs_under_valgrind_with_no_invalid_access()
    {
        Tool.SkipUnless("gcc", "gcc");
        Tool.SkipUnless("valgrind", "valgrind");
        string program = Path.Combine(_folder, "search"), library = Path.Combine(_folder, "libsslp-data.so");
        // Apart from its debug symbols, of a DWARF that valgrind's reader gives up at.
        File.Copy(PublishedLibrary.Data, library);
        Tool.Compile("gcc", Repository.Example("search.c"), program, "-std=c99", library, "-lm",
            $"-Wl,-rpath,{Path.GetDirectoryName(library)}");
        Ended ended = Tool.Run(ValgrindRuns.Environment, "valgrind", [.. ValgrindRuns.Arguments, program, Slides(), "128", "0.5"]);
        Assert.Contains("1. ", ended.Succeeded(), StringComparison.Ordinal);
        Assert.Contains("patches lie beside patch 0", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_cpp_wrapper_runs_under_the_address_sanitizer()
    {
        Tool.SkipUnless("g++", "g++");
        string program = Path.Combine(_folder, "spread"), library = PublishedLibrary.Data;
        Tool.Compile("g++", Repository.Example("spread.cpp"), program, "-std=c++17", "-fsanitize=address", library,
            $"-Wl,-rpath,{Path.GetDirectoryName(library)}");
        // A GC's reserved address space and its threads' stacks are no leaks; what is wrong with an access still ends the program.
        Ended ended = Tool.Run(new Dictionary<string, string> { ["ASAN_OPTIONS"] = "detect_leaks=0" }, program, Slides());
        Assert.Contains("refused as it should be: ", ended.Succeeded(), StringComparison.Ordinal);
    }

    /// <summary>The stand-in for the driver computes nothing: the losses are 0, and every call is one that a card would be asked.</summary>
    [Fact]
    public void A_step_on_the_device_runs_in_the_order_of_the_hosts_stream()
    {
        Tool.SkipUnless("g++", "g++");
        string program = Path.Combine(_folder, "device"), library = PublishedLibrary.Data, driver = StandIn.Folder(_folder);
        Tool.Compile("g++", Repository.Example("device.cpp"), program, "-std=c++17", "-fsanitize=address", library,
            Path.Combine(driver, "libcuda.so.1"), $"-Wl,-rpath,{Path.GetDirectoryName(library)}:{driver}");
        Ended ended = Tool.Run(new Dictionary<string, string> { ["ASAN_OPTIONS"] = "detect_leaks=0" }, program);
        Assert.Contains("step 2: loss 0.0000", ended.Succeeded(), StringComparison.Ordinal);
        Assert.Contains("refused as it should be: features is no device memory", ended.Output, StringComparison.Ordinal);
    }

    private string Slides()
    {
        string slides = Directory.CreateDirectory(Path.Combine(_folder, "slides")).FullName;
        TestSlides.Stained(Path.Combine(slides, "one.tif"), 1200, 200, 200, 800, 700);
        TestSlides.Stained(Path.Combine(slides, "two.tif"), 1000, 100, 150, 700, 700);
        return slides;
    }
}

/// <summary>How a program that holds a .NET garbage collector is run under valgrind.</summary>
internal static class ValgrindRuns
{
    /// <summary>An invalid access ends with code 9. Values that were never written are not looked for: the collector scans stacks that hold
    /// some.</summary>
    public static string[] Arguments =>
        ["--error-exitcode=9", "--undef-value-errors=no", "--quiet", $"--suppressions={Repository.Example("valgrind.supp")}"];

    /// <summary>The collector reserves 256 GiB of address space by default, more than valgrind has.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string,
        string>
    { ["DOTNET_GCHeapHardLimit"] = "0x20000000" };
}
