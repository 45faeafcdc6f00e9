using System.CommandLine;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;

namespace SSLP.Cli.Verbs;

/// <summary>--anonymise KEY: what a verb writes and says names slides by <see cref="Pseudonyms"/>.</summary>
internal sealed class Anonymity
{
    private readonly Option<string?> _key = new("--anonymise")
    {
        Description =
            "name slides and patients by hashes under the key in this file, which is made where it is not there: keep it, and give it to " +
            "nobody",
        HelpName = "KEY",
    };

    private Pseudonyms? _names;

    public void AddTo(Command command) => command.Add(_key);

    public bool IsAsked(ParseResult parsed) => parsed.GetValue(_key) is not null;

    /// <summary>Hides the names of slides in all that is said from here on, where that is asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="slides">Folder, file or list of slides, or null.</param>
    /// <param name="tiles">Manifest, or null.</param>
    public void Begin(ParseResult parsed, string? slides, string? tiles)
    {
        if (parsed.GetValue(_key) is not { } key)
            return;
        _names = Pseudonyms.Open(key);
        if (_names.IsNew)
            Shell.Say($"a key was made in {key}: keep it, since the same slides get the same names by it alone, and let it go out with " +
                $"nothing");
        Shell.Conceal(_names.In);
        if (slides is not null)
            foreach (SlideFile slide in SlideListing.List(slides))
                _names.Know(slide.Name);
        if (tiles is not null && File.Exists(tiles))
        {
            using var manifest = TileManifest.Open(tiles);
            foreach (ManifestSlide slide in manifest.Slides)
                _names.Know(slide.Name);
        }
    }

    /// <summary>The same patches, of slides that go by hashes where that is asked for; owns nothing.</summary>
    public IPatchSource Of(IPatchSource source) => _names is null ? source : new AnonymousPatches(source, _names);

    /// <summary>Contact sheets, which have the names of slides, get their hashes.</summary>
    public void Rename(string folder, IReadOnlyList<SlideFile> slides)
    {
        if (_names is null || !Directory.Exists(folder))
            return;
        string[] sheets = SlideOutputNames.Flat([.. slides.Select(slide => slide.Name)]);
        for (int i = 0; i < sheets.Length; i++)
            if (Path.Combine(folder, sheets[i] + ".png") is var sheet && File.Exists(sheet))
                File.Move(sheet, Path.Combine(folder, _names.OfSlide(slides[i].Name) + ".png"), overwrite: true);
    }
}
