using Xunit;

namespace SSLP.Kernels.Tests;

public sealed unsafe class ScorePassTests
{
    [Theory]
    [InlineData(1, 1, 6)]
    [InlineData(17, 8, 6)]
    [InlineData(70, 33, 12)]
    [InlineData(129, 128, 18)]
    public void Scores_match_the_dot_products_on_every_instruction_set_to_the_same_bits(int rows, int width, int queries)
    {
        using var bank = MemoryBank.CreateRandom(rows, width, seed: 1);
        using KernelTestData.Matrix q = KernelTestData.UnitRows(queries, width, seed: 2);
        float[]? first = null;
        foreach (InstructionSet isa in KernelTestData.Isas)
        {
            float[] scores = Score(bank, q.View, isa);
            first ??= scores;
            Assert.Equal(first, scores);
        }
        int stride = bank.PanelCount * MemoryBank.PanelRows;
        for (int i = 0; i < queries; i++)
        {
            for (int r = 0; r < stride; r++)
            {
                double expected = r < rows ? Dot(q.View.Row(i), bank.Row(r)) : 0;
                // A chain of D fused multiply-adds of unit vectors: at most D roundings of values below 1.
                Assert.Equal(expected, first![i * stride + r], width * 6e-8);
            }
        }
    }

    [Fact]
    public void A_part_of_the_bank_scores_as_in_the_whole()
    {
        using var bank = MemoryBank.CreateRandom(200, 40, seed: 1);
        using KernelTestData.Matrix q = KernelTestData.UnitRows(6, 40, seed: 2);
        float[] whole = Score(bank, q.View, InstructionSets.Best);
        int stride = bank.PanelCount * MemoryBank.PanelRows;
        float[] part = new float[6 * 96];
        fixed (float* scores = part)
            ScorePass.Scores(bank, q.View.Data, 40, 6, firstPanel: 2, panelCount: 3, scores, 96, InstructionSets.Best);
        for (int i = 0; i < 6; i++)
            Assert.Equal(whole.AsSpan(i * stride + 64, 96), part.AsSpan(i * 96, 96));
    }

    [Fact]
    public void Blocks_that_do_not_fit_are_refused()
    {
        using var bank = MemoryBank.CreateRandom(64, 8, seed: 1);
        using KernelTestData.Matrix q = KernelTestData.UnitRows(6, 8, seed: 2);
        using var scores = new AlignedBuffer<float>(6 * 96);
        Assert.Throws<ArgumentException>(() => ScorePass.Scores(bank, q.View.Data, 8, 5, 0, 1, scores.Pointer, 96, InstructionSet.Scalar));
        Assert.Throws<ArgumentException>(() => ScorePass.Scores(bank, q.View.Data, 8, 6, 1, 2, scores.Pointer, 96, InstructionSet.Scalar));
    }

    [Fact]
    public void The_instruction_set_is_read_from_its_name()
    {
        Assert.Equal(InstructionSets.Best, InstructionSets.Parse(null));
        Assert.Equal(InstructionSet.Scalar, InstructionSets.Parse("scalar"));
        Assert.Equal(InstructionSet.Vector512, InstructionSets.Parse("512"));
        Assert.Contains("'avx'", Assert.Throws<ArgumentException>(() => InstructionSets.Parse("avx")).Message);
    }

    private static float[] Score(MemoryBank bank, MatrixView queries, InstructionSet isa)
    {
        int stride = bank.PanelCount * MemoryBank.PanelRows;
        float[] result = new float[queries.Rows * stride];
        fixed (float* scores = result)
            ScorePass.Scores(bank, queries.Data, queries.Stride, queries.Rows, 0, bank.PanelCount, scores, stride, isa);
        return result;
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int d = 0; d < a.Length; d++)
            sum += (double)a[d] * b[d];
        return sum;
    }
}
