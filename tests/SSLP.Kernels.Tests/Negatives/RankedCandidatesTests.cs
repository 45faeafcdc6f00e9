using CsCheck;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed unsafe class RankedCandidatesTests
{
    /// <summary>Scores full of ties, with a spike now and then that crowds all others into few bins, and −0 beside 0.</summary>
    private static readonly Gen<float[]> Scores = Gen.OneOf(
        Gen.Int[-3, 3].Select(v => v == 0 ? -0f : v / 4f), Gen.Int[-2, 2].Select(v => v / 4f), Gen.Float[-1, 1],
        Gen.Const(1000f)).Array[1, 300];

    [Fact]
    public void Ranks_are_those_of_a_full_sort_without_the_excluded_rows() =>
        Gen.Select(Scores, Gen.Int[0, 299].Array[0, 40], Gen.Int[0, 320].Array[0, 60], Gen.Int[0, 320])
            .Sample((scores, excluded, picks, nearest) =>
        {
            int[] ranks = [.. picks.Distinct().Order()];
            int[] sorted = [.. Enumerable.Range(0, scores.Length).Except(excluded).OrderByDescending(j => scores[j]).ThenBy(j => j)];
            using var list = new CandidateList();
            using var ranking = new RankedCandidates();
            Fill(list, scores, float.NegativeInfinity, scores.Length);
            ranking.Load(list);
            foreach (int row in excluded)
                ranking.Exclude(row);
            Assert.Equal(sorted.Length, ranking.Available);

            ranking.FindNearest(nearest);
            Assert.Equal(sorted.Take(nearest).Order(), Enumerable.Range(0, scores.Length + 1).Where(ranking.IsNearest));

            var taken = new RowLists();
            taken.Reset(1);
            var drawn = new DrawnRanks(ranks.Length);
            drawn.Set(ranks);
            ranking.Take(drawn, taken, 0);
            int[] expected = [.. ranks.Where(r => r < sorted.Length).Select(r => sorted[r]).Order()];
            Assert.Equal(expected, taken[0].ToArray());
            Assert.Equal(expected.Select(j => scores[j]), taken.Scores(0).ToArray());
        }, iter: 400);

    [Fact]
    public void A_list_keeps_every_row_that_reaches_its_threshold_in_order() =>
        Gen.Select(Scores, Gen.Float[-1, 1], Gen.Int[0, 3]).Sample((scores, threshold, spare) =>
        {
            int[] expected = [.. Enumerable.Range(0, scores.Length).Where(j => scores[j] >= threshold)];
            using var list = new CandidateList();
            Fill(list, scores, threshold, expected.Length + spare);
            Assert.False(list.Overflowed);
            Assert.Equal(expected, Rows(list, position => true));
            Assert.Equal(expected.Where((_, at) => at % 3 == 1), Rows(list, position => position % 3 == 1));
            Assert.Equal(expected.Select(j => scores[j]), new ReadOnlySpan<float>(list.Scores, list.Count).ToArray());
            Assert.All(expected, (row, at) => Assert.Equal(at, list.Find(row)));
            Assert.All(Enumerable.Range(0, scores.Length + 200).Except(expected), row => Assert.Equal(-1, list.Find(row)));
        }, iter: 400);

    [Fact]
    public void A_list_says_when_it_overflowed()
    {
        using var list = new CandidateList();
        Fill(list, [1, 0, 2, 3], 1, capacity: 2);
        Assert.True(list.Overflowed);
        Fill(list, [1, 0, 2, 3], 2, capacity: 2);
        Assert.False(list.Overflowed);
    }

    /// <summary>Scores so close that bins of their range have no width: order is order all the same.</summary>
    [Fact]
    public void Scores_in_a_range_without_a_reciprocal_are_ranked()
    {
        float[] scores = new float[203];
        (scores[5], scores[201]) = (1e-37f, float.Epsilon);
        using var list = new CandidateList();
        using var ranking = new RankedCandidates();
        Fill(list, scores, float.NegativeInfinity, scores.Length);
        ranking.Load(list);
        Assert.True(ranking.Exclude(7));
        var taken = new RowLists();
        taken.Reset(1);
        var drawn = new DrawnRanks(4);
        drawn.Set([0, 1, 2, 8]);
        ranking.Take(drawn, taken, 0);
        Assert.Equal([0, 5, 8, 201], taken[0].ToArray());
    }

    [Fact]
    public void A_similarity_beyond_float32_is_refused_with_the_cure()
    {
        using var list = new CandidateList();
        using var ranking = new RankedCandidates();
        Fill(list, [0, float.PositiveInfinity], float.NegativeInfinity, 2);
        Assert.Contains("unit vectors", Assert.Throws<ArgumentException>(() => ranking.Load(list)).Message);
    }

    /// <summary>Lists long enough to be copied many rows at a time: where a word of 64 rows gives many, and where it gives hardly
    /// one.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(75)]
    public void Rows_and_scores_of_chosen_positions_come_out_in_order(int every)
    {
        var random = new Random(every);
        float[] scores = [.. Enumerable.Range(0, 12_345).Select(_ => random.NextSingle())];
        int[] expected = [.. Enumerable.Range(0, scores.Length).Where(j => scores[j] >= 0.1f)];
        using var list = new CandidateList();
        Fill(list, scores, 0.1f, expected.Length);
        bool[] isChosen = [.. expected.Select(_ => random.Next(every) == 0)];
        Assert.Equal(expected.Where((_, at) => isChosen[at]), Rows(list, position => isChosen[position]));
    }

    /// <summary>Rows of the chosen positions, whose scores must come out with them; every bit beyond the list is set, and none of them may
    /// come out.</summary>
    private static int[] Rows(CandidateList list, Func<int, bool> isChosen)
    {
        ulong[] chosen = new ulong[list.Count / 64 + 3];
        for (int position = 0; position < 64 * chosen.Length; position++)
            chosen[position / 64] |= position >= list.Count || isChosen(position) ? 1ul << position % 64 : 0;
        int[] rows = new int[Enumerable.Range(0, list.Count).Count(isChosen)];
        float[] scores = new float[rows.Length];
        fixed (ulong* bits = chosen)
        {
            list.CopyRows(bits, rows);
            list.CopyScores(bits, scores);
        }
        Assert.Equal(Enumerable.Range(0, list.Count).Where(isChosen).Select(position => list.Scores[position]), scores);
        return rows;
    }

    /// <summary>Feeds the scores stretch by stretch, from memory that ends on a vector.</summary>
    private static void Fill(CandidateList list, float[] scores, float threshold, int capacity)
    {
        using var memory = new AlignedBuffer<float>(scores.Length);
        scores.CopyTo(memory.Span(0, scores.Length));
        list.Reset(threshold, capacity, scores.Length);
        for (int row = 0; row < scores.Length; row += CandidateList.Stretch)
            list.Append(memory.Pointer + row, Math.Min(CandidateList.Stretch, scores.Length - row));
    }
}
