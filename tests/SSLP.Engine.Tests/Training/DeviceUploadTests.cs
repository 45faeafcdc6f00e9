using SSLP.Data.Loading;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Interop.Cuda;
using SSLP.Tests.Native;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;

namespace SSLP.Engine.Tests.Training;

/// <summary>What a run on a CUDA device asks of the driver, through a stand-in that records it.</summary>
public sealed unsafe class DeviceUploadTests(FakeCuda driver) : IClassFixture<FakeCuda>
{
    private const int ViewBytes = 64;

    [Fact]
    public void The_rings_slots_are_page_locked_for_a_CUDA_device_and_freed_with_it()
    {
        driver.Require();
        int before = driver.Retained;
        using var source = new TestPatches(slides: 1, side: 6);
        long bytes = BatchRing.BytesFor(source.PatchSize, 4, 3);
        BatchMemory memory;
        using (CudaContext? context = Devices.ContextOf(new torch.Device(DeviceType.CUDA, 0)))
            memory = BatchMemory.For(context, bytes);
        Assert.Contains($"pin {bytes} flags=1", driver.Record);
        using (var ring = new BatchRing(new ReplacingReader(source, 1), source.PatchSize, 4, 3, 2, memory))
        {
            ring.Start([.. Enumerable.Range(0, 36)], 0, 9);
            for (int i = 0; i < 9; i++)
            {
                PatchBatch batch = ring.Next(CancellationToken.None);
                Assert.Equal(TestPatches.Pixel(4 * i, 5), ((byte*)batch.Pixels)[5]);
                ring.Release();
            }
        }
        Assert.Contains("unpin", driver.Record);
        Assert.Equal(before, driver.Retained);
    }

    [Fact]
    public void The_CPU_gets_pageable_memory()
    {
        using var memory = BatchMemory.For(Devices.ContextOf(torch.CPU), 100);
        Assert.IsType<AlignedBatchMemory>(memory);
    }

    [Fact]
    public void Views_are_copied_beside_stream_0_and_never_over_what_it_still_reads()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using DeviceBuffer first = context.AllocateDevice(ViewBytes), second = context.AllocateDevice(ViewBytes);
        driver.Forget();
        var upload = new ViewUpload(CudaContext.Retain(), [first.Address, second.Address], ViewBytes);
        string[] made = driver.Record;
        string copies = Word(made, "stream ", 0), uploaded = Word(made, "event ", 1), consumed = Word(made, "event ", 3);
        for (int step = 1; step <= 2; step++)
        {
            driver.Forget();
            for (int view = 0; view < 2; view++)
            {
                upload.Begin(view)[3] = (10 * step) + view;
                upload.Send(view);
            }
            Assert.Equal((10 * step, (10 * step) + 1), (((float*)first.Address)[3], ((float*)second.Address)[3]));
            // The second view. In the first step too: its memory may be what kernels on stream 0 still read.
            Assert.Equal(
                [
                    $"record event={consumed} stream=0",
                    $"synchronize event={uploaded}",
                    $"wait event={consumed} stream={copies}",
                    $"upload {ViewBytes} stream={copies}",
                    $"record event={uploaded} stream={copies}",
                    $"wait event={uploaded} stream=0",
                ],
                driver.Record[^6..]);
        }
        upload.Dispose();
        Assert.Equal(2, driver.Record.Count(line => line == "unpin"));
    }

    /// <summary>What follows a word in its n-th line.</summary>
    private static string Word(string[] record, string start, int number) =>
        record.Where(line => line.StartsWith(start, StringComparison.Ordinal)).ElementAt(number)[start.Length..].Split(' ')[0];
}
