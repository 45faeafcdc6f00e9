using System.CommandLine;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Interop.Slides;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp tile</c>: tissue mask and patch grid of many slides, one manifest.</summary>
internal static class TileVerb
{
    public static Command Create()
    {
        var slides = new Option<string>("--slides") { Description = Inputs.SlidesMeaning, HelpName = "SLIDES", Required = true };
        Option<string> outFile = Inputs.Out("the manifest; contact sheets go to a folder beside it");
        var coordinates = new Option<string?>(
            "--coordinates")
        {
            Description = "also write the patches' places as CLAM and TRIDENT read them, an HDF5 a slide",
            HelpName = "DIR"
        };
        var pixels = new Option<string?>("--pixels")
        {
            Description = "also write the patches as images with patches.csv",
            HelpName = "DIR"
        };
        var format = new Option<PatchFormat>("--pixels-format")
        {
            Description = "png keeps every bit; jpeg is quality 95, full chroma",
            HelpName = "png|jpeg"
        };
        var splits = new Option<string?>("--splits")
        {
            Description = "CSV of slide,split, a set's official lists: the manifest keeps them, and pretrain and probe go by them",
            HelpName = "CSV",
        };
        Option<string?> patients = Inputs.Patients();
        var arguments = new TilingArguments();
        var annotations = new AnnotationArguments();
        var command = new Command("tile", "Find the tissue of every slide and lay the patch grid over it.")
        {
            slides, outFile, coordinates, pixels, format, splits, patients,
        };
        arguments.AddTo(command);
        annotations.AddTo(command);
        command.SetAction(parsed =>
        {
            string path = Outputs.RequireFile(parsed.GetRequiredValue(outFile), "--out");
            string sheets = Path.ChangeExtension(path, null) + "-sheets";
            TilingOptions options = annotations.Read(parsed, arguments.Read(parsed, new PatchScale(256, 0.5))) with
            {
                ContactSheetFolder = sheets,
                Splits = parsed.GetValue(splits) is { } split ? SplitList.Read(split) : null,
                Patients = parsed.GetValue(patients) is { } patient ? PatientList.Read(patient) : null,
            };
            if (parsed.GetValue(coordinates) is { } places)
                Outputs.RequireFolder(places, "--coordinates");
            if (parsed.GetValue(pixels) is { } cut)
                Outputs.RequireFolder(cut, "--pixels");
            using SlideRuntime runtime = ContextOptions.OpenSlides(parsed);
            using TileManifest manifest = SourceOptions.TileSlides(parsed.GetRequiredValue(slides), options, runtime);
            // A list that fits no slide is a fault before the manifest is there.
            if (options.Splits is { } list)
                Shell.Say(list.Describe(manifest.Table.Slides));
            if (options.Patients is { } persons)
                Shell.Say(persons.Apply(manifest.Table).Said);
            manifest.Save(path);
            if (parsed.GetValue(coordinates) is { } folder)
                CoordinateFiles.Write(folder, manifest);
            if (parsed.GetValue(pixels) is { } images)
                WritePixels(images, parsed.GetValue(format), manifest, runtime);
            if (options.AnnotationsFolder is not null)
                Shell.Say(LabelLine(manifest));
            Shell.Say($"{manifest.Table.Count:N0} patches on {manifest.Slides.Count} slides: {path}; contact sheets: {sheets}");
            return 0;
        });
        return command;
    }

    /// <summary>"1,204 patches are tumor, 9,330 normal; 88 have no class".</summary>
    private static string LabelLine(TileManifest manifest)
    {
        if (manifest.Table.Classes is not { } classes)
            return "no annotation gave any patch a class";
        int[] counts = new int[classes.Count];
        int none = 0;
        foreach (int label in manifest.Table.LabelOf)
            if (label >= 0)
                counts[label]++;
            else
                none++;
        return $"classes: {string.Join(", ", classes.Select((name, i) => $"{counts[i]:N0} patches {name}"))}; {none:N0} have none";
    }

    private static void WritePixels(string folder, PatchFormat format, TileManifest manifest, SlideRuntime runtime)
    {
        using var patches = SlidePatches.FromManifest(manifest, runtime: runtime);
        foreach (PatchReadException fault in PatchExport.Write(patches, folder, format, new CountLine("patches", patches.Table.Count),
            Shell.Stop, manifest.LabelShares.ToArray()))
            Shell.Warn(fault.Message);
    }
}
