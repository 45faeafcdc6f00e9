using SSLP.Interop.Cuda;
using SSLP.Kernels;
using SSLP.Native.Tests.Hosts;
using Xunit;

namespace SSLP.Native.Tests.Abi;

/// <summary>Bank and step on the memory of a host's CUDA device, in the order of its stream: the PTX machine executes the kernels, and the
/// results are the CPU's.</summary>
public sealed unsafe class DeviceTests : IDisposable
{
    private const int Rows = 140, Width = 9;

    // d/τ carries Width roundings of 2⁻²⁴ over τ; exponentials and logarithms a few more.
    private const double Tolerance = 40 / 16777216.0 / 0.07;

    private static readonly delegate* unmanaged[Cdecl]<nint, float*, int, int*, int, int*, float*, int> Search = &BankExports.Search;
    private static readonly delegate* unmanaged[Cdecl]<nint, float*, int, int*, int, int*, float*, nint, int> SearchOnDevice =
        &BankExports.SearchOnDevice;
    private static readonly delegate* unmanaged[Cdecl]<nint, int*, float*, int, float, int> Update = &BankExports.Update;
    private static readonly delegate* unmanaged[Cdecl]<nint, int*, float*, int, float, nint, int> UpdateOnDevice =
        &BankExports.UpdateOnDevice;
    private static readonly delegate* unmanaged[Cdecl]<nint, int, float*, int, int> Save = &BankExports.Save, Load = &BankExports.Load;
    private static readonly delegate* unmanaged[Cdecl]<nint, int*, int*, int*, int, nint*, int> OpenSpatial = &StepExports.SpatialOpen;
    private static readonly delegate* unmanaged[Cdecl]<SslpStepOptions*, uint, int> InitStep = &StepExports.OptionsInit;
    private static readonly delegate* unmanaged[Cdecl]<nint, nint, SslpStepOptions*, nint*, int> OpenStep = &StepExports.Open;
    private static readonly delegate* unmanaged[Cdecl]<nint, int*, int, int> SetClusters = &StepExports.SetClusters;
    private static readonly delegate* unmanaged[Cdecl]<nint, int*, float*, int, SslpStepCall*, float*, SslpStepResult*, int> Run =
        &StepExports.Run;
    private static readonly delegate* unmanaged[Cdecl]<nint, int*, float*, int, SslpStepCall*, float*, nint, int> Enqueue =
        &StepExports.Enqueue;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpStepResult*, int> Finish = &StepExports.Finish;

    private readonly DeviceHost _device = new();
    private readonly nint _cpu = Host.Context();
    private readonly List<nint> _open = [];

    public void Dispose()
    {
        foreach (nint handle in Enumerable.Reverse(_open))
            Host.Succeeded(Host.Close(handle));
        Host.Succeeded(Host.Close(_cpu));
        _device.Dispose();
    }

    [Fact]
    public void A_step_on_the_hosts_memory_and_stream_is_the_cpus_and_waits_for_nothing()
    {
        nint here = Step(_cpu, crowded: false, out _), there = Step(_device.Context, crowded: false, out _);
        int[] anchors = [0, 77, 77, 139, 12];
        float[] features = Features(anchors.Length), expected = new float[features.Length];
        for (long t = 0; t < 2; t++)
        {
            SslpStepCall call = Call(t);
            SslpStepResult host = Sized<SslpStepResult>(), device = Sized<SslpStepResult>();
            float* gradient = (float*)_device.Empty(features.Length * sizeof(float)), sent = _device.Sent(features);
            _device.Machine.ForgetCalls();
            fixed (int* a = anchors)
            fixed (float* f = features)
            fixed (float* g = expected)
            {
                Host.Succeeded(Run(here, a, f, anchors.Length, &call, g, &host));
                Host.Succeeded(Enqueue(there, a, sent, anchors.Length, &call, gradient, _device.Stream.Value));
            }
            Assert.Empty(_device.Waits);
            AssertOrdered();
            float[] actual = _device.Read<float>(gradient, features.Length);
            Host.Succeeded(Finish(there, &device));
            AssertSame(host, device);
            Assert.Equal(0, device.Again);
            for (int i = 0; i < actual.Length; i++)
                Assert.Equal(expected[i], actual[i], Tolerance / 0.07);
            // With clusters there is an F, and auxiliary anchors.
            int[] labels = [.. Enumerable.Range(0, Rows).Select(i => i % 3)];
            fixed (int* l = labels)
            {
                Host.Succeeded(SetClusters(here, l, 1));
                Host.Succeeded(SetClusters(there, l, 1));
            }
        }
    }

