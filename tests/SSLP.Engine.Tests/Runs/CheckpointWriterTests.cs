using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Weights;
using Xunit;

namespace SSLP.Engine.Tests.Runs;

public sealed class CheckpointWriterTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-writer-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>Snapshots share their memory: one that were taken earlier would be in the file of the one before.</summary>
    [Fact]
    public async Task A_snapshot_is_taken_when_the_one_before_is_written_and_not_earlier()
    {
        var checkpoints = new Checkpoint(new RunFolder(_root), 9);
        using var writer = new CheckpointWriter(checkpoints);
        using ManualResetEventSlim isWriting = new(), mayWrite = new();
        byte[] memory = new byte[16]; // of every snapshot
        writer.Begin(CheckpointBank.Whole, 0, _ => Snapshot(1));
        isWriting.Wait(TestContext.Current.CancellationToken);
        int taken = 0;
        var second = Task.Run(() => writer.Begin(CheckpointBank.Whole, 0, _ =>
        {
            taken++;
            return Snapshot(2);
        }), TestContext.Current.CancellationToken);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        int early = taken;
        mayWrite.Set();
        Assert.True(await second);
        writer.Wait();
        Assert.Equal((0, 1), (early, taken));
        foreach ((string path, int value) in checkpoints.All().Zip([1, 2]))
        {
            using var file = SafetensorsFile.Open(path);
            byte[] found = new byte[16];
            file.ReadBytes("memory", found);
            Assert.All(found, b => Assert.Equal(value, b));
        }

        RunSnapshot Snapshot(byte value)
        {
            Array.Fill(memory, value);
            SafetensorsItem item = SafetensorsItem.From<byte>("memory", memory, 16);
            return new(new CheckpointState(value, "inputs", []), [item with
            {
                Emit = stream =>
                {
                    isWriting.Set();
                    mayWrite.Wait();
                    item.Emit(stream);
                },
            }], IsWhole: true);
        }
    }

    [Fact]
    public void Changes_are_asked_for_over_a_whole_one_that_was_written_only()
    {
        var checkpoints = new Checkpoint(new RunFolder(_root), 9);
        using var writer = new CheckpointWriter(checkpoints);
        List<bool> mayBeChanges = [];
        for (int step = 1; step <= 3; step++)
            writer.Begin(CheckpointBank.Changes, 0, may =>
            {
                mayBeChanges.Add(may);
                return new(new CheckpointState(step, "inputs", []), [SafetensorsItem.From<byte>("b", new byte[] { 1 }, 1)], !may);
            });
        writer.Begin(CheckpointBank.Whole, 1L << 40, may =>
        {
            mayBeChanges.Add(may);
            return new(new CheckpointState(4, "inputs", []), [SafetensorsItem.From<byte>("b", new byte[] { 1 }, 1)], IsWhole: true);
        });
        writer.Wait();
        Assert.Equal([false, true, true, false], mayBeChanges);
        Assert.Equal(["step-000000001.safetensors", "step-000000002.over-000000001.safetensors",
            "step-000000003.over-000000001.safetensors", "step-000000004.safetensors"], checkpoints.All().Select(Path.GetFileName));
    }

    [Fact]
    public void What_is_being_written_is_whole_before_the_writer_goes()
    {
        var checkpoints = new Checkpoint(new RunFolder(_root), 9);
        bool isWritten = false;
        using (var writer = new CheckpointWriter(checkpoints))
            writer.Begin(CheckpointBank.Whole, 0, _ => new(new CheckpointState(1, "inputs", []),
            [
                new SafetensorsItem("slow", SafetensorsDtype.U8, [1], stream =>
                {
                    Thread.Sleep(50);
                    stream.WriteByte(7);
                    isWritten = true;
                }),
            ], IsWhole: true));
        Assert.True(isWritten);
        Assert.Single(checkpoints.All());
    }
}
