using SSLP.Data.Patches;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Sets;
using Xunit;

namespace SSLP.Evaluation.Tests.Sets;

public sealed class EncoderSetsTests
{
    /// <summary>Twenty patches in a row on a slide; features turn by five degrees a patch, so that the nearest are those beside.</summary>
    private static readonly FeatureTable Fan = new(
        new PatchTable(["s"], new int[20], Enumerable.Range(0, 20).ToArray(), new int[20]),
        [.. Enumerable.Range(0, 20)
            .SelectMany(i => new[] { 3 * (float)Math.Cos(i * Math.PI / 36), 3 * (float)Math.Sin(i * Math.PI / 36) })], 2, "fan");

    [Fact]
    public void S_lies_beside_the_anchor_F_is_the_nearest_and_Q_none_of_them()
    {
        AnchorSets sets = EncoderSets.Of(Fan, [10], radiusPatches: 2.5, most: 3, seed: 1)[0];
        Assert.Equal([8, 9, 11, 12], sets.Spatial.Order());
        Assert.Equal([9, 11], sets.Spatial[..2].Order());
        Assert.Equal(3, sets.Feature.Length);
        Assert.Subset(new HashSet<int> { 8, 9, 11, 12 }, new HashSet<int>(sets.Feature));
        // The pool: the four nearest of those that are neither.
        Assert.Equal(3, sets.Negatives.Length);
        Assert.Subset(new HashSet<int> { 6, 7, 13, 14 }, new HashSet<int>(sets.Negatives));
    }

    [Fact]
    public void The_seed_alone_decides_the_negatives()
    {
        int[] Of(int seed) => EncoderSets.Of(Fan, [10], 2.5, 2, seed)[0].Negatives;
        Assert.Equal(Of(3), Of(3));
        Assert.Contains(Enumerable.Range(0, 20), seed => !Of(seed).SequenceEqual(Of(3)));
    }

    [Fact]
    public void Patches_without_coordinates_have_no_S_and_no_anchors_no_sets()
    {
        var table = new PatchTable(["s"], new int[3], new[] { 0, 1, 2 }, new int[3], hasCoordinates: false);
        AnchorSets sets = EncoderSets.Of(new FeatureTable(table, [1, 0, 1, 1, 0, 1], 2, "bare"), [0], 3, 8, 0)[0];
        Assert.Empty(sets.Spatial);
        Assert.Equal([1, 2], sets.Feature);
        Assert.Empty(EncoderSets.Of(Fan, [], 3, 8, 0));
    }
}
