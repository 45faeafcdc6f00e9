using SSLP.Kernels.Tests.Device;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed unsafe class MemoryBankTests
{
    public static TheoryData<int, int> Shapes => new() { { 1, 1 }, { 1, 8 }, { 17, 33 }, { 32, 128 }, { 33, 7 }, { 100, 128 } };

    [Theory, MemberData(nameof(Shapes))]
    public void Random_rows_are_unit_and_packed_like_the_rows(int rows, int width)
    {
        using var bank = MemoryBank.CreateRandom(rows, width, seed: 3);
        AssertPackedInStep(bank);
        for (int r = 0; r < rows; r++)
            Assert.Equal(1.0, Norm(bank.Row(r)), 2e-7 * Math.Sqrt(width));
    }

    [Fact]
    public void Random_rows_do_not_depend_on_the_thread_count()
    {
        using var pool = new WorkerPool(3);
        using var alone = MemoryBank.CreateRandom(101, 33, seed: 5);
        using var together = MemoryBank.CreateRandom(101, 33, seed: 5, pool);
        using var other = MemoryBank.CreateRandom(101, 33, seed: 6);
        for (int r = 0; r < 101; r++)
        {
            Assert.Equal(alone.Row(r), together.Row(r));
            Assert.NotEqual(alone.Row(r).ToArray(), other.Row(r).ToArray());
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Update_matches_the_reference_and_keeps_the_panels_in_step(int rows, int width) =>
        AssertUpdates(rows, width, (bank, ids, features) => bank.Update(ids, features, 0.3f));

    [Theory, MemberData(nameof(Shapes))]
    public void A_device_s_update_matches_the_reference_and_keeps_the_panels_in_step(int rows, int width)
    {
        using var device = new TestDevice();
        AssertUpdates(rows, width, (bank, ids, features) =>
        {
            using var update = new MemoryBankUpdateCuda(bank, device);
            update.Update(ids, features, 0.3f);
        });
    }

    private static void AssertUpdates(int rows, int width, Action<MemoryBank, int[], MatrixView> update)
    {
        using var bank = MemoryBank.CreateRandom(rows, width, seed: 11);
        // More updates than rows: every small bank sees duplicates, which are blended in order.
        int batch = rows + 5;
        using KernelTestData.Matrix features = KernelTestData.UnitRows(batch, width, seed: 12);
        double[][] expected = new double[rows][];
        for (int r = 0; r < rows; r++)
            expected[r] = ToDouble(bank.Row(r));
        int[] ids = new int[batch];
        for (int i = 0; i < batch; i++)
        {
            ids[i] = i * 7 % rows;
            MemoryBankReference.Update(expected[ids[i]], ToDouble(features.View.Row(i)), 0.3f);
        }

        update(bank, ids, features.View);

        AssertPackedInStep(bank);
        for (int r = 0; r < rows; r++)
        {
            for (int d = 0; d < width; d++)
                Assert.Equal(expected[r][d], bank.Row(r)[d], 4e-7 * batch);
        }
    }

    [Fact]
    public void A_blend_of_length_zero_keeps_the_row()
    {
        using var bank = MemoryBank.CreateRandom(3, 8, seed: 1);
        float[] before = bank.Row(1).ToArray();
        using var opposite = new KernelTestData.Matrix(1, 8);
        for (int d = 0; d < 8; d++)
            opposite.View.Row(0)[d] = -before[d];
        bank.Update([1], opposite.View, 0.5f);
        Assert.Equal(before, bank.Row(1).ToArray());
    }

    [Fact]
    public void An_empty_update_changes_nothing()
    {
        using var bank = MemoryBank.CreateRandom(3, 8, seed: 1);
        float[] before = bank.Row(0).ToArray();
        bank.Update([], new MatrixView(null, 0, 8), 0.5f);
        Assert.Equal(before, bank.Row(0).ToArray());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_feature_that_is_not_finite_is_refused_by_name_before_anything_changes(float poison)
    {
        using var bank = MemoryBank.CreateRandom(9, 8, seed: 1);
        float[] before = bank.Row(4).ToArray();
        using KernelTestData.Matrix features = KernelTestData.UnitRows(2, 8, seed: 2);
        features.View.Row(1)[3] = poison;
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => bank.Update([4, 7], features.View, 0.5f));
        Assert.Contains("bank row 7", refusal.Message);
        Assert.Equal(before, bank.Row(4).ToArray());
    }

    [Fact]
    public void Impossible_updates_are_refused()
    {
        using var bank = MemoryBank.CreateRandom(9, 8, seed: 1);
        using KernelTestData.Matrix features = KernelTestData.UnitRows(1, 8, seed: 2);
        using KernelTestData.Matrix wide = KernelTestData.UnitRows(1, 9, seed: 2);
        Assert.Contains("row 9", Assert.Throws<ArgumentException>(() => bank.Update([9], features.View, 0.5f)).Message);
        Assert.Throws<ArgumentException>(() => bank.Update([-1], features.View, 0.5f));
        Assert.Throws<ArgumentException>(() => bank.Update([1, 2], features.View, 0.5f));
        Assert.Throws<ArgumentException>(() => bank.Update([1], wide.View, 0.5f));
        Assert.Throws<ArgumentException>(() => bank.Update([1], features.View, 1.1f));
        Assert.Throws<ArgumentException>(() => bank.Update([1], features.View, float.NaN));
        Assert.Throws<ArgumentException>(() => new MemoryBank(0, 8));
        Assert.Throws<ArgumentException>(() => new MemoryBank(8, 0));
    }

    [Fact]
    public void Saved_rows_load_to_the_same_bits()
    {
        using var bank = MemoryBank.CreateRandom(70, 33, seed: 1);
        using var copy = new MemoryBank(70, 33);
        float[] part = new float[35 * 33];
        for (int start = 0; start < 70; start += 35)
        {
            bank.SaveRows(start, part);
            copy.LoadRows(start, part);
        }
        AssertPackedInStep(copy);
        for (int r = 0; r < 70; r++)
            Assert.Equal(bank.Row(r), copy.Row(r));
    }

    [Fact]
    public void Loading_refuses_values_that_are_not_finite_and_ranges_outside_the_bank()
    {
        using var bank = new MemoryBank(5, 4);
        Assert.Contains("row 3", Assert.Throws<ArgumentException>(() => bank.LoadRows(3, [1, 0, 0, float.NaN])).Message);
        Assert.Throws<ArgumentException>(() => bank.LoadRows(4, new float[8]));
        Assert.Throws<ArgumentException>(() => bank.LoadRows(0, new float[5]));
        Assert.Throws<ArgumentException>(() => bank.SaveRows(-1, new float[4]));
    }

    [Fact]
    public void Bytes_are_what_the_formula_says()
    {
        using var bank = new MemoryBank(1000, 100);
        // Rows of 112 floats, 1024 packed rows of 100, and the allocations' readable tails of one page each plus one blend line.
        Assert.Equal(4L * (1000 * 112 + 1024 * 100), MemoryBank.BytesFor(1000, 100));
        Assert.InRange(bank.Bytes - MemoryBank.BytesFor(1000, 100), 0, 3 * 4096 + 4 * 100);
    }

    private static void AssertPackedInStep(MemoryBank bank)
    {
        for (int row = 0; row < bank.PanelCount * MemoryBank.PanelRows; row++)
        {
            float* lane = bank.Panel(row / MemoryBank.PanelRows) + row % MemoryBank.PanelRows;
            for (int d = 0; d < bank.Width; d++)
                Assert.Equal(row < bank.RowCount ? bank.Row(row)[d] : 0f, lane[d * MemoryBank.PanelRows]);
        }
    }

    private static double Norm(ReadOnlySpan<float> row)
    {
        double squared = 0;
        foreach (float value in row)
            squared += (double)value * value;
        return Math.Sqrt(squared);
    }

    private static double[] ToDouble(ReadOnlySpan<float> row)
    {
        double[] values = new double[row.Length];
        for (int d = 0; d < row.Length; d++)
            values[d] = row[d];
        return values;
    }
}
