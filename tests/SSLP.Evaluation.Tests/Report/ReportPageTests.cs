using System.Text.RegularExpressions;
using SSLP.Data.Patches;
using SSLP.Engine.Runs;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Report;
using SSLP.Evaluation.Sets;
using SSLP.Evaluation.Tests.Probes;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Evaluation.Tests.Report;

public sealed class ReportPageTests : IDisposable
{
    private static readonly KernelSet Kernels = new(KernelBackend.Cpu, threads: 2);

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-report").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_full_page_has_every_section_and_needs_nothing_from_outside()
    {
        string page = ReportPage.Compose(Full());
        foreach (string heading in new[] { "What the features are worth", "Training", "Spread of the features",
            "What neighbours have in common", "Neighbours", "Feature maps of slides", "Map of patches" })
            Assert.Contains($"<h2>{heading}</h2>", page);
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotContain("<link", page);
        Assert.DoesNotContain("url(", page);
        Assert.All(Regex.Matches(page, "(src|href)=\"([^\"]*)\"").Select(m => m.Groups[2].Value), address =>
            Assert.StartsWith("data:image/", address));
        foreach (string element in new[] { "div", "figure", "svg", "section", "table", "span", "p" })
            Assert.Equal(Regex.Count(page, $"<{element}[ >]"), Regex.Count(page, $"</{element}>"));
    }

    [Fact]
    public void The_methods_own_sets_take_the_place_of_sets_like_them()
    {
        ReportInput input = Full();
        AnchorSets[] sets = [new(0, [1, 2], [30, 31], [60]), new(30, [31], [], [])];
        string page = ReportPage.Compose(
            input with { Sets = new MethodSets(17, input.Patches!, 2, SetStatistics.Of(input.Features!.Patches, sets), sets) });
        Assert.Contains("<h2>The method's sets</h2>", page);
        Assert.Contains("after 17 steps, 2 anchors", page);
        Assert.DoesNotContain("<h2>Neighbours</h2>", page);
        Assert.Contains("<span class=\"note\">none</span>", page);
    }

    [Fact]
    public void A_curve_that_the_method_does_not_have_is_not_drawn()
    {
        string page = ReportPage.Compose(new ReportInput { Title = "self only", Steps = Full().Steps });
        Assert.Contains("Learning rate", page);
        Assert.DoesNotContain("|S|", page);
        Assert.DoesNotContain("intra</span>", page);
    }

    [Fact]
    public void An_empty_run_gives_a_page_with_its_title_and_no_section()
    {
        string page = ReportPage.Compose(new ReportInput { Title = "nothing yet" });
        Assert.Contains("<h1>nothing yet</h1>", page);
        Assert.DoesNotContain("<section", page);
    }

    [Fact]
    public void Names_from_files_cannot_become_markup()
    {
        const string hostile = "<img src=x onerror=alert(1)>";
        ReportInput input = Full();
        FeatureTable features = Rename(input.Features!, hostile);
        string page = ReportPage.Compose(input with
        {
            Title = hostile,
            Facts = [new(hostile, hostile)],
            Features = features,
            Spread = [new(hostile, features.Spread())],
            Probes = [.. input.Probes.Select(p => p with { Features = hostile, Setting = hostile })],
            ContactSheets = [Path.Combine(_folder, "<b>.png")],
        });
        Assert.DoesNotContain("<img src=x", page);
        Assert.DoesNotContain("<b>.png", page);
        Assert.Contains("&lt;img src=x onerror=alert(1)&gt;", page);
    }

    [Fact]
    public void A_patch_that_does_not_read_leaves_a_gap_and_not_an_error()
    {
        ReportInput input = Full();
        string page = ReportPage.Compose(input with { Patches = new Stripes(input.Features!.Patches, broken: true) });
        Assert.Contains("does not read", page);
    }

    [Fact]
    public void The_file_is_what_was_composed()
    {
        string path = Path.Combine(_folder, "run", "report.html");
        ReportInput input = new() { Title = "µm" };
        ReportPage.Write(path, input);
        Assert.Equal(ReportPage.Compose(input), File.ReadAllText(path));
    }

