using System.CommandLine;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp tile</c>: tissue mask and patch grid of many slides, one manifest.</summary>
internal static class TileVerb
{
    public static Command Create()
    {
        var slides = new Option<string>("--slides") { Description = Inputs.SlidesMeaning, HelpName = "SLIDES", Required = true };
        var outFile = Inputs.Out("the manifest; contact sheets go to a folder beside it");
        var coordinates = new Option<string?>("--coordinates") { Description = "also write the patches' places as CLAM and TRIDENT read them, an HDF5 a slide", HelpName = "DIR" };
        var pixels = new Option<string?>("--pixels") { Description = "also write the patches as images with patches.csv", HelpName = "DIR" };
        var format = new Option<PatchFormat>("--pixels-format") { Description = "png keeps every bit; jpeg is quality 95, full chroma", HelpName = "png|jpeg" };
        var arguments = new TilingArguments();
        var command = new Command("tile", "Find the tissue of every slide and lay the patch grid over it.") { slides, outFile, coordinates, pixels, format };
        arguments.AddTo(command);
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(outFile), sheets = Path.ChangeExtension(path, null) + "-sheets";
            TilingOptions options = arguments.Read(parsed, new PatchScale(256, 0.5)) with { ContactSheetFolder = sheets };
            using TileManifest manifest = SourceOptions.TileSlides(parsed.GetRequiredValue(slides), options);
            manifest.Save(path);
            if (parsed.GetValue(coordinates) is { } folder)
                CoordinateFiles.Write(folder, manifest);
            if (parsed.GetValue(pixels) is { } images)
                WritePixels(images, parsed.GetValue(format), manifest);
            Shell.Say($"{manifest.Table.Count:N0} patches on {manifest.Slides.Count} slides: {path}; contact sheets: {sheets}");
            return 0;
        });
        return command;
    }

    private static void WritePixels(string folder, PatchFormat format, TileManifest manifest)
    {
        using SlidePatches patches = SlidePatches.FromManifest(manifest);
        foreach (PatchReadException fault in PatchExport.Write(patches, folder, format, new CountLine("patches", patches.Table.Count), Shell.Stop))
            Shell.Warn(fault.Message);
    }
}
