using System.Runtime.InteropServices;
using SSLP.Engine.Objective;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Engine.Tests.Objective;

public sealed class BankSnapshotTests
{
    private const int Rows = 20_011, Width = 5;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rows_that_change_while_it_is_written_are_written_as_they_were(bool some)
    {
        using var bank = MemoryBank.CreateRandom(Rows, Width, seed: 3);
        int[]? rows = some ? [.. Enumerable.Range(0, Rows).Where(row => row % 3 == 1)] : null;
        float[] expected = [.. (rows ?? [.. Enumerable.Range(0, Rows)]).SelectMany(row => bank.Row(row).ToArray())];
        var snapshot = new BankSnapshot(bank, rows);
        using var writes = new ChangingStream(() =>
        {
            int[] changed = [.. Enumerable.Range(0, 997).Select(i => (i * 7919) % Rows).Distinct()];
            snapshot.Keep(changed);
            foreach (int row in changed)
                bank.LoadRows(row, [9, 9, 9, 9, 9]);
        });
        snapshot.ToItem("bank").Emit(writes);
        Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(writes.ToArray()).ToArray());
        Assert.Equal([9, 9, 9, 9, 9], bank.Row(0).ToArray());
    }

    [Fact]
    public void Changed_rows_come_out_once_and_in_order()
    {
        var changed = new ChangedRows(200);
        changed.Add([199, 3, 64, 3]);
        changed.Add([63, 199]);
        Assert.Equal([3, 63, 64, 199], changed.ToArray());
        Assert.Equal(4, changed.Count);
        changed.Clear();
        Assert.Empty(changed.ToArray());
    }

    /// <summary>Changes the bank after each block, as training does between two of the writer's.</summary>
    private sealed class ChangingStream(Action change) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(buffer);
            change();
        }
    }
}
