using System.Runtime.InteropServices;
using SSLP.Engine.Objective;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Engine.Tests.Objective;

public sealed class BankSnapshotTests
{
    private const int Rows = 20_011, Width = 5;

    /// <summary>One snapshot after another in the same memory, the changes of each kept anew.</summary>
    [Fact]
    public void Rows_that_change_while_it_is_written_are_written_as_they_were()
    {
        using var bank = MemoryBank.CreateRandom(Rows, Width, seed: 3);
        var snapshot = new BankSnapshot(bank);
        int[] third = [.. Enumerable.Range(0, Rows).Where(row => row % 3 == 1)], fifth = [.. third.Where(row => row % 5 == 0)];
        foreach ((int[]? rows, float value) in ((int[]?, float)[])[(null, 9), (third, 8), (fifth, 7), (null, 6)])
        {
            float[] expected = [.. (rows ?? [.. Enumerable.Range(0, Rows)]).SelectMany(row => bank.Row(row).ToArray())];
            if (rows is null)
                snapshot.Take();
            else
                snapshot.Take(Changed(rows));
            Assert.Equal(rows ?? [], snapshot.Rows.ToArray());
            using var writes = new ChangingStream(() =>
            {
                int[] changed = [.. Enumerable.Range(0, 997).Select(i => (i * 7919) % Rows).Distinct()];
                snapshot.Keep(changed);
                foreach (int row in changed)
                    bank.LoadRows(row, [value, value, value, value, value]);
            });
            snapshot.ToItem("bank").Emit(writes);
            Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(writes.ToArray()).ToArray());
            Assert.Equal([value, value, value, value, value], bank.Row(0).ToArray());
        }
    }

    [Fact]
    public void The_next_snapshot_takes_the_memory_of_the_one_before()
    {
        using var bank = MemoryBank.CreateRandom(Rows, Width, seed: 3);
        var snapshot = new BankSnapshot(bank);
        int[] some = [.. Enumerable.Range(0, Rows / 2).Select(i => 2 * i)];
        ChangedRows changed = Changed(some);
        Write();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Write();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000); // rows, kept rows and blocks are 1 MB

        void Write()
        {
            snapshot.Take();
            snapshot.Keep(some);
            snapshot.ToItem("whole").Emit(Stream.Null);
            snapshot.Take(changed);
            snapshot.Keep(some);
            snapshot.ToItem("changes").Emit(Stream.Null);
        }
    }

    [Fact]
    public void Changed_rows_come_out_once_and_in_order()
    {
        ChangedRows changed = Changed([199, 3, 64, 3]);
        changed.Add([63, 199]);
        int[] rows = new int[changed.Count];
        changed.CopyTo(rows);
        Assert.Equal([3, 63, 64, 199], rows);
        changed.Clear();
        Assert.Equal(0, changed.Count);
    }

    private static ChangedRows Changed(int[] rows)
    {
        var changed = new ChangedRows(Rows);
        changed.Add(rows);
        return changed;
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
