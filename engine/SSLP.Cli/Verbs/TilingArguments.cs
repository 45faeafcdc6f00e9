using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Tiling;
using SSLP.Data.Tissue;

namespace SSLP.Cli.Verbs;

/// <summary>How slides are cut: shared by sslp tile and every verb that takes --slides.</summary>
internal sealed class TilingArguments
{
    private readonly Option<int?> _patch = new("--patch") { Description = "side of a patch, px", HelpName = "PX" };
    private readonly Option<double?> _mpp = new("--mpp") { Description = "micrometres per pixel of the patches; of --patches: where you know it, since image files do not say it", HelpName = "UM" };
    private readonly Option<double?> _assumeMpp = new("--assume-mpp") { Description = "micrometres per pixel of slides that do not say theirs", HelpName = "UM" };
    private readonly Option<bool> _upsample = new("--upsample") { Description = "take slides that are coarser than --mpp" };
    private readonly Option<double> _tissue = new("--min-tissue")
    {
        Description = "least share of tissue in a patch",
        HelpName = "SHARE",
        DefaultValueFactory = _ => new TilingOptions().MinTissue,
    };

    private readonly Option<TissueMethod?> _method = new("--tissue")
    {
        Description = "how tissue is told from glass: auto (by H&E's colours, by density where they say little), stain, density, or all of what was scanned",
        HelpName = "auto|stain|density|all",
    };

    private readonly Option<int?> _threshold = new("--tissue-threshold")
    {
        Description = "strength of stain or density, 0 to 254, above which is tissue; left out: chosen slide by slide, as sslp audit says",
        HelpName = "LEVEL",
    };

    private readonly Option<string?> _regions = new("--regions")
    {
        Description = "folder of QuPath GeoJSON, SLIDE.geojson: cut only inside its annotations, and outside those classed Ignore*",
        HelpName = "DIR",
    };

    public void AddTo(Command command)
    {
        AddWithoutRegionsTo(command);
        command.Add(_regions);
    }

    /// <summary>For a verb that cuts nothing, and only says what to expect.</summary>
    public void AddWithoutRegionsTo(Command command)
    {
        foreach (System.CommandLine.Option option in (System.CommandLine.Option[])[_patch, _mpp, _assumeMpp, _upsample, _tissue, _method, _threshold])
            command.Add(option);
    }

    /// <summary>--mpp as it was given, or null.</summary>
    public double? GivenMpp(ParseResult parsed) => parsed.GetValue(_mpp);

    /// <param name="parsed">The command line.</param>
    /// <param name="scale">What holds where --patch and --mpp are not given.</param>
    public TilingOptions Read(ParseResult parsed, PatchScale scale) => new()
    {
        PatchSize = parsed.GetValue(_patch) ?? scale.Patch,
        Mpp = parsed.GetValue(_mpp) ?? scale.Mpp
            ?? throw new Fault(FaultKind.Usage, "The encoder does not say at how many micrometres per pixel it was trained: give --mpp."),
        AssumeMpp = parsed.GetValue(_assumeMpp),
        Upsample = parsed.GetValue(_upsample),
        MinTissue = parsed.GetValue(_tissue),
        Tissue = TissueOf(parsed, scale.Tissue ?? new()),
        RegionsFolder = parsed.GetValue(_regions),
    };

    /// <summary>--tissue and --tissue-threshold as keys of a run, so that the run's record has them.</summary>
    public IEnumerable<string> KeysOf(ParseResult parsed)
    {
        if (parsed.GetValue(_method) is { } method)
            yield return $"tissue={method.ToString().ToLowerInvariant()}";
        if (parsed.GetValue(_threshold) is { } threshold)
            yield return $"tissue_threshold={threshold}";
    }

    private TissueOptions TissueOf(ParseResult parsed, TissueOptions otherwise) => otherwise with
    {
        Method = parsed.GetValue(_method) ?? otherwise.Method,
        Threshold = parsed.GetValue(_threshold) ?? otherwise.Threshold,
    };
}