    /// <summary>Many patches on one place: more neighbours than there is room for.</summary>
    [Fact]
    public void A_step_whose_lists_had_no_room_is_done_again_and_says_so()
    {
        nint here = Step(_cpu, crowded: true, out _), there = Step(_device.Context, crowded: true, out _);
        int[] anchors = [0, 1, 139];
        float[] features = Features(anchors.Length), expected = new float[features.Length];
        SslpStepCall call = Call(2);
        SslpStepResult host = Sized<SslpStepResult>(), device = Sized<SslpStepResult>();
        float* gradient = (float*)_device.Empty(features.Length * sizeof(float)), sent = _device.Sent(features);
        fixed (int* a = anchors)
        fixed (float* f = features)
        fixed (float* g = expected)
        {
            Host.Succeeded(Run(here, a, f, anchors.Length, &call, g, &host));
            Host.Succeeded(Enqueue(there, a, sent, anchors.Length, &call, gradient, _device.Stream.Value));
        }
        Host.Succeeded(Finish(there, &device));
        Assert.Equal(1, device.Again);
        AssertSame(host, device);
        float[] actual = _device.Read<float>(gradient, features.Length);
        for (int i = 0; i < actual.Length; i++)
            Assert.Equal(expected[i], actual[i], Tolerance / 0.07);
    }

    [Fact]
    public void A_search_on_the_device_is_the_cpus_to_the_bit()
    {
        nint here = Bank(_cpu), there = Bank(_device.Context);
        const int count = 5, k = 7;
        float[] queries = Features(count), similarities = new float[count * k];
        int[] own = [3, -1, 139, 0, -1], rows = new int[count * k];
        void* foundRows = _device.Empty(count * k * sizeof(int)), foundSimilarities = _device.Empty(count * k * sizeof(float));
        float* sent = _device.Sent(queries);
        _device.Machine.ForgetCalls();
        fixed (float* q = queries)
        fixed (int* o = own)
        fixed (int* r = rows)
        fixed (float* s = similarities)
        {
            Host.Succeeded(Search(here, q, count, o, k, r, s));
            Host.Succeeded(SearchOnDevice(there, sent, count, o, k, (int*)foundRows, (float*)foundSimilarities, _device.Stream.Value));
        }
        AssertOrdered();
        Assert.Equal(rows, _device.Read<int>(foundRows, rows.Length));
        Assert.Equal(similarities, _device.Read<float>(foundSimilarities, rows.Length));
    }

