using System.Globalization;
using SSLP.Data.Files;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Engine.Tests.Options;

public sealed class OptionTableTests
{
    [Fact]
    public void Every_default_reads_back_as_itself()
    {
        var defaults = new TrainingOptions();
        foreach (Option option in OptionTable.All)
            Assert.Equal(defaults, option.Set(defaults, option.Get(defaults)));
    }

    [Fact]
    public void Every_key_is_snake_case_once()
    {
        Assert.All(OptionTable.All, o => Assert.Matches("^[a-z][a-z0-9]*(_[a-z0-9]+)*$", o.Key));
        Assert.Equal(OptionTable.All.Count, OptionTable.All.Select(o => o.Key).Distinct().Count());
    }

    [Fact]
    public void Scripts_find_the_keys_they_rely_on() =>
        Assert.Superset(
            new HashSet<string> { "epochs", "max_steps", "batch_size", "arch", "input_size", "patch", "mpp", "seed", "method",
                "threads", "device" },
            OptionTable.All.Select(o => o.Key).ToHashSet());

    [Theory]
    [InlineData("epoch", "3", "'epochs'")]
    [InlineData("temprature", "0.1", "'temperature'")]
    [InlineData("epochs", "many", "a whole number from 1 to 2147483647")]
    [InlineData("epochs", "0", "a whole number from 1 to 2147483647")]
    [InlineData("arch", "resnet34", "resnet18 | resnet50")]
    [InlineData("temperature", "NaN", "a number from 0.001 to 10")]
    [InlineData("balance_slides", "yes", "true or false")]
    public void A_wrong_key_or_value_is_answered_with_what_is_right(string key, string value, string hint)
    {
        Fault fault = Assert.Throws<Fault>(() => OptionTable.Set(new TrainingOptions(), key, value, "--set"));
        Assert.Contains(hint, fault.Message, StringComparison.Ordinal);
        Assert.Equal(FaultKind.Usage, fault.Kind);
    }

    [Fact]
    public void Differences_name_key_before_and_now_and_spare_what_changes_nothing()
    {
        var before = new TrainingOptions();
        TrainingOptions now = before with { Temperature = 0.1, Threads = 7, Augment = before.Augment with { Hue = 0.1f } };
        Assert.Equal(["temperature: 0.07 → 0.1", "augment: sslp → custom", "hue: 0.4 → 0.1"], OptionTable.Differences(before, now));
    }

    [Fact]
    public void A_method_brings_its_own_defaults_wherever_it_is_named()
    {
        TrainingOptions options = RunConfig.Read([], null, ["learning_rate=0.5", "method=mocov2"], []);
        Assert.Equal((MethodKind.MoCoV2, 0.5, 0.2), (options.Method, options.LearningRate, options.Temperature));
        Assert.Equal(AugmentOptions.MoCoV2, options.Augment);
    }