    [Fact]
    public void A_richer_page_is_kept_beside_a_poorer_one_and_said()
    {
        string path = Path.Combine(_folder, "report.html");
        ReportInput full = Full(), curves = full with { Features = null, Patches = null, Probes = [], Spread = [], Neighbours = [] };
        Assert.Null(ReportPage.Write(path, curves));
        Assert.Null(ReportPage.Write(path, full));
        string rich = File.ReadAllText(path);
        foreach (int time in (int[])[1, 2])
        {
            string kept = Path.Combine(_folder, $"report-{time}.html"), said = ReportPage.Write(path, curves)!;
            Assert.Contains($"kept as '{kept}'", said);
            Assert.Contains("Feature maps of slides", said);
            Assert.DoesNotContain("Training", said);
            Assert.Equal(rich, File.ReadAllText(kept));
            Assert.Equal(ReportPage.Compose(curves), File.ReadAllText(path));
            Assert.Null(ReportPage.Write(path, curves));
            ReportPage.Write(path, full);
        }
    }

    [Fact]
    public void A_long_curve_keeps_its_mean_and_its_extremes()
    {
        double[] x = [.. Enumerable.Range(1, 10_007).Select(i => (double)i)], y = [.. x.Select(v => v == 5_000 ? 900 : Math.Sin(v))];
        List<(double X, double Mean, double Low, double High)> points = LineChart.Stretches(x, y);
        Assert.InRange(points.Count, 100, 400);
        Assert.Equal(900, points.Max(p => p.High));
        Assert.Equal(y.Min(), points.Min(p => p.Low));
        Assert.All(points, p => Assert.True(p.Low <= p.Mean && p.Mean <= p.High));
    }

    [Theory]
    [InlineData(new double[] { 1, double.NaN, double.PositiveInfinity, 3 })]
    [InlineData(new double[] { 2, 2, 2, 2 })]
    [InlineData(new double[] { 0, 0, 0, 0 })]
    [InlineData(new double[] { 1e-9, 2e-9, -1e-9, 0 })]
    [InlineData(new double[] { 1e9, 2e9, 3.3e9, -4e9 })]
    public void A_chart_of_awkward_numbers_has_finite_coordinates(double[] values)
    {
        string svg = LineChart.Draw("t", [1, 2, 3, 4], [new("a", values), new("b", [double.NaN, double.NaN, double.NaN, double.NaN])]);
        Assert.DoesNotContain("NaN", svg);
        Assert.DoesNotContain("∞", svg);
        Assert.Contains("<polyline", svg);
    }

    [Fact]
    public void A_chart_of_nothing_says_so() => Assert.Contains("Fewer than two", LineChart.Draw("t", [1], [new("a", [1])]));

    private static ReportInput Full()
    {
        FeatureTable features = TissueLikeFeatures.Make(9, 24, 6, 3, seed: 3);
        ProbeTask task = new(features, ProbeSplit.Of(features.Patches));
        return new ReportInput
        {
            Title = "a run",
            Facts = [new("seed", "3")],
            Steps = [.. Enumerable.Range(1, 40)
                .Select(i => new StepMetrics { Step = i, Epoch = i / 10.0, Loss = 10.0 / i, Self = 5.0 / i, Lr = 0.1,
                PatchesPerSecond = 200 + i, DataWait = 0.01 })],
            Probes = KnnProbe.Run(task, Kernels, [5, 20]),
            Spread = [new("tissue-like", features.Spread())],
            Neighbours = [new("tissue-like", NeighbourStatistics.Of(features, Kernels))],
            Features = features,
            Patches = new Stripes(features.Patches, broken: false),
            Queries = 3,
            Slides = 2,
        };
    }

    private static FeatureTable Rename(FeatureTable features, string name)
    {
        PatchTable p = features.Patches;
        PatchTable renamed = new(
            [.. p.Slides.Select((_, i) => name + i)], p.SlideOf.ToArray(), p.Col.ToArray(), p.Row.ToArray(),
            new CategoryColumn([.. p.Classes!.Select((_, i) => name + i)], p.LabelOf.ToArray()));
        return new FeatureTable(renamed, features.Values, features.Width, name);
    }

    private sealed class Stripes(PatchTable table, bool broken) : IPatchSource
    {
        public PatchTable Table => table;

        public int PatchSize => 16;

        public double? Mpp => null;

        public string Describe => "stripes";

        public void Read(int patch, Span<byte> rgb)
        {
            if (broken && patch % 2 == 0)
                throw new PatchReadException(patch, table.SlideName(patch), "made so");
            for (int i = 0; i < rgb.Length; i++)
                rgb[i] = (byte)(i * (patch + 1));
        }

        public void Dispose()
        {
        }
    }
}
