using System.CommandLine;
using SSLP.Engine.Tiling;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp tile</c>: tissue mask and patch grid of many slides, one manifest.</summary>
internal static class TileVerb
{
    public static Command Create()
    {
        var slides = new Option<string>("--slides") { Description = "folder of slides, or one slide", HelpName = "DIR", Required = true };
        var outFile = Inputs.Out("the manifest; contact sheets go to a folder beside it");
        var arguments = new TilingArguments();
        var command = new Command("tile", "Find the tissue of every slide and lay the patch grid over it.") { slides, outFile };
        arguments.AddTo(command);
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(outFile), sheets = Path.ChangeExtension(path, null) + "-sheets";
            TilingOptions options = arguments.Read(parsed, new PatchScale(256, 0.5)) with { ContactSheetFolder = sheets };
            using TileManifest manifest = SourceOptions.TileSlides(parsed.GetRequiredValue(slides), options);
            manifest.Save(path);
            Shell.Say($"{manifest.Table.Count:N0} patches on {manifest.Slides.Count} slides: {path}; contact sheets: {sheets}");
            return 0;
        });
        return command;
    }
}
