using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

public sealed class InterchangeTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Coordinates_written_for_CLAM_and_TRIDENT_come_back_as_the_same_patches()
    {
        SlideFile slide = new("a.tif", TestSlides.Stained(_folder.File("a.tif"), 1100, 250, 130, 600, 700));
        using TileManifest manifest = Tiler.Run([slide], new() { PatchSize = 96, Mpp = 0.61 }).Manifest;
        CoordinateFiles.Write(_folder.File("h5/x")[..^2], manifest);
        LabelledPoints points = CoordinateFiles.Read(Path.Combine(_folder.Path, "h5"), [slide]).Points;
        using SlidePatches written = SlidePatches.FromManifest(manifest), read = SlidePatches.AtPoints(points, _folder.Path, 96, 0.61);
        Assert.Equal(written.Table.Count, read.Table.Count);
        for (int i = 0; i < read.Table.Count; i++)
        {
            (long x, long y) = written.OriginLevel0(i)!.Value;
            Assert.InRange(read.OriginLevel0(i)!.Value.X - x, -1, 1);
            Assert.InRange(read.OriginLevel0(i)!.Value.Y - y, -1, 1);
            Assert.Equal(written.Table.Col[i] - written.Table.Col[0], read.Table.Col[i] - read.Table.Col[0]);
            Assert.Equal(written.Table.Row[i] - written.Table.Row[0], read.Table.Row[i] - read.Table.Row[0]);
        }
    }

    [Fact]
    public void H5py_reads_our_coordinates_and_we_read_those_it_writes()
    {
        Python.SkipUnless("h5py", "numpy");
        SlideFile slide = new("a.tif", TestSlides.Stained(_folder.File("a.tif"), 800, 0, 0, 800, 800));
        using TileManifest manifest = Tiler.Run([slide], new()).Manifest;
        string ours = CoordinateFiles.Write(_folder.File("h5/x")[..^2], manifest)[0];
        string theirs = _folder.File("clam/a.h5");
        string printed = Python.Run("""
            import h5py, sys
            with h5py.File(sys.argv[1]) as f:
                d = f['coords']
                print(d.shape, d.dtype, d.chunks, d[-1].tolist(), int(d.attrs['patch_size_level0']), d.attrs['name'],
                      d.attrs['level0_magnification'], d.attrs['target_magnification'], d.attrs['patch_level'])
                xy = d[:]
            with h5py.File(sys.argv[2], 'w') as f:
                d = f.create_dataset('coords', data=xy.astype('int32'), chunks=(2, 2), maxshape=(None, 2))
                d.attrs['patch_size'] = 256
                d.attrs['patch_level'] = 0
            """, ours, theirs).Trim();
        Assert.Equal("(9, 2) int64 None [512, 512] 256 a 20.0 20.0 0", printed);
        LabelledPoints points = CoordinateFiles.Read(Path.Combine(_folder.Path, "clam"), [slide]).Points;
        Assert.Equal(9, points.Table.Count);
        Assert.Equal((640, 640), (points.X[8], points.Y[8]));
        Assert.Equal((2, 2), (points.Table.Col[8], points.Table.Row[8]));
    }

    [Fact]
    public void Another_scale_than_the_slides_is_told_to_TRIDENT_and_kept_from_CLAM()
    {
        Python.SkipUnless("h5py", "numpy");
        SlideFile slide = new("a.tif", TestSlides.Stained(_folder.File("a.tif"), 1600, 0, 0, 1600, 1600, mpp: 0.25));
        using TileManifest manifest = Tiler.Run([slide], new()).Manifest;
        string ours = CoordinateFiles.Write(_folder.File("h5/x")[..^2], manifest)[0];
        string theirs = _folder.File("clam/a.h5");
        string printed = Python.Run("""
            import h5py, sys
            with h5py.File(sys.argv[1]) as f:
                a, xy = f['coords'].attrs, f['coords'][:]
                print(int(a['patch_size']), int(a['patch_size_level0']), a['level0_magnification'], a['target_magnification'],
                      'patch_level' in a)
            with h5py.File(sys.argv[2], 'w') as f:
                d = f.create_dataset('coords', data=xy)
                d.attrs['patch_size'] = 256
                d.attrs['patch_level'] = 1
                d.attrs['downsample'] = (2.0, 2.0)
            """, ours, theirs).Trim();
        Assert.Equal("256 512 40.0 20.0 False", printed);
        LabelledPoints points = CoordinateFiles.Read(Path.Combine(_folder.Path, "clam"), [slide]).Points;
        Assert.Equal(9, points.Table.Count);
        Assert.Equal((1280, 1280), (points.X[8], points.Y[8]));
    }

    [Fact]
    public void Coordinate_files_that_cannot_serve_are_named()
    {
        Assert.Contains("no coordinate files", Assert.Throws<Fault>(() => CoordinateFiles.Read(_folder.Path, [])).Message);
        _folder.Text("a.h5", "no HDF5");
        Assert.Contains("no slide of that name", Assert.Throws<Fault>(() => CoordinateFiles.Read(_folder.Path, [])).Message);
        Assert.Contains("a.h5", Assert.Throws<Fault>(() => CoordinateFiles.Read(_folder.Path, [new("a.svs", "a.svs")])).Message);
    }

    [Fact]
    public void Patches_written_as_JPEG_are_read_back_nearly_as_they_were()
    {
        TestSlides.Ramp(_folder.File("ramp.tif"), 400, 400, 0.5);
        var points = LabelledPoints.Read(
            _folder.Text("p.csv", "slide,col,row,x,y,label", "ramp.tif,0,0,100,100,a", "ramp.tif,2,1,300,200,b"));
        using var slides = SlidePatches.AtPoints(points, _folder.Path, 40, 1);
        Assert.Empty(PatchExport.Write(slides, _folder.File("out/x")[..^2], PatchFormat.Jpeg));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(_folder.Path, "out"), "*.jpg", SearchOption.AllDirectories).Length);
        using var folder = PatchFolder.Open(Path.Combine(_folder.Path, "out"));
        byte[] a = new byte[40 * 40 * 3], b = new byte[40 * 40 * 3];
        for (int i = 0; i < 2; i++)
        {
            slides.Read(i, a);
            folder.Read(i, b);
            Assert.InRange(a.Zip(b, (x, y) => Math.Abs(x - y)).Average(), 0, 2);
        }
    }

    [Fact]
    public void Patches_written_as_PNG_are_read_back_bit_for_bit_with_place_class_and_split()
    {
        TestSlides.Ramp(_folder.File("sub/ramp.tif"), 600, 600, 0.5);
        var points = LabelledPoints.Read(_folder.Text("p.csv", "slide,col,row,x,y,label,split",
            "sub/ramp.tif,0,0,100,100,\"fat, brown\",train", "sub/ramp.tif,2,1,300,200,stroma,val"));
        using var slides = SlidePatches.AtPoints(points, _folder.Path, 40, 1);
        Assert.Empty(PatchExport.Write(slides, _folder.File("out/x")[..^2]));
        using var folder = PatchFolder.Open(Path.Combine(_folder.Path, "out"));
        Assert.Equal(slides.Table.Slides, folder.Table.Slides);
        Assert.Equal(slides.Table.Col.ToArray(), folder.Table.Col.ToArray());
        Assert.Equal(slides.Table.Classes!, folder.Table.Classes!);
        Assert.Equal([1], folder.Table.InSplit("val"));
        byte[] a = new byte[40 * 40 * 3], b = new byte[40 * 40 * 3];
        for (int i = 0; i < 2; i++)
        {
            slides.Read(i, a);
            folder.Read(i, b);
            Assert.Equal(a, b);
        }
        Assert.Contains("already", Assert.Throws<Fault>(() => PatchExport.Write(slides, Path.Combine(_folder.Path, "out"))).Message);
    }
}
