using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Tiling;
using SSLP.Data.Tissue;
using SSLP.Engine.Options;

namespace SSLP.Cli.Verbs;

/// <summary>How slides are cut: shared by sslp tile and every verb that takes --slides.</summary>
internal sealed class TilingArguments
{
    private readonly KeyFlag _patch = new("patch", "PX");
    private readonly KeyFlag _mpp = new("mpp", "UM");
    private readonly Option<double?> _assumeMpp =
        new("--assume-mpp") { Description = "micrometres per pixel of slides that do not say theirs", HelpName = "UM" };
    private readonly Option<bool> _upsample = new("--upsample") { Description = "take slides that are coarser than --mpp" };
    private readonly Option<double> _tissue = new("--min-tissue")
    {
        Description = "least share of tissue in a patch",
        HelpName = "SHARE",
        DefaultValueFactory = _ => new TilingOptions().MinTissue,
    };

    private readonly KeyFlag _method = new("tissue", OptionTable.Of("tissue").Takes.Replace(" ", "", StringComparison.Ordinal));
    private readonly KeyFlag _threshold = new("tissue_threshold", "LEVEL", "; sslp audit says which was chosen");

    private readonly Option<string?> _regions = new("--regions")
    {
        Description =
            "folder of region files called as the slides, QuPath's GeoJSON (also .json, .zip, .gz) or ASAP's XML: cut only inside their " +
            "areas, and outside "
            + "those classed Ignore*; a slide without a file is left out",
        HelpName = "DIR",
    };

    private readonly Option<bool> _regionsOptional =
        new("--regions-optional") { Description = "with --regions: take slides that have no region file whole" };

    private readonly Option<RegionOrigin> _origin = new("--region-origin")
    {
        Description =
            "where GeoJSON counts from on slides with bounds inside of their canvas: from there, as QuPath does, or from the slide's " +
            "corner",
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
        System.CommandLine.Option[] all = [_patch.Flag, _mpp.Flag, _assumeMpp, _upsample, _tissue, _method.Flag, _threshold.Flag];
        foreach (System.CommandLine.Option option in all)
            command.Add(option);
    }

    /// <summary>--mpp as it was given, or null.</summary>
    public double? GivenMpp(ParseResult parsed) => _mpp.Read(parsed)?.Mpp;

    /// <param name="parsed">The command line.</param>
    /// <param name="scale">What holds where --patch and --mpp are not given.</param>
    public TilingOptions Read(ParseResult parsed, PatchScale scale) => new()
    {
        PatchSize = _patch.Read(parsed)?.Patch ?? scale.Patch,
        Mpp = GivenMpp(parsed) ?? scale.Mpp
            ?? throw new Fault(FaultKind.Usage, "The encoder does not say at how many micrometres per pixel it was trained: give --mpp."),
        AssumeMpp = parsed.GetValue(_assumeMpp),
        Upsample = parsed.GetValue(_upsample),
        MinTissue = parsed.GetValue(_tissue),
        Tissue = TissueOf(parsed, scale.Tissue ?? new()),
        RegionsFolder = parsed.GetValue(_regions),
        RegionsOptional = parsed.GetValue(_regionsOptional) && parsed.GetValue(_regions) is null
            ? throw new Fault(FaultKind.Usage, "--regions-optional goes with --regions: it takes slides whole that have no file there.")
            : parsed.GetValue(_regionsOptional),
        RegionOrigin = parsed.GetValue(_origin),
    };

    /// <summary>Refuses what says where new patches are cut, on a command line whose patches' places are known already.</summary>
    /// <exception cref="Fault">--regions was given.</exception>
    public void RefuseRegions(ParseResult parsed, string patches)
    {
        if (parsed.GetValue(_regions) is not null || parsed.GetValue(_regionsOptional))
            throw new Fault(FaultKind.Usage,
                $"--regions says where slides are cut, and {patches} says that already: give --regions to sslp tile, or name the slides " +
                $"with --slides alone.");
    }

    /// <summary>--tissue and --tissue-threshold as keys of a run, so that the run's record has them.</summary>
    public IEnumerable<string> KeysOf(ParseResult parsed) =>
        from setting in new[] { _method.Given(parsed), _threshold.Given(parsed) }
        where setting is not null
        select $"{setting.Key}={setting.Value}";

    private TissueOptions TissueOf(ParseResult parsed, TissueOptions otherwise) => otherwise with
    {
        Method = _method.Read(parsed)?.Tissue ?? otherwise.Method,
        Threshold = _threshold.Read(parsed) is { } given ? given.TissueThreshold : otherwise.Threshold,
    };
}
