using System.Diagnostics;
using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Hostile;

/// <summary>Slides that go away, and things that only look like slides, while nobody watches.</summary>
public sealed class LostSlidesTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_slide_that_vanishes_in_the_middle_is_named_and_the_others_go_on()
    {
        SlideFile[] slides = [.. "ab".Select(
            name => new SlideFile($"{name}.tif", TestSlides.Stained(_folder.File($"{name}.tif"), 1024, 0, 0, 1024, 1024)))];
        using TileManifest manifest = Tiler.Run(slides, new() { PatchSize = 64 }).Manifest;
        // One handle: what is not in use is closed, and opened again.
        using SlideRuntime one = new(new() { OpenSlides = 1 });
        using var patches = SlidePatches.FromManifest(manifest, runtime: one);
        var reader = new ReplacingReader(patches, 1);
        byte[] rgb = new byte[64 * 64 * 3];
        int first = 0, second = patches.Table.Count - 1;
        Assert.Equal(first, reader.Read(first, 0, rgb));
        Assert.Equal(second, reader.Read(second, 0, rgb));
        File.Delete(slides[0].Path);
        for (int patch = 1; patch < 40; patch++)
        {
            int shown = reader.Read(patch, patch, rgb);
            Assert.Equal("b.tif", patches.Table.SlideName(shown));
            reader.Delivered(patch);
        }
        SlideFaults fault = Assert.Single(reader.Report());
        Assert.Equal("a.tif", fault.Slide);
        Assert.Contains("no such file", fault.FirstReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipe_that_nobody_writes_to_is_no_slide_and_is_not_waited_for()
    {
        string pipe = _folder.File("S1.svs");
        Assert.SkipUnless(OperatingSystem.IsLinux() && Made(pipe), "needs mkfifo (coreutils).");
        Task<SlideException> opening = Task.Run(() => Assert.Throws<SlideException>(() => Slide.Open(pipe)));
        SlideException fault = await opening.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(SlideFault.NotASlide, fault.Fault);
        Assert.Contains("holds no slide", Assert.Throws<Fault>(() => SlideListing.List(_folder.Path)).Message, StringComparison.Ordinal);
    }

    private static bool Made(string pipe)
    {
        try
        {
            using var process = Process.Start("mkfifo", [pipe]);
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
