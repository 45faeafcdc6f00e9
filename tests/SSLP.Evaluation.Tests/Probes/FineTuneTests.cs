using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Evaluation.Probes;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;

namespace SSLP.Evaluation.Tests.Probes;

public sealed class FineTuneTests
{
    [Fact]
    public void Training_all_layers_learns_a_texture_that_colour_does_not_show()
    {
        using TwoTextures source = new(slides: 8, perSlide: 12);
        using WorkerPool pool = new(2);
        using ResNet backbone = RandomEncoder.Make(Architecture.ResNet18);
        float before = backbone.state_dict()["conv1.weight"].sum().item<float>();
        ProbeResult result = FineTune.Run(
            backbone, RandomEncoder.Preprocessing(TwoTextures.Side, TwoTextures.Side), "random", source, ProbeSplit.Of(source.Table),
            torch.CPU, pool,
            new FineTuneOptions(LearningRate: 0.02, BatchSize: 24, Epochs: 8));
        Assert.NotEqual(before, backbone.state_dict()["conv1.weight"].sum().item<float>());
        Assert.Equal(("finetune", "labels=100% epochs=8", "random"), (result.Probe, result.Setting, result.Features));
        Assert.Equal(96, result.TrainPatches + result.TestPatches);
        Assert.True(result.Accuracy.Value > 0.85, $"accuracy {result.Accuracy.Value}");
    }

    [Fact]
    public void The_linear_protocol_trains_the_classifier_alone()
    {
        using TwoTextures source = new(slides: 8, perSlide: 12);
        using WorkerPool pool = new(2);
        using ResNet backbone = RandomEncoder.Make(Architecture.ResNet18);
        var before = backbone.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        ProbeResult result = FineTune.Run(
            backbone, RandomEncoder.Preprocessing(TwoTextures.Side, TwoTextures.Side), "random", source, ProbeSplit.Of(source.Table),
            torch.CPU, pool,
            FineTuneOptions.Linear with { BatchSize = 24, Epochs = 10 });
        Assert.All(backbone.state_dict(), pair => Assert.True(before[pair.Key].equal(pair.Value).all().item<bool>(), pair.Key));
        Assert.Equal(("linear_sgd", "crops labels=100% epochs=10"), (result.Probe, result.Setting));
        Assert.True(result.Accuracy.Value > 0.75, $"accuracy {result.Accuracy.Value}");
    }

    [Theory]
    [InlineData(1, 96)]
    [InlineData(0.1, 10)]
    [InlineData(0.001, 2)]
    public void A_share_of_the_labels_keeps_every_class(double share, int expected)
    {
        using TwoTextures source = new(slides: 8, perSlide: 12);
        int[] chosen = FineTune.ChooseLabels(source.Table, [.. Enumerable.Range(0, 96)], share, seed: 5);
        Assert.Equal(expected, chosen.Length);
        Assert.Equal(2, chosen.Select(row => source.Table.LabelOf[row]).Distinct().Count());
        Assert.Equal(chosen, FineTune.ChooseLabels(source.Table, [.. Enumerable.Range(0, 96)], share, seed: 5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1.01)]
    [InlineData(double.NaN)]
    public void A_share_outside_its_range_is_refused(double share)
    {
        using TwoTextures source = new(slides: 2, perSlide: 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => FineTune.ChooseLabels(source.Table, [0, 1], share, 0));
    }

    [Fact]
    public void Watching_a_training_leaves_the_network_as_it_was()
    {
        using TwoTextures source = new(slides: 8, perSlide: 12);
        using WorkerPool pool = new(2);
        using ResNet backbone = RandomEncoder.Make(Architecture.ResNet18);
        backbone.train();
        var before = backbone.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        OnlineProbe watch = new(source, RandomEncoder.Preprocessing(TwoTextures.Side, TwoTextures.Side), torch.CPU, pool, seed: 1);
        OnlineReading reading = watch.Read(backbone);
        Assert.True(backbone.training);
        Assert.All(backbone.state_dict(), pair => Assert.True(before[pair.Key].equal(pair.Value).all().item<bool>(), pair.Key));
        Assert.Equal(60, watch.Learned);
        Assert.True(reading.Judged!.Auc > 0.9, $"{reading}");
    }

    /// <summary>Stripes along or across, in the same colours, at random phases.</summary>
    private sealed class TwoTextures : IPatchSource
    {
        public const int Side = 32;

        public TwoTextures(int slides, int perSlide)
        {
            int n = slides * perSlide;
            Table = new PatchTable(
                [.. Enumerable.Range(0, slides).Select(s => $"s{s}")], Indices(n, i => i / perSlide),
                Indices(n, i => i % perSlide), new int[n],
                new CategoryColumn(["along", "across"], Indices(n, i => i % 2)));
        }

        public PatchTable Table { get; }

        public int PatchSize => Side;

        public double? Mpp => null;

        public string Describe => "two textures";

        public void Read(int patch, Span<byte> rgb)
        {
            Random random = new(patch);
            int phase = random.Next(8);
            for (int i = 0; i < Side * Side; i++)
            {
                int along = (patch % 2 == 0 ? i % Side : i / Side) + phase;
                byte value = (byte)((along / 4 % 2 == 0 ? 80 : 170) + random.Next(30));
                rgb.Slice(3 * i, 3).Fill(value);
            }
        }

        public void Dispose()
        {
        }

        private static int[] Indices(int n, Func<int, int> of) => [.. Enumerable.Range(0, n).Select(of)];
    }
}
