using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Probes;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;

namespace SSLP.Evaluation.Tests.Probes;

public sealed class OnlineProbeTests : IDisposable
{
    private readonly WorkerPool _pool = new(1);

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void A_large_set_is_bounded_keeps_slides_apart_and_leaves_other_splits_unseen()
    {
        using TestPatches source = new(slides: 24, side: 14, labelled: true); // 23 × 196 of the split train
        OnlineProbe probe = Probe(source, seed: 3);
        PatchTable drawn = probe.Patches;
        Assert.InRange(probe.Learned, OnlineProbe.MostLearned - 2, OnlineProbe.MostLearned);
        Assert.InRange(drawn.Count - probe.Learned, OnlineProbe.MostJudged - 2, OnlineProbe.MostJudged);
        int[] rows = [.. Enumerable.Range(0, drawn.Count)];
        Assert.Empty(rows[..probe.Learned].Select(drawn.SlideName).Intersect(rows[probe.Learned..].Select(drawn.SlideName)));
        Assert.All(rows, row => Assert.Equal("train", drawn.Splits![drawn.SplitOf[row]]));
        Assert.Equal(Places(probe), Places(Probe(source, seed: 3)));
        Assert.NotEqual(Places(probe), Places(Probe(source, seed: 4)));
    }

    [Fact]
    public void Without_splits_every_label_serves()
    {
        using TestPatches source = new(slides: 4, side: 2);
        OnlineProbe probe = Probe(
            new Relabelled(source, new CategoryColumn(["a", "b"], new int[] { 0, 1, 0, 1, 0, 1, -1, -1, 0, 1, 0, 1, 0, 0, 1, 1 })),
            seed: 0);
        Assert.Equal(14, probe.Patches.Count);
    }

    [Fact]
    public void Labels_that_cannot_judge_are_answered_with_what_there_is_and_what_to_give()
    {
        using TestPatches bare = new(slides: 2, side: 2), oneSlide = new(slides: 2, side: 2, labelled: true);
        Assert.Contains("0 labelled ones of 0 classes on 0 slides: give a label column", Refused(bare), StringComparison.Ordinal);
        Assert.Contains("4 labelled ones of 2 classes on 1 slides in the split 'train'", Refused(oneSlide), StringComparison.Ordinal);
        Assert.Contains("8 labelled ones of 1 classes on 2 slides", Refused(new Relabelled(bare, new CategoryColumn(["a"], new int[8]))),
            StringComparison.Ordinal);
        // A class to a slide: whatever is held out, one side has one class.
        Assert.Contains("of 2 classes on 2 slides",
            Refused(new Relabelled(bare, new CategoryColumn(["a", "b"], new[] { 0, 0, 0, 0, 1, 1, 1, 1 }))), StringComparison.Ordinal);
    }

    [Fact]
    public void Patches_that_do_not_read_neither_vote_nor_are_judged()
    {
        using TestPatches whole = new(slides: 4, side: 4, patchSize: 16, labelled: true);
        int[] bad = [.. Enumerable.Range(0, 48).Where(patch => patch % 3 == 0)];
        using TestPatches source = new(slides: 4, side: 4, patchSize: 16, bad, labelled: true);
        using TestPatches others = new(slides: 4, side: 4, patchSize: 16, Enumerable.Range(0, 64), labelled: true);
        using ResNet backbone = RandomEncoder.Make(Architecture.ResNet18);
        OnlineReading all = Probe(whole, seed: 1, patchSize: 16).Read(backbone),
            some = Probe(source, seed: 1, patchSize: 16).Read(backbone), none = Probe(others, seed: 1, patchSize: 16).Read(backbone);
        Assert.Equal((null, null), (all.Why, some.Why));
        Assert.InRange(some.Judged!.Accuracy, 0, 1);
        Assert.Null(none.Judged);
        Assert.Contains("0 read", none.Why);
    }

    [Fact]
    public void An_encoder_that_is_not_finite_has_no_result_and_says_so()
    {
        using TestPatches source = new(slides: 3, side: 4, patchSize: 16, labelled: true);
        using ResNet backbone = RandomEncoder.Make(Architecture.ResNet18);
        using (torch.no_grad())
            backbone.state_dict()["bn1.running_mean"].fill_(float.NaN);
        OnlineReading reading = Probe(source, seed: 1, patchSize: 16).Read(backbone);
        Assert.Null(reading.Judged);
        Assert.Contains("no finite numbers", reading.Why);
    }

    private OnlineProbe Probe(IPatchSource source, int seed, int patchSize = 8) =>
        new(source, RandomEncoder.Preprocessing(patchSize, 16), torch.CPU, _pool, seed);

    private string Refused(IPatchSource source) => Assert.Throws<Fault>(() => Probe(source, seed: 0)).Message;

    private static IEnumerable<(string, int, int)> Places(OnlineProbe probe) =>
        Enumerable.Range(0, probe.Patches.Count)
            .Select(row => (probe.Patches.SlideName(row), probe.Patches.Col[row], probe.Patches.Row[row])).ToArray();

    private sealed class Relabelled(IPatchSource source, CategoryColumn labels) : IPatchSource
    {
        public PatchTable Table { get; } = new(source.Table.Slides, source.Table.SlideOf.ToArray(), source.Table.Col.ToArray(),
            source.Table.Row.ToArray(), labels);

        public int PatchSize => source.PatchSize;

        public double? Mpp => source.Mpp;

        public string Describe => source.Describe;

        public void Read(int patch, Span<byte> rgb) => source.Read(patch, rgb);

        public void Dispose()
        {
        }
    }
}
