using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Evaluation.Features;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Features;

public sealed class FeatureFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-features").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_written_comes_back(bool withEverything)
    {
        FeatureTable table = Table(withEverything);
        string path = Path.Combine(_folder, "f.h5");
        TablePatches.WriteHdf5(path, table);
        FeatureTable read = FeatureFile.ReadHdf5(path);
        Assert.Equal(table.Values, read.Values);
        Assert.Equal(table.Width, read.Width);
        Assert.Equal(table.Source, read.Source);
        Assert.Equal(table.Level0, read.Level0);
        Assert.Equal(table.Patches.HasCoordinates, read.Patches.HasCoordinates);
        Assert.Equal(table.Patches.Slides, read.Patches.Slides);
        Assert.Equal(table.Patches.SlideOf, read.Patches.SlideOf);
        Assert.Equal(table.Patches.Col, read.Patches.Col);
        Assert.Equal(table.Patches.Row, read.Patches.Row);
        Assert.Equal(table.Patches.Classes, read.Patches.Classes);
        Assert.Equal(table.Patches.LabelOf, read.Patches.LabelOf);
        Assert.Equal(table.Patches.Splits, read.Patches.Splits);
        Assert.Equal(table.Patches.SplitOf, read.Patches.SplitOf);
    }

    [Fact]
    public void H5py_and_numpy_read_the_same_numbers_from_contiguous_data_sets()
    {
        Python.SkipUnless("h5py", "numpy");
        FeatureTable table = Table(withEverything: true);
        string h5 = Path.Combine(_folder, "f.h5"), npy = Path.Combine(_folder, "f.npy");
        TablePatches.WriteHdf5(h5, table);
        TablePatches.WriteNpy(npy, table);
        string output = Python.Run(
            """
            import sys, h5py, numpy
            f = h5py.File(sys.argv[1], "r")
            x = numpy.load(sys.argv[2])
            for name in ("features", "coords", "grid", "slide", "label", "split"):
                assert f[name].chunks is None and f[name].id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS, name
            assert (f["features"][:] == x).all() and x.dtype == numpy.float32
            print(f["features"].dtype, f["features"].shape, f["coords"].dtype, f["coords"][2].tolist(), f["coords"].attrs["coords_unit"],
                  f["slide_names"].asstr()[f["slide"][1]], f["label_names"].asstr()[f["label"][2]], f["split"][:].tolist(), x[2, 4])
            """, h5, npy);
        Assert.Equal("float32 (3, 5) int64 [3000000000, 512] level0_px zwei stroma [0, 1, -1] 14.5", output.Trim());
    }

    [Fact]
    public void Slides_that_would_share_a_file_keep_their_endings()
    {
        FeatureTable table = new(
            new PatchTable(["S1.svs", "S1.tif", "S2.svs"], new[] { 0, 1, 2 }, new int[3], new int[3]), [1, 2, 3], 1, "resnet18 sslp");
        using (var source = new TablePatches(table))
        using (var sink = new SlideFilesSink(_folder, source, 1, "resnet18 sslp", "encoder", (0, 1)))
        {
            sink.Add(sink.Order, table.Values, [true, true, true]);
            sink.Complete();
        }
        Assert.Equal(["S1.svs.h5", "S1.tif.h5", "S2.h5"], Directory.GetFiles(_folder).Select(Path.GetFileName)
            .Order(StringComparer.Ordinal));
        Assert.Equal([2f], FeatureFile.ReadHdf5(Path.Combine(_folder, "S1.tif.h5")).Values);
    }

    [Fact]
    public void Rows_that_did_not_read_are_in_neither_kind_of_file()
    {
        FeatureTable table = Table(withEverything: true);
        string h5 = Path.Combine(_folder, "f.h5"), npy = Path.Combine(_folder, "f.npy");
        using (var source = new TablePatches(table))
        using (IFeatureSink hdf5 = new SingleFileSink(h5, source, table.Width, table.Source), numpy = new NpySink(npy, table.Width))
        {
            foreach (IFeatureSink sink in (IFeatureSink[])[hdf5, numpy])
            {
                sink.Add([0, 1, 2], table.Values, [true, false, true]);
                sink.Complete();
            }
        }
        FeatureTable read = FeatureFile.ReadHdf5(h5), expected = table.Select([0, 2]);
        Assert.Equal(expected.Values, read.Values);
        Assert.Equal(expected.Patches.LabelOf, read.Patches.LabelOf);
        Assert.Equal(expected.Level0, read.Level0);
        Assert.Equal(128 + (10 * sizeof(float)), new FileInfo(npy).Length);
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public void A_file_of_another_kind_is_refused_with_its_name()
    {
        string path = Path.Combine(_folder, "notes.h5");
        File.WriteAllText(path, "no HDF5 at all, but long enough to hold a signature");
        Assert.Contains("notes.h5", Assert.Throws<Fault>(() => FeatureFile.ReadHdf5(path)).Message);
    }

    [Fact]
    public void Selected_rows_take_everything_along()
    {
        FeatureTable selected = Table(withEverything: true).Select([2, 0]);
        Assert.Equal([10.5f, 11.5f, 12.5f, 13.5f, 14.5f, 0.5f, 1.5f, 2.5f, 3.5f, 4.5f], selected.Values);
        Assert.Equal([1, 0], selected.Patches.SlideOf.ToArray());
        Assert.Equal([1, 0], selected.Patches.LabelOf.ToArray());
        Assert.Equal([PatchTable.None, 0], selected.Patches.SplitOf.ToArray());
        Assert.Equal([3_000_000_000, 512, 0, 256], selected.Level0!);
    }

    private static FeatureTable Table(bool withEverything) => new(
        new PatchTable(
            ["eins", "zwei"], new[] { 0, 1, 1 }, new[] { 4, 5, 6 }, new[] { 1, 1, 2 },
            withEverything ? new CategoryColumn(["fat", "stroma"], new[] { 0, PatchTable.None, 1 }) : null,
            withEverything ? new CategoryColumn(["train", "val"], new[] { 0, 1, PatchTable.None }) : null,
            hasCoordinates: withEverything),
        [.. Enumerable.Range(0, 15).Select(i => i + 0.5f)], 5, "resnet18 sslp",
        withEverything ? [0, 256, 256, 256, 3_000_000_000, 512] : null);
}
