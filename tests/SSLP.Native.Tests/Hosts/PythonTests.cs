using System.Runtime.InteropServices;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Native.Tests.Hosts;

/// <summary>The Python package over libsslp-data: NumPy, DLPack, PyTorch, the wheel.</summary>
public sealed class PythonTests : IDisposable
{
    private const string Interpreter = "/usr/bin/python3";

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-python").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_struct_has_the_size_it_has_here()
    {
        IOrderedEnumerable<string> sizes = typeof(SslpFault).Assembly.GetTypes().Concat(typeof(SslpMetrics).Assembly.GetTypes())
            .Where(type => type.IsValueType && type.Name.StartsWith("Sslp", StringComparison.Ordinal))
            .Select(type => $"{type.Name[4..]} {Marshal.SizeOf(type)}").Order(StringComparer.Ordinal);
        string printed = Run("""
            import ctypes
            import sslp._abi as abi
            structs = [s for s in vars(abi).values() if isinstance(s, type) and issubclass(s, abi._Sized) and s is not abi._Sized]
            print("\n".join(sorted(f"{s.__name__} {ctypes.sizeof(s)}" for s in structs)))
            """);
        Assert.Equal(string.Join('\n', sizes), printed.Trim());
    }

    [Fact]
    public void Patches_read_from_numpy_are_the_pixels_of_the_slide()
    {
        string slides = Slides();
        string printed = Run($"""
            import numpy as np
            import sslp
            with sslp.Context(threads=2) as context:
                with context.slide("{slides}/ramp.tif") as slide:
                    region = slide.read(0, 128, 64, 64, 64)
                    print(slide.size, tuple(round(m, 6) for m in slide.mpp), slide.format, len(slide.levels) > 1)
                patches = context.tile("{slides}", patch=64, mpp=0.5, tissue="all")
                slide_of, col, row = patches.places()
                at = int(np.flatnonzero((col == 2) & (row == 1))[0])
                assert (patches[at] == region).all()
                out = np.zeros((64, 64, 3), np.uint8)
                assert patches.read(at, out) is out and (out == region).all()
                print(len(patches), patches.slide_names)
            """);
        Assert.Contains("(800, 600) (0.5, 0.5)", printed, StringComparison.Ordinal);
        Assert.Contains("['ramp.tif']", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Batches_are_lent_without_a_copy_and_come_back_when_nothing_holds_them()
    {
        string printed = Run($"""
            import numpy as np
            import sslp
            patches = sslp.Context(threads=2).tile("{Slides()}", patch=64, mpp=0.5, tissue="all")
            loader = sslp.Loader(patches, batch_size=8, seed=3, slots=2)
            seen = []
            for epoch in range(2):
                for batch in loader.epoch(epoch):
                    pixels = batch.pixels
                    assert pixels.__array_interface__["data"][0] == batch._lent.pixels and not pixels.flags.owndata
                    for i, patch in enumerate(batch.patches):
                        assert (pixels[i] == patches[int(patch)]).all()
                    seen.extend(int(p) for p in batch.patches)
            assert len(seen) == 2 * 8 * loader.batches_per_epoch and len(set(seen)) >= 8 * loader.batches_per_epoch
            kept = [b for _, b in zip(range(2), loader.epoch(2))]
            try:
                next(loader.epoch(3))
                third = list(loader.epoch(4))
            except sslp.SslpError as fault:
                print(fault.status, fault)
            arrays = [b.pixels.copy() for b in kept]
            loader.close()
            assert all((b.pixels == a).all() for b, a in zip(kept, arrays))
            print("whole")
            """);
        Assert.Contains("-10 All 2 slots are lent", printed, StringComparison.Ordinal);
        Assert.Contains("whole", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_in_numpy_is_the_plain_product()
    {
        Run("""
            import numpy as np
            import sslp
            with sslp.Context(threads=2) as context:
                bank = sslp.Bank(context, 500, 24, seed=9)
                rows = bank.save()
                queries = np.random.default_rng(1).standard_normal((7, 24)).astype(np.float32)
                found, similarities = bank.search(queries, 5)
                product = queries @ rows.T
                assert np.allclose(np.sort(product, axis=1)[:, ::-1][:, :5], similarities, atol=1e-5)
                assert np.allclose(np.take_along_axis(product, found, 1), similarities, atol=1e-5)
                try:
                    bank.search(queries[:, :23], 5)
                    raise SystemExit("a wrong width was taken")
                except ValueError:
                    pass
                bank.close()
                try:
                    bank.search(queries, 5)
                    raise SystemExit("a closed bank was searched")
                except sslp.SslpError as fault:
                    assert fault.status == -9
            """);
    }

    [Fact]
    public void The_gradient_of_a_step_is_the_slope_of_its_loss()
    {
        Run("""
            import numpy as np
            import sslp
            with sslp.Context(threads=2) as context:
                n, d, side = 400, 16, 20
                bank = sslp.Bank(context, n, d, seed=4)
                place = np.arange(n)
                spatial = sslp.Spatial(context, np.zeros(n), place % side, place // side)
                starts, near = spatial.query([210], 1.5)
                assert sorted(near) == [189, 190, 191, 209, 211, 229, 230, 231] and list(starts) == [0, 8]
                step = sslp.ThreeTermStep(bank, spatial, temperature=0.2, nearest_keys=40, negatives=30)
                step.set_clusters(bank.cluster(4, 5, [1]))
                anchors = np.array([7, 210, 399])
                f = bank.save()[anchors]
                result, gradient = step.run(anchors, f, step=3, seed=8)
                # A random direction, central difference: sets may change at the edges of ranks, so a direction is tried until they do not.
                rng, best = np.random.default_rng(0), 1.0
                for _ in range(10):
                    v = rng.standard_normal(f.shape).astype(np.float32)
                    e = 1e-3
                    up, down = step.run(anchors, f + e * v, step=3, seed=8)[0].loss, step.run(anchors, f - e * v, step=3, seed=8)[0].loss
                    slope, said = (up - down) / (2 * e), float((gradient * v).sum())
                    best = min(best, abs(slope - said) / max(abs(said), 1e-3))
                assert best < 0.02, best
                assert result.spatial_size > 0 and np.isfinite(gradient).all()
            """);
    }

    /// <summary>Over the stand-in for the driver, which computes nothing: what the package asks of the library, in what order, is in its
    /// record, and its device memory is the host's.</summary>
    [Fact]
    public void Arrays_on_a_device_are_taken_in_the_order_of_a_stream()
    {
        string printed = RunOnStandIn($$"""
            import ctypes as c
            import numpy as np
            import sslp

            cuda = c.CDLL("libcuda.so.1")
            cuda.fakecuda_record.restype = c.c_char_p
            record = lambda: cuda.fakecuda_record().decode().splitlines()
            current = c.c_void_p()
            cuda.cuInit(0)
            assert cuda.cuDevicePrimaryCtxRetain(c.byref(current), 70) == 0 and cuda.cuCtxSetCurrent(current) == 0

            class Array:
                # As torch and CuPy show theirs.
                def __init__(self, shape, typestr, address=None):
                    if address is None:
                        made = c.c_uint64()
                        assert cuda.cuMemAlloc_v2(c.byref(made), c.c_size_t(4 * int(np.prod(shape)))) == 0
                        address = made.value
                    self.__cuda_array_interface__ = {"version": 3, "shape": shape, "typestr": typestr, "data": (address, False)}

            context = sslp.Context(threads=2, kernels="cuda")
            n, d = 300, 16
            place = np.arange(n)
            bank = sslp.Bank(context, n, d, seed=4)
            step = sslp.ThreeTermStep(bank, sslp.Spatial(context, np.zeros(n), place % 20, place // 20), nearest_keys=40, negatives=30)
            features, gradient = Array((3, d), "<f4"), Array((3, d), "<f4")
            anchors = [7, 210, 299]

            def ordered(call):
                cuda.fakecuda_forget()
                call()
                said = record()
                assert not any(line.startswith("synchronize") for line in said), said
                marks = [line for line in said if line.startswith(("record", "wait", "launch"))]
                assert marks[0].endswith("stream=77") and marks[1].startswith("wait") and marks[1].endswith("stream=0"), marks
                assert marks[-2].endswith("stream=0") and marks[-1].startswith("wait") and marks[-1].endswith("stream=77"), marks
                assert any(line.startswith("launch") for line in marks)

            stream = type("Stream", (), {"cuda_stream": 0x77})()
            step.enqueue(anchors, features, gradient, step=0, stream=stream)
            assert step.finish().again is False
            ordered(lambda: step.enqueue(anchors, features, gradient, step=1, stream=stream))
            step.finish()
            bank.update(anchors, features, 0.5, stream=0x77)
            ordered(lambda: bank.update(anchors, features, 0.5, stream=0x77))
            rows, similarities = Array((3, 4), "<i4"), Array((3, 4), "<f4")
            bank.search_on_device(features, 4, (rows, similarities), own_rows=anchors, stream=stream)

            for refused, wrong in [
                    (TypeError, lambda: step.enqueue(anchors, np.zeros((3, d), np.float32), gradient, step=1)),
                    (ValueError, lambda: step.enqueue(anchors, Array((3, d), "<f8"), gradient, step=1)),
                    (ValueError, lambda: step.enqueue(anchors, features, Array((2, d), "<f4"), step=1)),
                    (sslp.SslpError, lambda: step.enqueue(anchors, Array((3, d), "<f4", np.zeros(99).ctypes.data), gradient, step=1)),
                    (sslp.SslpError, lambda: step.enqueue(anchors, features, gradient, step=1, stream=0xF0E)),
                    (sslp.SslpError, step.finish)]:
                try:
                    wrong()
                    raise SystemExit("was taken")
                except refused as fault:
                    print(fault)

            patches = context.tile("{{Slides()}}", patch=64, mpp=0.5, tissue="all")
            loader = sslp.Loader(patches, batch_size=8, seed=3, slots=3, on_device=True)
            batches = loader.epoch(0)
            batch = next(batches)
            shown, bytes_of = batch.pixels.copy(), 8 * 64 * 64 * 3
            assert batch.__dlpack_device__() == (2, 0) and not hasattr(batch, "__cuda_array_interface__")
            cuda.fakecuda_forget()
            capsule = batch.__dlpack__(stream=0x77)
            said = record()
            assert f"upload {bytes_of} stream=" in said[-3] and said[-1].startswith("wait") and said[-1].endswith("stream=77"), said
            from sslp._loader import _ManagedTensor, _capsule_pointer
            tensor = _ManagedTensor.from_address(_capsule_pointer(id(capsule), b"dltensor"))
            assert (tensor.device_type, tensor.device_id, tensor.ndim) == (2, 0, 4)
            assert c.string_at(tensor.data, bytes_of) == shown.tobytes()
            cuda.fakecuda_forget()
            del capsule
            assert record()[0].startswith("record") and record()[0].endswith("stream=77"), record()

            batch = next(batches)
            batch.upload(0x78)
            given = batch.__cuda_array_interface__
            assert given["stream"] == 0x78 and given["shape"] == (8, 64, 64, 3)
            assert c.string_at(given["data"][0], bytes_of) == batch.pixels.tobytes()
            batch.release()
            """);
        Assert.Contains("no __cuda_array_interface__", printed, StringComparison.Ordinal);
        Assert.Contains("features is no device memory", printed, StringComparison.Ordinal);
        Assert.Contains("made in another context", printed, StringComparison.Ordinal);
        Assert.Contains("No step is under way", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void A_torch_loop_takes_its_patches_without_a_copy_beside_torchs_own_library()
    {
        Needs("torch");
        string example = Path.Combine(Repository.Root, "interop", "python", "examples", "torch_loop.py");
        string printed = Tool.Run(Environment(), Interpreter, example, Slides()).Succeeded();
        Assert.Contains("epoch 1: loss", printed, StringComparison.Ordinal);
        Run($"""
            import torch
            import sslp
            from sslp.torch import PatchDataset
            dataset = PatchDataset(sslp.Context(threads=2).tile("{_folder}/slides", patch=64, tissue="all"), batch_size=8, seed=1, slots=3)
            first = [(pixels, ids.clone()) for pixels, ids in dataset]
            again = list(dataset)
            for pixels, ids in first:
                for i, patch in enumerate(ids):
                    assert (pixels[i].numpy() == dataset.loader._parents[0][int(patch)]).all()
            dataset.set_epoch(0)
            for (pixels, ids), (before, ids_before) in zip(dataset, first):
                assert torch.equal(ids, ids_before) and torch.equal(pixels, before)
            del first, again, pixels
            """);
    }

    [Fact]
    public void Progress_that_raises_is_raised_to_the_caller()
    {
        string printed = Run($"""
            import sslp
            def told(done, total, sentence):
                raise KeyError("mine")
            try:
                sslp.Context(threads=2).tile("{Slides()}", patch=64, tissue="all", progress=told)
            except KeyError as fault:
                print("mine came back", fault)
            """);
        Assert.Contains("mine came back", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void The_wheel_is_built_by_pip_and_works_where_it_is_installed()
    {
        Needs("pip");
        string source = Path.Combine(Repository.Root, "interop", "python"), site = Path.Combine(_folder, "site");
        var environment = new Dictionary<string, string> { ["SSLP_WHEEL_LIB"] = Stripped() };
        Tool.Run(environment, Interpreter, "-m", "pip", "wheel", "--no-deps", "--no-index", "-q", "-w", _folder, source).Succeeded();
        string wheel = Assert.Single(Directory.GetFiles(_folder, "sslp-*.whl"));
        Tool.Run(Interpreter, "-m", "zipfile", "-e", wheel, site).Succeeded();
        var installed = new Dictionary<string, string> { ["PYTHONPATH"] = site };
        string printed = Tool.Run(installed, Interpreter, "-c", "import sslp; print(sslp.__file__, sslp.Context().describe())").Succeeded();
        Assert.StartsWith(site, printed, StringComparison.Ordinal);
        Assert.Contains("kernels cpu", printed, StringComparison.Ordinal);
    }

    /// <summary>A folder with libsslp-data alone: what a machine that has its own decoders needs.</summary>
    private string Stripped()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "lib")).FullName;
        File.Copy(PublishedLibrary.Data, Path.Combine(folder, "libsslp-data.so"));
        return folder;
    }

    private static void Needs(string module)
    {
        Tool.SkipUnless(Interpreter, "python3");
        Assert.SkipUnless(Tool.Run(Interpreter, "-c", $"import {module}").Code == 0,
            $"{Interpreter} has no {module}; on Debian: apt install python3-{module}.");
    }

    private static Dictionary<string, string> Environment() => new()
    {
        ["PYTHONPATH"] = Path.Combine(Repository.Root, "interop", "python"),
        ["PYTHONDONTWRITEBYTECODE"] = "1",
        ["SSLP_LIBRARY"] = PublishedLibrary.Data,
    };

    private static string Run(string script)
    {
        Needs("numpy");
        return Tool.Run(Environment(), Interpreter, "-c", script).Succeeded();
    }

    /// <summary>With the stand-in where the loader finds the driver first.</summary>
    private string RunOnStandIn(string script)
    {
        Needs("numpy");
        Dictionary<string, string> environment = Environment();
        environment["LD_LIBRARY_PATH"] = StandIn.Folder(_folder);
        return Tool.Run(environment, Interpreter, "-c", script).Succeeded();
    }

    private string Slides()
    {
        string slides = Directory.CreateDirectory(Path.Combine(_folder, "slides")).FullName;
        TestSlides.Ramp(Path.Combine(slides, "ramp.tif"), 800, 600, 0.5);
        return slides;
    }
}
