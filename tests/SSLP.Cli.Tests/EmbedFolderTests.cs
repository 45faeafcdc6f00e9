using PureHDF;
using SSLP.Data.Tiling;
using SSLP.Engine.Model;
using SSLP.Evaluation.Features;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>embed --out DIR: a file a slide, which goes on after a stop.</summary>
public sealed class EmbedFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-embed-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_file_a_slide_holds_what_one_file_of_all_holds_and_shards_make_the_whole()
    {
        Prepare();
        Succeed("--out", At("all.h5"));
        Succeed("--out", At("all.npy"), "--batch-size", "7");
        FeatureTable all = FeatureFile.ReadHdf5(At("all.h5"));
        byte[] npy = File.ReadAllBytes(At("all.npy"));
        Assert.Equal(128 + (all.Values.Length * sizeof(float)), npy.Length);
        Assert.InRange(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(npy.AsSpan(128)).ToArray()
            .Zip(all.Values, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-4f);

        Succeed("--out", At("dir"), "--shard", "2/3");
        Assert.Equal([all.Patches.Slides[1]], Slides());
        foreach (string shard in (string[])["1/3", "3/3"])
            Succeed("--out", At("dir"), "--shard", shard);
        Assert.Equal(all.Patches.Slides, Slides());
        for (int slide = 0; slide < all.Patches.Slides.Count; slide++)
        {
            FeatureTable own = FeatureFile.ReadHdf5(At($"dir/{Path.ChangeExtension(all.Patches.Slides[slide], ".h5")}"));
            int[] rows = [.. Enumerable.Range(0, all.Count).Where(i => all.Patches.SlideOf[i] == slide)];
            FeatureTable wanted = all.Select(rows);
            Assert.Equal(wanted.Level0!, own.Level0!);
            Assert.Equal(wanted.Patches.Col, own.Patches.Col);
            Assert.InRange(wanted.Values.Zip(own.Values, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-4f);
        }

        string[] Slides() => [.. Directory.GetFiles(At("dir"), "*.h5", SearchOption.AllDirectories)
            .Select(file => Assert.Single(FeatureFile.ReadHdf5(file).Patches.Slides)).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void What_is_done_is_kept_what_is_half_done_is_made_and_what_is_of_something_else_is_refused()
    {
        Prepare();
        Succeed("--out", At("dir"));
        string[] files = [.. Directory.GetFiles(At("dir"), "*.h5").Order(StringComparer.Ordinal)];
        byte[] first = File.ReadAllBytes(files[0]), last = File.ReadAllBytes(files[^1]);
        DateTime written = File.GetLastWriteTimeUtc(files[0]);
        File.Delete(files[^1]);
        // What a killed process leaves.
        File.WriteAllBytes(files[^1] + ".99999.partial", last[..(last.Length / 2)]);
        Assert.Contains($"{files.Length - 1} of {files.Length} slides", Succeed("--out", At("dir")).Error, StringComparison.Ordinal);
        Assert.Equal(written, File.GetLastWriteTimeUtc(files[0]));
        Assert.Equal(last, File.ReadAllBytes(files[^1]));
        Assert.Equal(files, Directory.GetFiles(At("dir")).Order(StringComparer.Ordinal));

        Sslp.Result other = Run("--out", At("dir"), "--precision", "bfloat16");
        Assert.Equal(1, other.ExitCode);
        Assert.Contains("another encoder or precision", other.Fault, StringComparison.Ordinal);
        File.WriteAllBytes(files[0], first[..100]);
        Assert.Contains("can't be read", Run("--out", At("dir")).Fault, StringComparison.Ordinal);
        File.Delete(files[0]);
        Succeed("--out", At("dir"));
        Assert.Equal(first, File.ReadAllBytes(files[0]));
        Assert.True(FeatureFile.ReadHdf5(files[0]).Count > 0);
        Assert.NotEmpty(Succeed("--out", At("half"), "--precision", "bfloat16").Error);
    }

    [Theory]
    [InlineData("all.h5", "--shard", "1/2", "a folder")]
    [InlineData("dir", "--shard", "0/2", "1 to n")]
    [InlineData("dir", "--shard", "3/2", "1 to n")]
    [InlineData("dir", "--shard", "x", "1 to n")]
    [InlineData("all.pt", "--batch-size", "8", "no '.pt'")]
    [InlineData("dir", "--batch-size", "0", "--batch-size")]
    public void Options_that_mean_nothing_are_refused(string path, string option, string value, string says)
    {
        Sslp.Result result = Sslp.Run("embed", "--encoder", At("e"), "--tiles", At("t"), "--out", At(path), option, value);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(says, result.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Places_of_another_size_are_said_and_places_outside_of_a_slide_are_left_out_by_count()
    {
        Prepare();
        string slide = Path.GetFileNameWithoutExtension(Directory.GetFiles(At("slides"), "*.tif").Order(StringComparer.Ordinal).First());
        Write([0, 0, 128, 0, 896, 896, 5000, 0, 0, -4000]);
        Sslp.Result some = Sslp.Run(
            "embed", "--encoder", At("e.safetensors"), "--slides", At("slides"), "--coordinates", At("h5"), "--mpp", "0.5",
            "--allow-mismatch", "--out", At("some.h5"));
        Assert.True(some.ExitCode == 0, some.Error);
        Assert.Equal(3, FeatureFile.ReadHdf5(At("some.h5")).Count);
        Assert.Contains("2 of 5 places", some.Error, StringComparison.Ordinal);
        Assert.Contains("128 px at level 0, where 64 px at 0.5 µm are 64", some.Error, StringComparison.Ordinal);
        Write([50000, 0, 60000, 0]);
        Sslp.Result none = Sslp.Run(
            "embed", "--encoder", At("e.safetensors"), "--slides", At("slides"), "--coordinates", At("h5"), "--mpp", "0.5",
            "--allow-mismatch", "--out", At("none.h5"));
        Assert.Equal(1, none.ExitCode);
        Assert.Contains("2 of 2 places", none.Fault, StringComparison.Ordinal);
        Assert.False(File.Exists(At("none.h5")));

        void Write(long[] corners)
        {
            Directory.CreateDirectory(At("h5"));
            new H5File
            {
                ["coords"] = new H5Dataset(corners, fileDims: [(ulong)corners.Length / 2, 2])
                {
                    Attributes = new() { ["patch_size_level0"] = 128L },
                },
            }.Write(At($"h5/{slide}.h5"));
        }
    }

    [Fact]
    public void H5py_reads_each_file_as_CLAM_and_TRIDENT_do()
    {
        Python.SkipUnless("h5py", "numpy");
        Prepare();
        Succeed("--out", At("dir"));
        using var manifest = TileManifest.Open(At("tiles.sslp"));
        string printed = Python.Run("""
            import h5py, glob, sys, os
            total = 0
            for path in sorted(glob.glob(sys.argv[1] + '/*.h5')):
                with h5py.File(path, 'r') as f:
                    x, c = f['features'], f['coords']
                    assert x.dtype == 'float32' and x.ndim == 2 and x.shape[0] == c.shape[0] and c.dtype == 'int64' and x.chunks is None
                    a = c.attrs
                    assert a['name'] == os.path.basename(path)[:-3], a['name']
                    assert int(a['patch_size']) == 64 and int(a['patch_size_level0']) == 64
                    assert int(a['patch_level']) == 0 and int(a['overlap']) == 0
                    assert int(a['level0_width']) == 1024 and abs(a['level0_magnification'] - 20) < 1e-6
                    assert (c[:] % 64 == 0).all()
                    for where in [f.attrs, *[d.attrs for d in f.values()]]:
                        assert not any('/' in str(value) for value in where.values()), dict(where)
                    total += x.shape[0]
            print(total)
            """, At("dir")).Trim();
        Assert.Equal($"{manifest.Table.Count}", printed);
    }

    private void Prepare()
    {
        Ok(Sslp.Run("synth", "--out", At("slides"), "--slides", "3", "--size", "1024", "--patch", "64"));
        Ok(Sslp.Run("tile", "--slides", At("slides"), "--out", At("tiles.sslp"), "--patch", "64"));
        using ResNet network = RandomEncoder.Make(Architecture.ResNet18);
        RandomEncoder.Save(At("e.safetensors"), network, RandomEncoder.Preprocessing(64, 32));
    }

    private string At(string name) => Path.Combine(_root, name);

    private Sslp.Result Run(params string[] arguments) =>
        Sslp.Run(["embed", "--encoder", At("e.safetensors"), "--tiles", At("tiles.sslp"), "--allow-mismatch", .. arguments]);

    private Sslp.Result Succeed(params string[] arguments) => Ok(Run(arguments));

    private static Sslp.Result Ok(Sslp.Result result)
    {
        Assert.True(result.ExitCode == 0, result.Error);
        return result;
    }
}
