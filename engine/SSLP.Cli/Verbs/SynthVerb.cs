using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Synth;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp synth</c>: synthetic slides with true tissue classes.</summary>
internal static class SynthVerb
{
    public static Command Create()
    {
        var defaults = new SynthOptions();
        Option<string> outFolder = Inputs.Out("folder for the slides and labels.csv");
        var slides = new Option<int>("--slides") { Description = "how many", HelpName = "N", DefaultValueFactory = _ => defaults.Slides };
        var seed = new Option<ulong>("--seed")
        {
            Description = "every pixel is a function of it",
            HelpName = "S",
            DefaultValueFactory = _ =>
            defaults.Seed
        };
        var size = new Option<int>("--size")
        {
            Description = "side of a slide, px",
            HelpName = "PX",
            DefaultValueFactory = _ =>
            defaults.Size
        };
        var patch = new Option<int>("--patch")
        {
            Description = "side of the patches that are labelled, px",
            HelpName = "PX",
            DefaultValueFactory = _ => defaults.PatchSize
        };
        var mpp = new Option<double>("--mpp")
        {
            Description = "their micrometres per pixel",
            HelpName = "UM",
            DefaultValueFactory = _ =>
            defaults.Mpp
        };
        var format = new Option<SynthFormat>(
            "--format")
        {
            Description = "a TIFF pyramid with JPEG tiles, or as Philips' or (JPEG 2000 tiles) Aperio's scanners write",
            HelpName = "tiff|philips|jpeg2000",
            DefaultValueFactory = _ => defaults.Format
        };
        var command = new Command("synth", "Make H&E-like slides whose tissue classes are known.") { outFolder, slides, seed, size, patch,
            mpp, format };
        command.SetAction(parsed =>
        {
            var options = new SynthOptions
            {
                Slides = parsed.GetValue(slides),
                Seed = parsed.GetValue(seed),
                Size = parsed.GetValue(size),
                PatchSize = parsed.GetValue(patch),
                Mpp = parsed.GetValue(mpp),
                Format = parsed.GetValue(format),
            };
            string folder = Outputs.RequireFolder(parsed.GetRequiredValue(outFolder), "--out");
            int written = SynthSlides.Write(folder, options, new NameLines(), ContextOptions.Threads(parsed), Shell.Stop).Count;
            Shell.Say($"{Counted.Slides(written)} and {SynthSlides.LabelsName} in {folder}");
            return 0;
        });
        return command;
    }

    /// <summary>A line for every file that is written.</summary>
    internal sealed class NameLines : IProgress<string>
    {
        public void Report(string value) => Shell.Say(value);
    }
}