    [Fact]
    public void Updates_on_the_device_are_the_cpus_and_come_home_when_the_host_asks()
    {
        nint here = Bank(_cpu), there = Bank(_device.Context);
        int[] rows = [4, 9, 139];
        float[] features = Features(rows.Length), expected = new float[Rows * Width], actual = new float[Rows * Width];
        float* sent = _device.Sent(features);
        fixed (int* r = rows)
        fixed (float* f = features)
        fixed (float* e = expected)
        fixed (float* a = actual)
        {
            for (int t = 0; t < 2; t++)
            {
                Host.Succeeded(Update(here, r, f, rows.Length, 0.25f));
                _device.Machine.ForgetCalls();
                Host.Succeeded(UpdateOnDevice(there, r, sent, rows.Length, 0.25f, _device.Stream.Value));
                Assert.Empty(_device.Waits);
                AssertOrdered();
            }
            // An update of the host's own on top, which must not lose the others.
            Host.Succeeded(Update(here, r, f, 1, 0.5f));
            Host.Succeeded(Update(there, r, f, 1, 0.5f));
            Host.Succeeded(Save(here, 0, e, Rows));
            Host.Succeeded(Save(there, 0, a, Rows));
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], 1e-6);
            Host.Succeeded(UpdateOnDevice(there, r, sent, rows.Length, 1, _device.Stream.Value));
            Host.Succeeded(Load(there, 9, e, 1));
            Host.Succeeded(Save(there, 0, a, Rows));
        }
        Assert.Equal(expected.AsSpan(0, Width), actual.AsSpan(9 * Width, Width));
        Assert.Equal(features[2 * Width], actual[139 * Width], 1e-6);
    }

    [Fact]
    public void What_is_not_finite_on_the_device_is_told_by_whoever_waits()
    {
        nint step = Step(_device.Context, crowded: false, out nint bank);
        int[] anchors = [4, 9];
        float[] features = Features(2), saved = new float[Width];
        features[Width + 3] = float.NaN;
        float* sent = _device.Sent(features), gradient = (float*)_device.Empty(features.Length * sizeof(float));
        void* rows = _device.Empty(4 * sizeof(int)), similarities = _device.Empty(4 * sizeof(float));
        SslpStepCall call = Call(0);
        SslpStepResult result = Sized<SslpStepResult>();
        nint stream = _device.Stream.Value;
        fixed (int* a = anchors)
        fixed (float* s = saved)
        {
            Host.Succeeded(Enqueue(step, a, sent, 2, &call, gradient, stream));
            Host.Refused(Status.Usage, "Feature 1 (bank row 9) holds a value that is not finite", Finish(step, &result));
            Host.Refused(Status.Usage, "Query 1 holds a value that is not finite",
                SearchOnDevice(bank, sent, 2, null, 2, (int*)rows, (float*)similarities, stream));
            Host.Succeeded(UpdateOnDevice(bank, a, sent, 2, 0.5f, stream));
            Host.Refused(Status.Usage, "was given a feature that is not finite", Save(bank, 4, s, 1));
            Host.Succeeded(Save(bank, 4, s, 1));  // told once, and the bank is what it was
            float[] now = [.. saved];
            nint other = Bank(_cpu);
            Host.Succeeded(Save(other, 4, s, 1));
            Assert.Equal(saved, now);
        }
    }

    [Fact]
    public void Memory_that_is_not_the_devices_is_refused_before_a_kernel_has_it()
    {
        nint step = Step(_device.Context, crowded: false, out nint bank);
        float* hosts = stackalloc float[64];
        float* sent = _device.Sent(Features(4)), put = (float*)_device.Empty(4 * Width * sizeof(float));
        float* pinned = (float*)_device.Pinned(4096);
        int* anchors = stackalloc int[4];
        SslpStepCall call = Call(0);
        nint stream = _device.Stream.Value;
        Host.Refused(Status.Usage, "features is no device memory", Enqueue(step, anchors, hosts, 4, &call, put, stream));
        Host.Refused(Status.Usage, "gradient is no device memory", Enqueue(step, anchors, sent, 4, &call, pinned, stream));
        Host.Refused(Status.Usage, "gradient is null", Enqueue(step, anchors, sent, 4, &call, null, stream));
        Host.Refused(Status.Usage, "not a multiple of 16", Enqueue(step, anchors, sent + 1, 3, &call, put, stream));
        Host.Refused(Status.Size, "is to hold 252 bytes", Enqueue(step, anchors, sent, 7, &call, put, stream));
        Host.Refused(Status.Usage, "queries is no device memory",
            SearchOnDevice(bank, hosts, 1, null, 2, (int*)put, sent, stream));
        Host.Refused(Status.Usage, "rows is no device memory", SearchOnDevice(bank, sent, 1, null, 2, anchors, put, stream));
        Host.Refused(Status.Usage, "k must lie in 1", SearchOnDevice(bank, sent, 1, null, 0, (int*)put, put, stream));
        Host.Refused(Status.Usage, "features is no device memory", UpdateOnDevice(bank, anchors, pinned, 2, 0.5f, stream));
        int outside = Rows;
        Host.Refused(Status.Usage, "outside the bank's 140 rows", UpdateOnDevice(bank, &outside, sent, 1, 0.5f, stream));
        Host.Refused(Status.Usage, "Anchor 140", Enqueue(step, &outside, sent, 1, &call, put, stream));
    }

    [Fact]
    public void A_stream_that_is_none_is_refused()
    {
        nint step = Step(_device.Context, crowded: false, out nint bank);
        float* sent = _device.Sent(Features(1)), put = (float*)_device.Empty(Width * sizeof(float));
        int anchor = 3;
        SslpStepCall call = Call(0);
        Host.Refused(Status.Usage, "Stream 0xbad is none of the primary context of device 0", Enqueue(step, &anchor, sent, 1, &call, put,
            0xBAD));
        Host.Refused(Status.Usage, "CUDA_ERROR_INVALID_HANDLE", UpdateOnDevice(bank, &anchor, sent, 1, 0.5f, 0xBAD));
        // Nothing is under way of it.
        SslpStepResult result = Sized<SslpStepResult>();
        Host.Refused(Status.Usage, "No step is under way", Finish(step, &result));
    }

    [Fact]
    public void Between_a_step_and_its_end_nothing_comes()
    {
        nint step = Step(_device.Context, crowded: false, out nint bank);
        float[] features = Features(1), gradient = new float[Width];
        float* sent = _device.Sent(features), put = (float*)_device.Empty(Width * sizeof(float));
        int anchor = 3;
        SslpStepCall call = Call(0);
        SslpStepResult result = Sized<SslpStepResult>();
        nint stream = _device.Stream.Value;
        int[] labels = new int[Rows];
        fixed (float* f = features)
        fixed (float* g = gradient)
        fixed (int* l = labels)
        {
            Host.Succeeded(Enqueue(step, &anchor, sent, 1, &call, put, stream));
            Host.Refused(Status.Busy, "sslp_step_finish it first", Enqueue(step, &anchor, sent, 1, &call, put, stream));
            Host.Refused(Status.Busy, "sslp_step_finish it first", Run(step, &anchor, f, 1, &call, g, &result));
            Host.Refused(Status.Busy, "sslp_step_finish it first", SetClusters(step, l, 1));
            Host.Refused(Status.Busy, "A step over the bank is under way", UpdateOnDevice(bank, &anchor, sent, 1, 0.5f, stream));
            Host.Refused(Status.Busy, "A step over the bank is under way", Update(bank, &anchor, f, 1, 0.5f));
            Host.Refused(Status.Busy, "A step over the bank is under way", Load(bank, 0, f, 1));
            Host.Succeeded(Finish(step, &result));
            Host.Succeeded(UpdateOnDevice(bank, &anchor, sent, 1, 0.5f, stream));
            // A step that nobody finishes does not keep the bank.
            Host.Succeeded(Enqueue(step, &anchor, sent, 1, &call, put, stream));
            Host.Succeeded(Host.Close(step));
            _open.Remove(step);
            Host.Succeeded(Update(bank, &anchor, f, 1, 0.5f));
        }
    }

    [Fact]
    public void Device_memory_is_for_a_context_with_a_device()
    {
        nint step = Step(_cpu, crowded: false, out nint bank);
        float* sent = _device.Sent(Features(1));
        int anchor = 3;
        SslpStepCall call = Call(0);
        Host.Refused(Status.Usage, "this context's kernels are cpu", Enqueue(step, &anchor, sent, 1, &call, sent, 0));
        Host.Refused(Status.Usage, "this context's kernels are cpu", UpdateOnDevice(bank, &anchor, sent, 1, 0.5f, 0));
        SslpContextOptions options = Host.ContextOptions();
        options.Device = 1;
        Host.Refused(Status.Usage, "device is 1", Host.Open(options, out _));
        options.Device = 0;
        options.Scores = 1;
        Host.Refused(Status.Usage, "scores is 1; it is of kernels 2", Host.Open(options, out _));
        options.Device = 1;
        options.Kernels = 2;
        options.Scores = 7;
        Host.Refused(Status.Usage, "scores is 7", Host.Open(options, out _));
        options.Scores = 0;
        NoSuchDevice(Handles.Open(new NativeContext(&options, _device.Machine.Driver)), "CUDA device 1 was asked for");
        options.Device = 0;
        if (!CudaDriver.System.TryLoad(out _))
            NoSuchDevice(Handles.Open(new NativeContext(&options)), "no NVIDIA driver");
    }

    [Fact]
    public void The_hosts_own_context_is_current_after_a_call()
    {
        nint current = -1;
        var thread = new Thread(() =>
        {
            Bank(_device.Context);
            current = Current();
        });
        thread.Start();
        thread.Join();
        Assert.Equal(0, current);  // the thread had none
    }

    private nint Current()
    {
        nint current;
        _device.Machine.Driver.Calls.cuCtxGetCurrent(&current);
        return current;
    }

    private static void NoSuchDevice(nint context, string sentence)
    {
        delegate* unmanaged[Cdecl]<nint, int, int, ulong, nint*, int> create = &BankExports.Create;
        nint bank;
        Host.Refused(Status.Device, sentence, create(context, 4, 8, 1, &bank));
        Host.Succeeded(Host.Close(context));
    }

    /// <summary>What was enqueued lies between the host's stream before and after: a mark each way.</summary>
    private void AssertOrdered()
    {
        nint hosts = _device.Stream.Value;
        (string, nint)[] marks = [.. _device.Machine.Calls.Where(call => call.Function is "cuEventRecord" or "cuStreamWaitEvent"
            or "cuLaunchKernel").Select(call => (call.Function, call.Stream))];
        Assert.Equal([("cuEventRecord", hosts), ("cuStreamWaitEvent", 0)], marks[..2]);
        Assert.Equal([("cuEventRecord", 0), ("cuStreamWaitEvent", hosts)], marks[^2..]);
        Assert.All(marks[2..^2], mark => Assert.Equal(0, mark.Item2));
        Assert.Contains(("cuLaunchKernel", 0), marks);
    }

    private static void AssertSame(in SslpStepResult expected, in SslpStepResult actual)
    {
        Assert.Equal(expected.Loss, actual.Loss, Tolerance);
        Assert.Equal(expected.Self, actual.Self, Tolerance);
        Assert.Equal(expected.Intra, actual.Intra, Tolerance);
        Assert.Equal(expected.Inter, actual.Inter, Tolerance);
        Assert.True(expected.Loss > 1);
        Assert.Equal((expected.SpatialSize, expected.FeatureSize, expected.NegativeSize, expected.OtherSlideShare),
            (actual.SpatialSize, actual.FeatureSize, actual.NegativeSize, actual.OtherSlideShare));
    }

    private nint Bank(nint context)
    {
        nint bank = Host.Bank(context, Rows, Width, 5);
        _open.Add(bank);
        return bank;
    }

    /// <summary>Two slides of patches on a grid with holes; or all on three places.</summary>
    private nint Step(nint context, bool crowded, out nint bank)
    {
        int[] slide = new int[Rows], col = new int[Rows], row = new int[Rows];
        for (int i = 0; i < Rows; i++)
            (slide[i], col[i], row[i]) = crowded ? (0, i % 3, 0) : (i < Rows / 3 ? 0 : 1, i % 9 + (i == 13 ? 1 : 0), i / 9 - 4);
        nint spatial, step;
        fixed (int* s = slide)
        fixed (int* c = col)
        fixed (int* r = row)
            Host.Succeeded(OpenSpatial(context, s, c, r, Rows, &spatial));
        _open.Add(spatial);
        bank = Bank(context);
        SslpStepOptions options;
        Host.Succeeded(InitStep(&options, (uint)sizeof(SslpStepOptions)));
        (options.NearestKeys, options.Negatives, options.PoolShare, options.RadiusPatches) = (20, 9, 0.4, 1.5);
        Host.Succeeded(OpenStep(bank, spatial, &options, &step));
        _open.Add(step);
        return step;
    }

    private static SslpStepCall Call(long step) => new()
    {
        Size = (uint)sizeof(SslpStepCall),
        Seed = 20210927,
        Step = step,
        SelfWeight = 1,
        IntraWeight = 0.7,
        InterWeight = 0.4,
    };

    private static float[] Features(int count)
    {
        using var random = MemoryBank.CreateRandom(count, Width, seed: 6);
        float[] features = new float[count * Width];
        random.SaveRows(0, features);
        return features;
    }

    private static T Sized<T>()
        where T : unmanaged
    {
        T made = default;
        *(uint*)&made = (uint)sizeof(T);
        return made;
    }
}
