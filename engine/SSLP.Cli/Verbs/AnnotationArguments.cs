using System.CommandLine;
using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Tiling;

namespace SSLP.Cli.Verbs;

/// <summary>How sslp tile gives patches classes from what was drawn on the slides.</summary>
internal sealed class AnnotationArguments
{
    private readonly Option<string?> _annotations = new("--annotations")
    {
        Description =
            "folder of annotation files called as the slides: GeoJSON with classes, ASAP's XML (CAMELYON), or a mask TIFF (SLIDE.tif, " +
            "SLIDE_mask.tif)",
        HelpName = "DIR",
    };

    private readonly Option<double?> _share =
        new("--label-share")
        {
            Description = "with --annotations: least share of a patch that its class covers; 0.5 unless given",
            HelpName = "SHARE"
        };

    private readonly Option<string?> _rest = new("--label-rest")
    {
        Description =
            "with --annotations: class of patches that no annotation touches, also on slides without a file; none unless given, but " +
            "normal on CAMELYON's annotated slides",
        HelpName = "NAME",
    };

    private readonly Option<string?> _mask =
        new("--mask-classes")
        {
            Description = "with --annotations: names of a mask's values; the value itself unless given",
            HelpName = "1=normal,2=tumor"
        };

    public void AddTo(Command command)
    {
        foreach (System.CommandLine.Option option in (System.CommandLine.Option[])[_annotations, _share, _rest, _mask])
            command.Add(option);
    }

    /// <exception cref="Fault">One of the others without --annotations, or a value that means nothing.</exception>
    public TilingOptions Read(ParseResult parsed, TilingOptions options)
    {
        bool given = parsed.GetValue(_share) is not null || parsed.GetValue(_rest) is not null || parsed.GetValue(_mask) is not null;
        if (parsed.GetValue(_annotations) is not { } folder)
            return !given ? options : throw new Fault(
                FaultKind.Usage, "--label-share, --label-rest and --mask-classes go with --annotations.");
        return options with
        {
            AnnotationsFolder = folder,
            LabelShare = parsed.GetValue(_share) ?? options.LabelShare,
            LabelRest = parsed.GetValue(_rest),
            MaskClasses = parsed.GetValue(_mask) is { } names ? MaskClasses(names) : null,
        };
    }

    private static Dictionary<int, string> MaskClasses(string text)
    {
        var names = new Dictionary<int, string>();
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length != 2 || pair[1].Length == 0
                || !int.TryParse(pair[0], NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value is < 1 or > 255)
                throw new Fault(FaultKind.Usage,
                    $"--mask-classes '{part}': a value of 1 to 255 and its name are wanted, as in 1=normal,2=tumor.");
            names[value] = pair[1];
        }
        return names;
    }
}