    [Fact]
    public void Yaml_names_the_line_of_a_fault()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "epochs: 3\nbatch_sise: 8\n");
        Fault fault = Assert.Throws<Fault>(() => RunConfig.Read([], path, [], []));
        Assert.Contains("line 2", fault.Message, StringComparison.Ordinal);
        Assert.Contains("'batch_size'", fault.Message, StringComparison.Ordinal);
        File.WriteAllText(path, "epochs: 3\nbatch_size: 8\n");
        Assert.Equal(
            (3, 16), (RunConfig.Read([], path, ["batch_size=16"], []).Epochs, RunConfig.Read([], path, ["batch_size=16"], []).BatchSize));
        File.Delete(path);
    }

    [Theory]
    [InlineData(681_486, 4096, 4096, 1000)]
    [InlineData(65_536, 393, 4096, 96)]
    [InlineData(500, 64, 50, 20)]
    public void The_objectives_constants_scale_with_the_bank(int rows, int nearest, int negatives, int clusters)
    {
        ObjectivePlan plan = new RunSizes(new TrainingOptions(), rows).Objective;
        Assert.InRange(plan.Terms.NearestKeys, nearest - 8, nearest);
        Assert.Equal((negatives, clusters), (plan.Terms.Negatives, plan.Clusters));
    }

    /// <summary>A value that a run needs and no key sets is one that a user cannot have.</summary>
    [Fact]
    public void Every_property_that_can_be_set_is_an_option_or_made_of_some()
    {
        foreach (Type type in (Type[])[typeof(TrainingOptions), typeof(AugmentOptions)])
        {
            string[] without = [.. type.GetProperties().Where(p => p.CanWrite && !p.IsDefined(typeof(OptionAttribute), false))
                .Select(p => p.Name)];
            // The input's side is a key of the run; ranges and the normalisation are the papers' for all.
            Assert.Equal(
                type == typeof(TrainingOptions) ? [] : ["InputSize", "CropArea", "CropRatio", "BlurSigma", "Mean", "Deviation"], without);
        }
    }

    [Theory]
    [InlineData("batch_size=100000", "batch_size is 478 in this run, not 100,000: there are 478 patches.")]
    [InlineData("clusters=5000", "clusters is 478 in this run, not 5,000: there are 478 patches.")]
    [InlineData("negatives=400", "negatives is 95 in this run, not 400: the pool is 0.2 of 478 patches.")]
    [InlineData("nearest_keys=478", "nearest_keys is 477 in this run, not 478: there are 478 patches, one of them the patch itself.")]
    [InlineData("prefetch=65", "prefetch is 64 in this run, not 65: that many batches are in memory at most.")]
    [InlineData("auxiliary_anchors=25", "auxiliary_anchors is 25, of 24 at most: places in radius=3.")]
    [InlineData("queue=65536 method=mocov2", "queue is 478 in this run, not 65,536: there are 478 patches.")]
    [InlineData("negatives=500 method=instdisc", "negatives is 478 in this run, not 500: there are 478 patches.")]
    public void What_is_asked_for_beyond_the_data_is_cut_and_said(string sets, string said) =>
        Assert.Equal([said], new RunSizes(RunConfig.Read([], null, sets.Split(' '), []), rows: 478).Cuts);

    [Fact]
    public void Nothing_is_said_where_nothing_is_cut_or_the_method_has_no_such_size()
    {
        Assert.Empty(new RunSizes(new TrainingOptions(), 478).Cuts);
        Assert.Empty(new RunSizes(
            new TrainingOptions { Queue = 1 << 20, Clusters = 478, Negatives = 95, NearestKeys = 477, BatchSize = 478 }, 478).Cuts);
        Assert.Empty(new RunSizes(new TrainingOptions { Method = MethodKind.SimClr, Clusters = 1000, Negatives = 1000 }, 478).Cuts);
    }

    public static TheoryData<string> Keys => [.. OptionTable.All.Select(o => o.Key)];

    public static TheoryData<string> Limited => [.. OptionTable.All.Where(o => o.Limits is not null).Select(o => o.Key)];

    [Theory]
    [MemberData(nameof(Limited))]
    public void A_number_outside_of_its_limits_is_refused_with_the_limits(string key)
    {
        (double least, double most) = OptionTable.All.Single(o => o.Key == key).Limits!.Value;
        foreach (double outside in (double[])[least - 1, most + 1])
        {
            string given = outside.ToString("F0", CultureInfo.InvariantCulture);
            Fault fault = Assert.Throws<Fault>(() => OptionTable.Set(new TrainingOptions(), key, given, "--set"));
            Assert.Equal(FaultKind.Usage, fault.Kind);
            Assert.Contains($"'{given}' is no value of {key}", fault.Message, StringComparison.Ordinal);
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"from {least} to {most}"), fault.Message,
                StringComparison.Ordinal);
        }
        foreach (double inside in (double[])[least, most])
            Assert.NotNull(OptionTable.Set(new TrainingOptions(), key, inside.ToString("R", CultureInfo.InvariantCulture), "--set"));
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_word_that_means_nothing_is_refused_with_what_it_may_be(string key)
    {
        if (key is "init" or "libtorch")
            return; // a path: any text is one
        Fault fault = Assert.Throws<Fault>(() => OptionTable.Set(new TrainingOptions(), key, "gibberish", "--set"));
        Assert.Equal(FaultKind.Usage, fault.Kind);
        Assert.Contains($"'gibberish' is no value of {key}; it takes ", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void The_value_that_a_key_shows_is_one_that_it_takes(string key)
    {
        Option option = OptionTable.All.Single(o => o.Key == key);
        string shown = option.Get(new TrainingOptions());
        Assert.Equal(shown, option.Get(OptionTable.Set(new TrainingOptions(), key, shown, "--set")));
    }
}
