using SSLP.Interop.Cuda;
using SSLP.Native.Tests.Hosts;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Native.Tests.Abi;

/// <summary>Batches lent in the memory of a host's CUDA device.</summary>
public sealed unsafe class DeviceLoaderTests : IDisposable
{
    private const int Batch = 4, Bytes = Batch * 64 * 64 * 3;

    private static readonly delegate* unmanaged[Cdecl]<nint, int, int, int> Start = &LoaderExports.Start;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpBatch*, int> Next = &LoaderExports.Next, GiveBack = &LoaderExports.Release;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpBatch*, nint, int> Upload = &LoaderExports.Upload;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpBatch*, DlManagedTensor**, int> ToDlPack = &LoaderExports.ToDlPack;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpLoaderInfo*, int> Info = &LoaderExports.Info;

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-device-loader").FullName;
    private readonly DeviceHost _device = new();

    public void Dispose()
    {
        _device.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_batch_goes_to_the_device_in_the_order_of_a_stream_and_its_slot_waits_for_that()
    {
        nint loader = Loader(_device.Context, out nint patches);
        CudaStream first = _device.Stream, second = _device.AnotherStream();
        byte* seen = _device.Pinned(Bytes), again = _device.Pinned(Bytes);
        SslpBatch one = Sized(), two = Sized(), three = Sized();
        Host.Succeeded(Next(loader, &one));
        Assert.True(one.DevicePixels == null);
        byte[] shown = new Span<byte>(one.Pixels, Bytes).ToArray();
        Host.Succeeded(Upload(loader, &one, first.Value));
        byte* there = one.DevicePixels;
        Assert.True(there != one.Pixels);
        Host.Succeeded(Upload(loader, &one, first.Value));
        Assert.True(there == one.DevicePixels);
        Host.Refused(Status.Usage, "in the order of another stream", Upload(loader, &one, second.Value));
        // What reads it is enqueued, and the batch is given back before it ran.
        first.EnqueueReadBack(seen, (ulong)there, Bytes);
        Host.Succeeded(GiveBack(loader, &one));
        Host.Refused(Status.Handle, "given back before", Upload(loader, &one, first.Value));

        Host.Succeeded(Next(loader, &two));
        Host.Succeeded(Next(loader, &three));  // of two slots: the first one's again
        byte[] later = new Span<byte>(three.Pixels, Bytes).ToArray();
        Assert.NotEqual(shown, later);
        Host.Succeeded(Upload(loader, &three, second.Value));
        Assert.True(there == three.DevicePixels);
        second.EnqueueReadBack(again, (ulong)there, Bytes);
        second.Synchronize();
        first.Synchronize();
        Assert.Equal(shown, new Span<byte>(seen, Bytes));
        Assert.Equal(later, new Span<byte>(again, Bytes));
        Host.Succeeded(GiveBack(loader, &two));
        Host.Succeeded(GiveBack(loader, &three));
        Host.Succeeded(Host.Close(loader));
        Host.Succeeded(Host.Close(patches));
    }

    [Fact]
    public void A_batch_on_the_device_is_a_tensor_of_it_that_outlives_the_loader()
    {
        nint loader = Loader(_device.Context, out nint patches);
        SslpBatch lent = Sized();
        Host.Succeeded(Next(loader, &lent));
        byte[] shown = new Span<byte>(lent.Pixels, Bytes).ToArray();
        Host.Succeeded(Upload(loader, &lent, 0));
        DlManagedTensor* tensor;
        Host.Succeeded(ToDlPack(loader, &lent, &tensor));
        Assert.Equal((DlManagedTensor.Cuda, 0, 4), (tensor->DeviceType, tensor->DeviceId, tensor->Dimensions));
        Assert.True(tensor->Data == lent.DevicePixels);
        Host.Succeeded(Host.Close(loader));
        Host.Succeeded(Host.Close(patches));
        // Uploaded in the order of stream 0, and read there.
        byte* pinned = _device.Pinned(Bytes);
        _device.Stream.Context.DefaultStream.EnqueueReadBack(pinned, (ulong)tensor->Data, Bytes);
        _device.Stream.Context.DefaultStream.Synchronize();
        Assert.Equal(shown, new Span<byte>(pinned, Bytes));
        int before = _device.Machine.Machine.Memory.Count;
        tensor->Deleter(tensor);
        Assert.Equal(before - 1, _device.Machine.Machine.Memory.Count);
    }

    [Fact]
    public void A_batch_that_stays_on_the_host_is_a_tensor_of_the_cpu()
    {
        nint loader = Loader(_device.Context, out nint patches);
        SslpBatch lent = Sized();
        Host.Succeeded(Next(loader, &lent));
        DlManagedTensor* tensor;
        Host.Succeeded(ToDlPack(loader, &lent, &tensor));
        Assert.Equal((DlManagedTensor.Cpu, (nint)lent.Pixels), (tensor->DeviceType, (nint)tensor->Data));
        tensor->Deleter(tensor);
        var info = new SslpLoaderInfo { Size = (uint)sizeof(SslpLoaderInfo) };
        Host.Succeeded(Info(loader, &info));
        Assert.Equal(0, info.Lent);
        Host.Succeeded(Next(loader, &lent));
        Host.Refused(Status.Usage, "Stream 0xbad", Upload(loader, &lent, 0xBAD));
        Host.Succeeded(GiveBack(loader, &lent));
        Host.Succeeded(Host.Close(loader));
        Host.Succeeded(Host.Close(patches));
    }

    [Fact]
    public void A_context_without_a_device_has_nowhere_to_put_it()
    {
        nint context = Host.Context(), loader = Loader(context, out nint patches);
        SslpBatch lent = Sized();
        Host.Succeeded(Next(loader, &lent));
        Host.Refused(Status.Usage, "open one with kernels 2", Upload(loader, &lent, 0));
        Assert.True(lent.DevicePixels == null);
        Host.Succeeded(GiveBack(loader, &lent));
        Host.Succeeded(Host.Close(loader));
        Host.Succeeded(Host.Close(patches));
        Host.Succeeded(Host.Close(context));
    }

    private nint Loader(nint context, out nint patches)
    {
        TestSlides.Ramp(Path.Combine(_folder, "tiled.tif"), 1200, 800, 0.5);
        Host.Succeeded(Host.Tile(context, _folder, Host.TileOptions(), out patches));
        nint loader = Host.Loader(patches, Batch);
        Host.Succeeded(Start(loader, 0, 0));
        return loader;
    }

    private static SslpBatch Sized() => new() { Size = (uint)sizeof(SslpBatch) };
}
