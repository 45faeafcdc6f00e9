using System.CommandLine;

namespace SSLP.Cli.Verbs;

/// <summary>Options that several verbs share, worded once.</summary>
internal static class Inputs
{
    public static Option<string?> PatchesFolder() =>
        new("--patches")
        {
            Description = "folder of patches that are already cut (with patches.csv, or coordinates in the names)",
            HelpName = "DIR"
        };

    public static Option<string?> SlidesFolder() => new("--slides") { Description = SlidesMeaning, HelpName = "SLIDES" };

    public const string SlidesMeaning =
        "slides: a folder, a file, a pattern ('/data/*/*.svs', in quotes), or a text file (.txt, .lst) that lists such, one a line";

    public static Option<string?> Patients() =>
        new("--patients") { Description = "CSV of slide,patient: splits and intervals keep a patient's slides together", HelpName = "CSV" };

    public static Option<bool> SplitPatches() =>
        new("--split-patches") { Description = "where nothing says slides, draw a split of single patches all the same" };

    public static Option<bool> SharedPatients() =>
        new("--shared-patients") { Description = "judge although a patient is on both sides of the split; the record says so" };

    public static Option<string> Out(string what) => new("--out") { Description = what, HelpName = "PATH", Required = true };

    public static Option<string> EncoderFile() =>
        new("--encoder") { Description = "encoder.safetensors of a run", HelpName = "FILE", Required = true };

    public static Option<bool> AllowMismatch() =>
        new("--allow-mismatch") { Description = "use the encoder although its training differs from this use" };

    public static Option<bool> Json() => new("--json") { Description = "one JSON object on standard output" };
}
