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
        Description = "folder of region files called as the slides, QuPath's GeoJSON (also .json, .zip, .gz) or ASAP's XML: cut only inside their areas, and outside "
            + "those classed Ignore*; a slide without a file is left out",
        HelpName = "DIR",
    };

    private readonly Option<bool> _regionsOptional = new("--regions-optional") { Description = "with --regions: take slides that have no region file whole" };

    private readonly Option<RegionOrigin> _origin = new("--region-origin")
    {
        Description = "where GeoJSON counts from on slides with bounds inside of their canvas: from there, as QuPath does, or from the slide's corner",
        HelpName = "qupath|slide",
    };

    public void AddTo(Command command)
    {
        AddWithoutRegionsTo(command);
        foreach (System.CommandLine.Option option in (System.CommandLine.Option[])[_regions, _regionsOptional, _origin])
            command.Add(option);
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
        RegionsOptional = parsed.GetValue(_regionsOptional),
        RegionOrigin = parsed.GetValue(_origin),
    };

    /// <summary>Refuses what says where new patches are cut, on a command line whose patches' places are known already.</summary>
    /// <exception cref="Fault">--regions was given.</exception>
    public void RefuseRegions(ParseResult parsed, string patches)
    {
        if (parsed.GetValue(_regions) is not null)
            throw new Fault(FaultKind.Usage, $"--regions says where slides are cut, and {patches} says that already: give --regions to sslp tile, or name the slides with --slides alone.");
    }

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
