using CsCheck;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class SpatialNeighboursTests
{
    private static readonly Gen<(int Slide, int Col, int Row)[]> Patches =
        Gen.Select(Gen.Int[0, 3], Gen.Int[-4, 9], Gen.Int[-3, 12]).Array[1, 120];

    [Fact]
    public void Matches_the_reference_with_holes_and_duplicates() =>
        Gen.Select(Patches, Gen.Double[0.1, 7]).Sample((patches, radius) =>
        {
            (int[] slide, int[] col, int[] row) = Split(patches);
            var index = new SpatialNeighbours(slide, col, row);
            var lists = new RowLists();
            index.Query([.. Enumerable.Range(0, slide.Length)], radius, lists);
            for (int i = 0; i < slide.Length; i++)
                Assert.Equal(SpatialNeighboursReference.Query(slide, col, row, i, radius), lists[i].ToArray());
        }, iter: 200);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1.5, 8)]
    [InlineData(2, 8)]
    [InlineData(3, 24)]
    [InlineData(5, 68)]
    public void Counts_the_lattice_points_strictly_inside_the_radius(double radius, int expected)
    {
        (SpatialNeighbours index, int centre) = FullGrid(side: 13);
        var lists = new RowLists();
        index.Query([centre], radius, lists);
        Assert.Equal(expected, lists.Length(0));
    }

    [Fact]
    public void A_duplicate_of_the_anchor_is_no_neighbour_and_a_duplicate_of_a_neighbour_counts_twice()
    {
        var index = new SpatialNeighbours([0, 0, 0, 0], [5, 5, 6, 6], [5, 5, 5, 5]);
        var lists = new RowLists();
        index.Query([0], 2, lists);
        Assert.Equal([2, 3], lists[0].ToArray());
    }

    [Fact]
    public void Coordinates_at_the_ends_of_the_integers_do_not_overflow()
    {
        int[] col = [int.MinValue, int.MaxValue, int.MaxValue - 1], row = [int.MinValue, int.MaxValue, int.MaxValue];
        var index = new SpatialNeighbours([0, 0, 0], col, row);
        var lists = new RowLists();
        index.Query([0, 1], 3, lists);
        Assert.True(lists[0].IsEmpty);
        Assert.Equal([2], lists[1].ToArray());
    }

    [Fact]
    public void Holds_about_eight_bytes_a_patch()
    {
        (SpatialNeighbours index, _) = FullGrid(side: 200);
        Assert.Equal(8L * 40_000 + 8 * (200 + 1) - 4 + 4 * 2, index.Bytes);
    }

    [Fact]
    public void Names_what_is_wrong()
    {
        Assert.Contains("Bank row 1 has slide -1",
            Assert.Throws<ArgumentException>(() => new SpatialNeighbours([0, -1], [0, 1], [0, 0])).Message);
        Assert.Contains("2 slides, 1 columns", Assert.Throws<ArgumentException>(() => new SpatialNeighbours([0, 0], [0], [0, 0])).Message);
        var index = new SpatialNeighbours([0], [0], [0]);
        Assert.Contains("Anchor 1", Assert.Throws<ArgumentException>(() => index.Query([1], 3, new RowLists())).Message);
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() => index.Query([0], double.NaN, new RowLists())).Message);
    }

    [Fact]
    public void The_fused_query_names_the_most_similar_members_in_order_with_ties_to_the_lower_row()
    {
        (SpatialNeighbours index, int centre) = FullGrid(side: 5);
        using MemoryBank bank = TestBanks.Exact(index.Count, width: 7, seed: 3);
        float[] feature = bank.Row(centre).ToArray();
        RowLists spatial = new(), auxiliary = new();
        spatial.Reset(1);
        auxiliary.Reset(1);
        index.Query(centre, feature, bank, new SpatialQuery(3, Sample: 0, AuxiliaryAnchors: 5, Seed: 1, Step: 0), spatial, auxiliary, 0);

        float Similarity(int j) => TestBanks.Dot(feature, bank.Row(j));
        Assert.Equal(24, spatial.Length(0));
        Assert.Equal(spatial[0].ToArray().Select(Similarity), spatial.Scores(0).ToArray());
        Assert.Equal(spatial[0].ToArray().OrderByDescending(Similarity).ThenBy(j => j).Take(5), auxiliary[0].ToArray());
    }

    [Fact]
    public void A_sample_is_a_uniform_subset_fixed_by_seed_step_and_anchor()
    {
        (SpatialNeighbours index, int centre) = FullGrid(side: 5);
        using MemoryBank bank = TestBanks.Exact(index.Count, width: 4, seed: 4);
        int[] counts = new int[index.Count];
        const int steps = 4000, sample = 6;
        for (int step = 0; step < steps; step++)
        {
            int[] drawn = Sample(step);
            Assert.Equal(sample, drawn.Distinct().Count());
            foreach (int j in drawn)
                counts[j]++;
        }
        Assert.Equal(Sample(17), Sample(17));
        Assert.Equal(0, counts[centre]);
        // Each of 24 members is drawn with chance ¼: five standard deviations of a binomial count.
        double expected = steps * sample / 24.0, deviation = Math.Sqrt(expected * (1 - sample / 24.0));
        Assert.All(counts.Where((_, j) => j != centre), count => Assert.InRange(count, expected - 5 * deviation, expected + 5 * deviation));

        int[] Sample(int step)
        {
            RowLists spatial = new(), auxiliary = new();
            spatial.Reset(1);
            auxiliary.Reset(1);
            index.Query(centre, bank.Row(0), bank, new SpatialQuery(3, sample, AuxiliaryAnchors: 1, Seed: 9, step), spatial, auxiliary, 0);
            return spatial[0].ToArray();
        }
    }

    [Fact]
    public void Queries_allocate_nothing_once_the_lists_have_grown()
    {
        (SpatialNeighbours index, _) = FullGrid(side: 30);
        int[] anchors = [.. Enumerable.Range(0, 256)];
        var lists = new RowLists();
        index.Query(anchors, 3, lists);
        long before = GC.GetAllocatedBytesForCurrentThread();
        index.Query(anchors, 3, lists);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static (SpatialNeighbours Index, int Centre) FullGrid(int side)
    {
        int[] cells = [.. Enumerable.Range(0, side * side)];
        var index = new SpatialNeighbours(new int[side * side], [.. cells.Select(i => i % side)], [.. cells.Select(i => i / side)]);
        return (index, side / 2 * side + side / 2);
    }

    private static (int[] Slide, int[] Col, int[] Row) Split((int Slide, int Col, int Row)[] patches) =>
        ([.. patches.Select(p => p.Slide)], [.. patches.Select(p => p.Col)], [.. patches.Select(p => p.Row)]);
}
