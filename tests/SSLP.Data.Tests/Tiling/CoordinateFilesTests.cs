using PureHDF;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

/// <summary>Coordinate files as other programs write them, and as they should not be.</summary>
public sealed class CoordinateFilesTests : IDisposable
{
    private static readonly long[] Grid =
        [.. Enumerable.Range(0, 16).SelectMany(i => new long[] { 256 + (i % 4 * 256), 256 + (i / 4 * 256) })];

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("0-trident-control", 16, null)]
    [InlineData("9-coords-float32", 16, null)]
    [InlineData("3-clam-step-128", 64, "overlap")]
    [InlineData("19-duplicate-row", 16, "1 of its places twice")]
    [InlineData("6-clam-and-trident-names", 16, "the same places")]
    [InlineData("24-lock-and-temp", 16, null)]
    public void Reported_files_give_every_place_once(string folder, int patches, string? note)
    {
        CoordinateReading reading = CoordinateFiles.Read(TestData.Path("reported", "coords", folder),
            SlideListing.List(TestData.Path("reported", "coords", "slides")));
        Assert.Equal(patches, reading.Points.Table.Count);
        Assert.True(reading.Points.Table.HasCoordinates);
        Assert.All(reading.Points.X, x => Assert.InRange(x, 128, 1536 - 128));
        if (note is null)
            Assert.Empty(reading.Notes);
        else
            Assert.Contains(note, Assert.Single(reading.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reported_name_of_two_slides_is_refused()
    {
        IReadOnlyList<SlideFile> slides = SlideListing.List(TestData.Path("reported", "coords", "slides-nested"));
        Fault fault = Assert.Throws<Fault>(
            () => CoordinateFiles.Read(TestData.Path("reported", "coords", "21-slide-in-subfolder"), slides));
        Assert.Contains("caseA/S1.svs or caseB/S1.svs", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_type_of_number_is_read_as_what_it_is()
    {
        Write("S1", Array.ConvertAll(Grid, v => (byte)(v / 128)), 2);
        CoordinateReading first = Read();
        double[] expected = [.. first.Points.X];
        Assert.Equal(16, expected.Length);
        foreach (object coords in (object[])[
            Array.ConvertAll(Grid, v => (sbyte)(v / 128)), Array.ConvertAll(Grid, v => (short)(v / 128)),
            Array.ConvertAll(Grid, v => (ushort)(v / 128)),
            Array.ConvertAll(Grid, v => (int)v / 128), Array.ConvertAll(Grid, v => (uint)v / 128), Array.ConvertAll(Grid, v => v / 128),
            Array.ConvertAll(Grid, v => (ulong)v / 128),
            Array.ConvertAll(Grid, v => (Half)(v / 128)), Array.ConvertAll(Grid, v => v / 128f), Array.ConvertAll(Grid, v => v / 128d)])
            foreach (object size in (object[])[2, 2L, (byte)2, 2f, 2d, (Half)2, (ushort)2, 2UL])
            {
                Write("S1", coords, size);
                Assert.Equal(expected, Read().Points.X);
            }
    }

    [Theory]
    [InlineData(0.5f, "no whole pixel")]
    [InlineData(float.NaN, "no whole pixel")]
    [InlineData(float.PositiveInfinity, "no place")]
    [InlineData(1e30f, "no place")]
    public void A_float_that_is_no_place_is_refused(float value, string says)
    {
        float[] coords = Array.ConvertAll(Grid, v => (float)v);
        coords[5] = value;
        Write("S1", coords, 256);
        Assert.Contains(says, Assert.Throws<Fault>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_come_from_every_attribute_that_programs_write()
    {
        foreach ((Dictionary<string, object> attributes, double size) in ((Dictionary<string, object>, double)[])[
            (new() { ["patch_size"] = 256L, ["patch_size_level0"] = 512L }, 512),
            (new() { ["patch_size"] = 256L, ["patch_level"] = 0L }, 256),
            (new() { ["patch_size"] = 256L, ["patch_level"] = 1L, ["downsample"] = new[] { 2.0, 2.0 } }, 512),
            (new() { ["patch_size"] = 256L, ["level0_magnification"] = 40L, ["target_magnification"] = 20.0 }, 512)])
        {
            Write("S1", Array.ConvertAll(Grid, v => 2 * v), attributes);
            Assert.Equal((512 + (size / 2)), Read().Points.X[0]);
        }
        Write("S1", Grid, new Dictionary<string, object> { ["patch_size"] = 256L, ["patch_level"] = 1L });
        Assert.Contains("at which scale", Assert.Throws<Fault>(() => Read()).Message, StringComparison.Ordinal);
        Write("S1", Grid, new Dictionary<string, object>());
        Assert.Contains("patch_size_level0", Assert.Throws<Fault>(() => Read()).Message, StringComparison.Ordinal);
        Write("S1", Grid, new Dictionary<string, object> { ["patch_size_level0"] = "256" });
        Assert.Contains("patch_size_level0 is not read", Assert.Throws<Fault>(() => Read()).Message, StringComparison.Ordinal);
        Write("S1", Grid, new Dictionary<string, object> { ["patch_size_level0"] = new[] { 256L, 128L } });
        Assert.Contains("256 and 128, and patches are square", Assert.Throws<Fault>(() => Read()).Message, StringComparison.Ordinal);
        Write("S1", Grid, new Dictionary<string, object>
        { ["patch_size"] = 128L, ["patch_level"] = 1L, ["downsample"] = new[] { 2.0001, 2.0004 } });
        Assert.Equal(16, Read().Points.X.Count);
    }

    [Fact]
    public void STAMP_counts_in_micrometres()
    {
        var file = new H5File
        {
            ["coords"] = new H5Dataset(Array.ConvertAll(Grid, v => v * 0.5f), fileDims: [16, 2]),
            ["feats"] = new H5Dataset(new float[32], fileDims: [16, 2]),
            Attributes = new() { ["unit"] = "um", ["tile_size_um"] = 128.0, ["tile_size_px"] = 224L },
        };
        file.Write(_folder.File("h5/S1.h5"));
        TestSlides.Stained(_folder.File("S1.tif"), 1536, 0, 0, 1536, 1536);
        LabelledPoints points = Read().Points;
        Assert.Equal((384, 384), (points.X[0], points.Y[0]));
        Assert.Equal((3, 0), (points.Table.Col[3], points.Table.Row[3]));
    }

    [Theory]
    [InlineData("um", 384)]
    [InlineData("µm", 384)]
    [InlineData("microns", 384)]
    [InlineData("px", null)]
    [InlineData("mm", null)]
    public void A_unit_is_read_or_named(string unit, int? x)
    {
        new H5File
        {
            ["coords"] = new H5Dataset(Array.ConvertAll(Grid, v => v * 0.5f), fileDims: [16, 2]),
            Attributes = new() { ["unit"] = unit, ["tile_size_um"] = 128.0 },
        }.Write(_folder.File("h5/S1.h5"));
        TestSlides.Stained(_folder.File("S1.tif"), 1536, 0, 0, 1536, 1536);
        if (x is { } first)
            Assert.Equal(first, Read().Points.X[0]);
        else
            Assert.Contains(unit == "px" ? "patch's size" : "'mm'", Assert.Throws<Fault>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HEST_writes_sizes_beside_its_images()
    {
        foreach ((Dictionary<string, object> attributes, double size) in ((Dictionary<string, object>, double)[])[
            (new() { ["patch_size_src"] = 512L, ["patch_size_target"] = 224L, ["downsample"] = 512 / 224.0 }, 512),
            (new() { ["patch_size_target"] = 224L, ["downsample"] = 2.0 }, 448)])
        {
            new H5File
            {
                ["coords"] = new H5Dataset(Array.ConvertAll(Grid, v => 2 * v), fileDims: [16, 2]),
                ["img"] = new H5Dataset(new byte[16 * 2 * 2 * 3], fileDims: [16, 2, 2, 3]) { Attributes = attributes },
            }.Write(_folder.File("h5/S1.h5"));
            CoordinateReading reading = Read();
            Assert.Equal(512 + (size / 2), reading.Points.X[0]);
            Assert.Equal((size, size), reading.Sizes[0]);
        }
    }

    [Fact]
    public void Empty_foreign_and_broken_files_are_named_and_the_rest_is_done()
    {
        Write("S1", Grid, 256L);
        Write("S9", Grid, 256L);
        new H5File { ["coords"] = new H5Dataset(Array.Empty<long>(), fileDims: [0, 2]) }.Write(_folder.File("h5/S2.h5"));
        new H5File { ["features"] = new H5Dataset(new float[4], fileDims: [2, 2]) }.Write(_folder.File("h5/S3.h5"));
        new H5File { ["coords"] = new H5Dataset(new long[4], fileDims: [4]) }.Write(_folder.File("h5/S4.h5"));
        File.WriteAllBytes(_folder.File("h5/S5.h5"), []);
        _folder.Text("h5/S6.h5", "no HDF5");
        _folder.Text("h5/._S1.h5", "fork");
        _folder.Text("h5/S1.h5.lock", "");
        CoordinateReading reading = Read([.. Enumerable.Range(1, 6).Select(i => $"S{i}.tif")]);
        Assert.Equal(16, reading.Points.Table.Count);
        Assert.Equal(6, reading.Notes.Count);
        foreach (string file in (string[])["S2.h5", "S3.h5", "S4.h5", "S5.h5", "S6.h5", "S9"])
            Assert.Contains(reading.Notes, note => note.Contains(file, StringComparison.Ordinal));
    }

    [Fact]
    public void A_slide_is_found_by_stem_name_path_and_case_folder()
    {
        foreach ((string file, string slide) in ((string, string)[])[
            ("S1.h5", "S1.svs"), ("S1_patches.h5", "S1.svs"), ("S1.svs.h5", "S1.svs"), ("S1.HDF5", "S1.svs"), ("a.b.h5", "a.b.svs"),
            ("S1.h5", "case/S1.svs"), ("case/S1.h5", "case/S1.svs"),
            ("20x/patches/case/S1_patches.h5", "case/S1.svs"), ("case.h5", "case/S1.svs")])
        {
            Write(file, Grid, 256L);
            Assert.Equal(slide, Assert.Single(
                CoordinateFiles.Read(_folder.Path, [new(slide, slide), new("other/X.svs", "")]).Points.Table.Slides));
            File.Delete(_folder.File("h5/" + file));
        }
        Write("case/S1.h5", Grid, 256L);
        Assert.Equal(["case/S1.svs"],
            CoordinateFiles.Read(_folder.Path, [new("case/S1.svs", ""), new("other/S1.svs", "")]).Points.Table.Slides);
    }

    [Fact]
    public void Two_files_that_differ_on_one_slide_leave_it_out()
    {
        Write("S1", Grid, 256L);
        Write("S1_patches", Grid[..8], 256L);
        Write("S2", Grid, 256L);
        CoordinateReading reading = Read("S1.tif", "S2.tif");
        Assert.Equal(["S2.tif"], reading.Points.Table.Slides);
        Assert.Contains("different places", Assert.Single(reading.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Overlapping_patches_go_on_a_finer_grid_and_what_fits_none_is_kept_or_left_out_by_count()
    {
        long[] half = [.. Enumerable.Range(0, 9).SelectMany(i => new long[] { i % 3 * 128, i / 3 * 128 })];
        Write("S1", half, 256L);
        CoordinateReading finer = Read(spatial: true);
        Assert.Equal([0, 1, 2, 0, 1, 2, 0, 1, 2], finer.Points.Table.Col.ToArray());
        Assert.Contains("1/2 of a patch", Assert.Single(finer.Notes), StringComparison.Ordinal);

        // Pieces of tissue with grids of their own: two places a third of a patch apart.
        Write("S1", (long[])[.. Grid, 256 + 77, 256 + 3, 256 + 513, 256 + 1030], 256L);
        CoordinateReading all = Read(), spatial = Read(spatial: true);
        Assert.Equal((18, false), (all.Points.Table.Count, all.Points.Table.HasCoordinates));
        Assert.Equal((17, true), (spatial.Points.Table.Count, spatial.Points.Table.HasCoordinates));
        Assert.Contains("1 of 18 patches", Assert.Single(spatial.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void H5pys_big_endian_LZF_and_compound_are_refused_by_name_and_gzip_shuffle_and_chunks_are_read()
    {
        Python.SkipUnless("h5py", "numpy");
        string[] kinds = ["big", "bigattr", "lzf", "compound", "bool", "wide", "gzip", "float32", "uint16", "scalar"];
        Python.Run("""
            import h5py, numpy as np, sys
            xy = np.array([[256 + i % 4 * 256, 256 + i // 4 * 256] for i in range(16)])
            for kind in sys.argv[2:]:
                with h5py.File(f'{sys.argv[1]}/{kind}.h5', 'w') as f:
                    extra = dict(chunks=(3, 2), maxshape=(None, 2)) if kind in ('lzf', 'gzip') else {}
                    if kind == 'lzf': extra['compression'] = 'lzf'
                    if kind == 'gzip': extra.update(compression='gzip', shuffle=True, fletcher32=True)
                    data = xy.astype({'big': '>i4', 'float32': 'f4', 'uint16': 'u2'}.get(kind, 'i8'))
                    if kind == 'compound': data = np.array([(1, 2)], dtype=[('x', 'i4'), ('y', 'i4')])
                    if kind == 'bool': data = np.zeros((4, 2), dtype=bool)
                    if kind == 'wide': data = np.zeros((4, 4), dtype='i8')
                    if kind == 'scalar': data = np.int64(3)
                    d = f.create_dataset('coords', data=data, **extra)
                    d.attrs['patch_size_level0'] = np.array(256, dtype='>i8' if kind == 'bigattr' else 'i8')
            """, [Directory.CreateDirectory(_folder.File("h5/x")[..^2]).FullName, .. kinds]);
        CoordinateReading reading = Read([.. kinds.Select(kind => kind + ".tif")]);
        Assert.Equal(["float32.tif", "gzip.tif", "uint16.tif"], reading.Points.Table.Slides);
        Assert.Equal(48, reading.Points.Table.Count);
        foreach ((string kind, string says) in ((string, string)[])[
            ("big", "big-endian"), ("bigattr", "big-endian"), ("lzf", "LZF"), ("compound", "Compound"), ("bool", "Enumerated"),
            ("wide", "4 × 4"), ("scalar", "N × 2")])
            Assert.Contains(says, reading.Notes.Single(note => note.Contains($"/{kind}.h5", StringComparison.Ordinal)),
                StringComparison.Ordinal);
    }

    private CoordinateReading Read(params string[] slides) => Read(false, slides);

    private CoordinateReading Read(bool spatial, params string[] slides) => CoordinateFiles.Read(Path.Combine(_folder.Path, "h5"),
        [.. (slides.Length == 0 ? ["S1.tif"] : slides).Select(name => new SlideFile(name, _folder.File(name)))], spatial);

    private void Write(string name, object coords, object size) =>
        Write(name, coords, size as Dictionary<string, object> ?? new Dictionary<string, object> { ["patch_size_level0"] = size });

    private void Write(string name, object coords, Dictionary<string, object> attributes) => new H5File
    {
        ["coords"] = new H5Dataset(coords, fileDims: [(ulong)((Array)coords).Length / 2, 2]) { Attributes = attributes },
    }.Write(_folder.File("h5/" + (Path.HasExtension(name) ? name : name + ".h5")));
}
