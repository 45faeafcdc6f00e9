using System.Diagnostics;
using System.Runtime.Versioning;
using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Slides;

public sealed class SlideListingTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Companions_are_passed_over_without_a_word()
    {
        foreach (string name in (string[])["S1.svs", "b/S2.TIF", "._S1.svs", ".DS_Store", ".hidden/S3.svs", "@eaDir/S1.svs",
            "b/@eaDir/S2.TIF/SYNO.tif", "lost+found/x.svs",
            "S4.svs.part", "S4.svs.lock", "S4.tmp", "S4.svs~", "S5.svs.crdownload", "Thumbs.db", "__MACOSX/S1.svs", "notes.txt"])
            _folder.Text(name, "x" + name);
        SlideList slides = SlideListing.List(_folder.Path);
        Assert.Equal(["S1.svs", "b/S2.TIF"], slides.Select(slide => slide.Name));
        Assert.Empty(slides.Notes);
    }

    [Theory]
    [InlineData("*.tif", "a.tif")]
    [InlineData("[ab].*", "a.tif", "b.svs")]
    [InlineData("[!a]*", "[x] y/d.svs", "b.svs", "sub/c.tif")]
    [InlineData("[a-b].tif", "a.tif")]
    [InlineData("sub*/", "sub/c.tif")]
    [InlineData("**/*.tif", "a.tif", "sub/c.tif")]
    [InlineData("[x] y/*.svs", "[x] y/d.svs")]
    public void Patterns_stand_for_what_a_shell_takes_them_for(string pattern, params string[] right)
    {
        foreach (string name in (string[])["a.tif", "b.svs", "sub/c.tif", "[x] y/d.svs", "sub/@eaDir/c.tif/thumb.tif", "~snapshot/a.tif"])
            _folder.Text(name, name);
        SlideList slides = SlideListing.List(At(pattern));
        Assert.Equal(right, slides.Select(slide => Path.GetRelativePath(_folder.Path, slide.Path)));
        Assert.Empty(slides.Notes);
    }

    [Theory]
    [InlineData("[b-a].tif")]
    [InlineData("[c].tif")]
    public void A_pattern_that_stands_for_nothing_is_named(string pattern)
    {
        _folder.Text("a.tif", "a");
        Assert.Contains(pattern, Assert.Throws<Fault>(() => SlideListing.List(At(pattern))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.tif\r\n# none\r\nb.svs # the second\r\n", "a.tif", "b.svs")]
    [InlineData("a.tif\rb.svs\r", "a.tif", "b.svs")]
    [InlineData("sub\\c.tif\n\"a.tif\" # quoted", "a.tif", "c.tif")]
    [InlineData("d #1.tif\n", "d #1.tif")]
    [InlineData("[ab].*\n", "a.tif", "b.svs")]
    [InlineData("a.tif # good?\nb.svs # [checked]\n", "a.tif", "b.svs")]
    [InlineData("*.tif # all\n", "a.tif", "d #1.tif")]
    [InlineData("sub\\*.tif # of [2019]\n", "c.tif")]
    public void Lists_of_other_systems_and_hands(string text, params string[] right)
    {
        foreach (string name in (string[])["a.tif", "b.svs", "sub/c.tif", "d #1.tif"])
            _folder.Text(name, name);
        Assert.Equal(right, SlideListing.List(_folder.Text("list.txt", text)).Select(slide => slide.Name));
    }

    [Theory]
    [InlineData("[x] y/*.svs", "d.svs")]
    [InlineData("[ab]/*.svs", "e.svs")]
    [InlineData("[ab]/[e]*", "e.svs")]
    [InlineData("[a]/*.svs", "f.svs")]
    [InlineData("**/e.svs", "[ab]/e.svs")]
    [InlineData("[!x]/*.svs", "a/f.svs")]
    public void A_folder_that_has_brackets_in_its_name_is_taken_as_it_stands(string pattern, params string[] right)
    {
        foreach (string name in (string[])["[x] y/d.svs", "[ab]/e.svs", "a/f.svs", "[a]/f.svs"])
            _folder.Text(name, name);
        Assert.Equal(right, SlideListing.List(At(pattern)).Select(slide => slide.Name));
        string missing = At("[x] y/missing.svs");
        Assert.Equal($"There is no file or folder {missing}.", Assert.Throws<Fault>(() => SlideListing.List(missing)).Message);
    }

    [Fact]
    public void A_list_in_a_folder_that_has_brackets_in_its_name_names_what_is_missing()
    {
        _folder.Text("[2019] study/a.svs", "a");
        string list = _folder.Text("[2019] study/list.txt", "a.svs\nb.svs # good?\n");
        Assert.Contains("names 1 of 2 slides that are not there (line 2: b.svs",
            Assert.Throws<Fault>(() => SlideListing.List(list)).Message, StringComparison.Ordinal);
        Assert.Equal("a.svs", Assert.Single(SlideListing.List(_folder.Text("[2019] study/all.txt", "*.svs # all\n"))).Name);
    }

    [Fact]
    public void A_list_that_names_a_list_and_a_table_that_is_none_are_called_so()
    {
        _folder.Text("a.tif", "a");
        string list = _folder.Text("list.txt", "a.tif\nlist.txt\n"), table = _folder.Text("slides.csv", "slide\na.tif\n");
        Assert.Contains("names a list in line 2", Assert.Throws<Fault>(() => SlideListing.List(list)).Message, StringComparison.Ordinal);
        Assert.Contains("ends in .txt", Assert.Throws<Fault>(() => SlideListing.List(table)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Blanks_behind_an_ending_and_bytes_that_are_no_text_hide_no_slide()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Windows has no such names.");
        string blank = _folder.Text("a.svs ", "a");
        // The shell, since names of .NET are text.
        using (var made = Process.Start("sh", ["-c", "touch \"$1/$(printf 'b\\377.svs')\"", "sh", _folder.Path]))
            made.WaitForExit();
        SlideList slides = SlideListing.List(_folder.Path);
        // Nor can .NET delete it with the folder.
        using (var gone = Process.Start("sh", ["-c", "rm \"$1\"/b*", "sh", _folder.Path]))
            gone.WaitForExit();
        Assert.Equal(blank, Assert.Single(slides).Path);
        Assert.Contains("no UTF-8", Assert.Single(slides.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_loop_ends_and_one_file_is_taken_once_by_its_own_path()
    {
        _folder.Text("deep/a/S1.svs", "one");
        _folder.Text("deep/b/S2.svs", "two");
        Directory.CreateSymbolicLink(At("a-link"), At("deep/a"));
        Directory.CreateSymbolicLink(At("deep/a/up"), _folder.Path);
        Directory.CreateSymbolicLink(At("deep/self"), At("deep/self"));
        File.CreateSymbolicLink(At("another.svs"), At("deep/b/S2.svs"));
        File.CreateSymbolicLink(At("gone.svs"), At("nowhere.svs"));
        SlideList slides = SlideListing.List(_folder.Path);
        Assert.Equal(["deep/a/S1.svs", "deep/b/S2.svs"], slides.Select(slide => slide.Name));
        Assert.Equal(2, slides.Notes.Count);
        Assert.Contains("1 link to slides leads nowhere: " + At("gone.svs"), slides.Notes[0], StringComparison.Ordinal);
        Assert.Contains("1 path more leads to slides that are listed already", slides.Notes[1], StringComparison.Ordinal);
        Assert.Equal(2, SlideListing.List(_folder.Path, At("deep"), At("deep/a/S1.svs"), At("another.svs")).Count);
    }

    [Fact]
    public void A_pipe_that_is_called_as_a_slide_is_named_and_never_opened()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pipes among files are Linux'.");
        string slide = _folder.Text("slides/a.tif", "a"), pipe = _folder.File("slides/b.tif");
        using (var made = Process.Start("mkfifo", pipe))
            made.WaitForExit();
        SlideList list = SlideListing.List(Path.GetDirectoryName(slide)!);
        Assert.Equal("a.tif", Assert.Single(list).Name);
        Assert.Contains("1 pipe or device called as slides", Assert.Single(list.Notes), StringComparison.Ordinal);
        Assert.Contains("a pipe", Assert.Throws<Fault>(() => SlideListing.List(pipe)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hard_link_is_the_same_slide()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Files are told by their inode on Linux only.");
        _folder.Text("S1.svs", "one");
        using var link = System.Diagnostics.Process.Start("ln", [At("S1.svs"), At("S2.svs")]);
        link.WaitForExit();
        Assert.Equal(["S1.svs"], SlideListing.List(_folder.Path).Select(slide => slide.Name));
    }

    [Fact]
    public void A_folder_behind_a_link_alone_is_walked()
    {
        _folder.Text("elsewhere/S1.svs", "one");
        Directory.CreateDirectory(At("slides"));
        Directory.CreateSymbolicLink(At("slides/batch1"), At("elsewhere"));
        Assert.Equal(["batch1/S1.svs"], SlideListing.List(At("slides")).Select(slide => slide.Name));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void An_unreadable_folder_is_named_and_the_rest_listed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess,
            "Needs a user whom a folder's rights stop, not root.");
        _folder.Text("S1.svs", "one");
        _folder.Text("shut/S2.svs", "two");
        File.SetUnixFileMode(At("shut"), UnixFileMode.None);
        try
        {
            SlideList slides = SlideListing.List(_folder.Path);
            Assert.Equal(["S1.svs"], slides.Select(slide => slide.Name));
            Assert.Contains($"the folder {At("shut")} cannot be read", Assert.Single(slides.Notes), StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(At("shut"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void A_dicom_folder_is_one_slide_and_a_mirax_folder_none()
    {
        foreach (string name in (string[])["case1/0.dcm", "case1/1.dcm", "M1.mrxs", "M1/Slidedat.ini", "M1/thumb.tif", "plain/S1.svs"])
            _folder.Text(name, name);
        Assert.Equal(["M1.mrxs", "case1", "plain/S1.svs"], SlideListing.List(_folder.Path).Select(slide => slide.Name));
        Assert.Equal(["case1"], SlideListing.List(At("case1")).Select(slide => slide.Name));
    }

    [Fact]
    public void Slides_of_one_name_in_several_inputs_go_by_their_folders_too()
    {
        foreach (string name in (string[])["a/x/S1.svs", "b/x/S1.svs", "b/x/S2.svs"])
            _folder.Text(name, name);
        SlideList slides = SlideListing.List(At("a/x"), At("b/x"));
        Assert.Equal(["S2.svs", "a/x/S1.svs", "b/x/S1.svs"], slides.Select(slide => slide.Name));
        Assert.Contains("2 slides share names", Assert.Single(slides.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_a_pattern_and_a_file_name_slides_as_a_folder_does()
    {
        foreach (string name in (string[])["a/S1.svs", "a/S2.tif", "b/c/S3.svs", "b/S4.svs", "b/notes.md"])
            _folder.Text(name, name);
        _folder.Text("list.txt", "\uFEFF# of today\r\na/S1.svs\r\n\r\n\"b/c\"\r\na/S*.tif\r\n");
        Assert.Equal(["S1.svs", "S2.tif", "S3.svs"], Names(At("list.txt")));
        Assert.Equal(["a/S1.svs"], Names(At("a*/S1.*")).Select(name => $"a/{Path.GetFileName(name)}"));
        Assert.Equal(["b/S4.svs", "b/c/S3.svs"], Names(At("b*/**/*.svs")));
        Assert.Equal(["a/S1.svs", "a/S2.tif", "b/S4.svs", "b/c/S3.svs"], Names(At("*")));
        Assert.Equal(["S4.svs"], Names(At("b/S4.svs")));

        string[] Names(string input) => [.. SlideListing.List(input).Select(slide => slide.Name)];
    }

    [Fact]
    public void What_is_not_there_is_one_sentence()
    {
        _folder.Text("list.txt", "S1.svs\nS2.svs\n");
        _folder.Text("empty.txt", "# nothing\n");
        File.WriteAllBytes(At("bytes.txt"), [0xFF, 0xFE, 0x00, 0xC3]);
        Assert.Contains("names 2 of 2 slides that are not there (line 1: S1.svs; line 2: S2.svs)", Fault(At("list.txt")),
            StringComparison.Ordinal);
        Assert.Contains("lists no slide", Fault(At("empty.txt")), StringComparison.Ordinal);
        Assert.Contains("is no text in UTF-8", Fault(At("bytes.txt")), StringComparison.Ordinal);
        Assert.Contains("No slide matches", Fault(At("*.svs")), StringComparison.Ordinal);

        static string Fault(string input) => Assert.Throws<Fault>(() => SlideListing.List(input)).Message;
    }

    [Fact]
    public void Files_written_for_slides_get_distinct_names_and_old_ones_where_nothing_is_shared()
    {
        Assert.Equal(["S1", "a/S1", "S2"], SlideOutputNames.Stems(["S1.svs", "a/S1.svs", "S2.tif"]));
        Assert.Equal(["S1.svs", "S1.tif", "S2"], SlideOutputNames.Stems(["S1.svs", "S1.tif", "S2.tif"]));
        Assert.Equal(["a_S1.svs", "b_S1.svs"], SlideOutputNames.Flat(["a/S1.svs", "b/S1.svs"]));
        string[] shared = SlideOutputNames.Flat(["a/S1.svs", "a_S1.svs"]);
        Assert.Equal("a_S1.svs", shared[1]);
        Assert.Matches("^a_S1\\.svs-[0-9a-f]{8}$", shared[0]);
        Assert.Equal(shared[0], SlideOutputNames.Flat(["a/S1.svs", "x.svs", "a_S1.svs"])[0]);
    }

    private string At(string name) => Path.Combine(_folder.Path, name);
}
