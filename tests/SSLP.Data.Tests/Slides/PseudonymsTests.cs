using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Slides;

public sealed class PseudonymsTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_key_gives_a_slide_the_same_name_each_time_and_another_key_another()
    {
        Pseudonyms made = Pseudonyms.Open(_folder.File("key")), again = Pseudonyms.Open(_folder.File("key")),
            other = Pseudonyms.Open(_folder.File("other"));
        Assert.True(made.IsNew && !again.IsNew);
        Assert.Matches("^slide-[0-9a-f]{16}$", made.OfSlide("a/S1.svs"));
        Assert.Equal(made.OfSlide("a/S1.svs"), again.OfSlide("a\\S1.svs"));
        Assert.NotEqual(made.OfSlide("a/S1.svs"), other.OfSlide("a/S1.svs"));
        Assert.NotEqual(made.OfSlide("S1"), made.OfPatient("S1").Replace("patient", "slide", StringComparison.Ordinal));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File("key")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("zz45678901234567890123456789012345678901234567890123456789012345")]
    public void A_file_that_is_no_key_is_refused(string text) =>
        Assert.Contains("holds no key", Assert.Throws<Fault>(() => Pseudonyms.Open(_folder.Text("key", text))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("/data/wsi/Meier_1962.svs: is cut short", "# is cut short")]
    [InlineData("Meier_1962.svs: 4 patches", "#: 4 patches")]
    [InlineData("slide Meier_1962, patch 3", "slide #, patch 3")]
    [InlineData("Meier_19625.svs and XMeier_1962.svs are others", "Meier_19625.svs and XMeier_1962.svs are others")]
    public void A_sentence_is_said_without_the_names_that_are_known(string said, string expected)
    {
        var names = Pseudonyms.Open(_folder.File("key"));
        names.Know("wsi/Meier_1962.svs");
        string own = names.OfSlide("wsi/Meier_1962.svs");
        Assert.Equal(expected.Replace("#:", "#", StringComparison.Ordinal), names.In(said).Replace(own + ":", "#", StringComparison.Ordinal)
            .Replace(own, "#", StringComparison.Ordinal));
    }

    [Fact]
    public void Anonymous_patches_have_their_pixels_and_places_and_no_name()
    {
        using var source = new TestPatches(slides: 2, side: 3, bad: [4]);
        var patches = new AnonymousPatches(source, Pseudonyms.Open(_folder.File("key")));
        Assert.All(patches.Table.Slides, name => Assert.StartsWith("slide-", name, StringComparison.Ordinal));
        Assert.Equal(source.Table.Col, patches.Table.Col);
        Assert.Equal(source.Table.SlideOf, patches.Table.SlideOf);
        byte[] own = new byte[8 * 8 * 3], theirs = new byte[own.Length];
        patches.Read(7, own);
        source.Read(7, theirs);
        Assert.Equal(theirs, own);
        Assert.DoesNotContain("slide0", Assert.Throws<PatchReadException>(() => patches.Read(4, own)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain("slide0", patches.Describe, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/home/meier/a/x.png /home/meier/b/y.png", "a/x.png b/y.png")]
    [InlineData("/home/meier/a/x.png", "x.png")]
    [InlineData("/ab/x.png /abc/y.png", "ab/x.png abc/y.png")]
    public void Paths_that_go_out_begin_below_the_folder_that_they_share(string paths, string expected)
    {
        Assert.SkipUnless(Path.DirectorySeparatorChar == '/', "Paths of this system begin with another character.");
        Assert.Equal(expected.Split(' '), SlideOutputNames.Below(paths.Split(' ')));
    }
}
