using SSLP.Engine.Model;
using SSLP.Engine.Options;
using Xunit;

namespace SSLP.Engine.Tests.Options;

/// <summary>Options as a checkpoint of 9fe1e98 has them, and what they are taken for.</summary>
public sealed class EarlierRunsTests
{
    [Fact]
    public void Gray_came_after_the_jitter_and_the_rate_was_what_it_says()
    {
        TrainingOptions then = Read(("method", "sslp"), ("learning_rate", "0.015"), ("queue", "65536"), ("augment", "sslp"));
        Assert.False(then.Augment.GrayscaleFirst);
        Assert.Equal(
            ["augment: custom → sslp", "grayscale_first: false → true"], OptionTable.Differences(then, new TrainingOptions()));
        TrainingOptions now = new() { LearningRate = 0.015, Augment = new TrainingOptions().Augment with { GrayscaleFirst = false } };
        Assert.Empty(OptionTable.Differences(then, now));
        Assert.Empty(EarlierRuns.NotToBeHad(then));
        Assert.Contains("learning_rate: 0.015 → 0.0075", OptionTable.Differences(
            Read(("batch_size", "64"), ("learning_rate", "0.015"), ("augment", "sslp")), new TrainingOptions { BatchSize = 64 }));
    }

    [Fact]
    public void Blur_was_in_pixels_of_the_input_and_SimCLRs_head_without_normalisation()
    {
        TrainingOptions then = Read(("method", "simclr"), ("input_size", "32"), ("augment", "mocov2"));
        Assert.Equal(0.7f, then.Augment.BlurSigma.Low, 1e-6f);
        Assert.Equal(14f, then.Augment.BlurSigma.High, 1e-5f);
        (then.Augment with { InputSize = 32 }).Validate();
        Assert.Equal(HeadKind.Mlp, then.HeadOrDefault);
        Assert.Equal(65536, Read(("method", "mocov2"), ("queue", "65536"), ("augment", "mocov2")).Queue);
    }

    [Fact]
    public void What_cannot_be_had_again_is_said()
    {
        Assert.Contains("weight 0", Assert.Single(EarlierRuns.NotToBeHad(new() { InterWeight = 0 })), StringComparison.Ordinal);
        Assert.Contains("nearest_keys", Assert.Single(EarlierRuns.NotToBeHad(new() { AuxiliaryAnchors = 3 })), StringComparison.Ordinal);
        Assert.Contains("groups of 32", Assert.Single(EarlierRuns.NotToBeHad(
            TrainingOptions.DefaultsOf(MethodKind.MoCoV2) with { BatchSize = 48 })), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_of_today_are_taken_as_they_are()
    {
        TrainingOptions now = TrainingOptions.DefaultsOf(MethodKind.MoCoV2) with { InputSize = 32 };
        Assert.Empty(OptionTable.Differences(OptionTable.FromText(OptionTable.ToText(now), "here"), now));
        Assert.False(EarlierRuns.Has(OptionTable.ToText(now).Keys));
    }

    private static TrainingOptions Read(params (string Key, string Value)[] text) =>
        OptionTable.FromText(text.ToDictionary(pair => pair.Key, pair => pair.Value), "the checkpoint");
}
