using PureHDF;
using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

/// <summary>What a coordinate file claims and does not have: no byte of it makes the reader allocate much more than the file
/// holds.</summary>
public sealed class Hdf5ClaimsTests : IDisposable
{
    /// <summary>The reader's own buffers and PureHDF's tables; a chunk of a few kilobytes may unpack to a thousand times as much.</summary>
    private const long MostBytes = 64 << 20;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("claims-1.7GB.h5")]
    [InlineData("claims-0.7GB-of-2kB.h5")]
    public void A_reported_file_that_claims_more_than_it_has_is_refused_in_bounded_memory(string name)
    {
        (long allocated, string? fault) = Read(File.ReadAllBytes(TestData.Path("reported", "hostile", name)));
        Assert.Contains("damaged", fault, StringComparison.Ordinal);
        Assert.InRange(allocated, 0, MostBytes);
    }

    [Fact]
    public void No_changed_bytes_of_our_own_files_allocate_much_more_than_the_file()
    {
        long[] corners = [.. Enumerable.Range(0, 64).SelectMany(i => new long[] { i % 8 * 256, i / 8 * 256 })];
        foreach (bool compact in (bool[])[true, false])
        {
            new H5File
            {
                ["coords"] = new H5Dataset(corners, fileDims: [64, 2])
                {
                    Attributes = new() { ["patch_size_level0"] = 256L, ["name"] = "S1" },
                },
                Attributes = new() { ["patch_size"] = 256L },
            }.Write(_folder.File("whole.h5"), new H5WriteOptions(PreferCompactDatasetLayout: compact));
            Mutate(File.ReadAllBytes(_folder.File("whole.h5")), 700, compact ? 1 : 2);
        }
    }

    [Theory]
    [InlineData("earliest")]
    [InlineData("latest")]
    public void No_changed_bytes_of_h5pys_files_allocate_much_more_than_the_file(string version)
    {
        Python.SkipUnless("h5py", "numpy");
        string[] kinds = ["plain", "chunked", "gzip", "attributes", "strings", "groups", "growing"];
        Python.Run("""
            import h5py, numpy as np, sys
            folder, version, kinds = sys.argv[1], sys.argv[2], sys.argv[3:]
            xy = np.array([[256 + i % 8 * 256, 256 + i // 8 * 256] for i in range(64)])
            for kind in kinds:
                with h5py.File(f'{folder}/{kind}.h5', 'w', libver=version) as f:
                    extra = {'chunked': dict(chunks=(8, 2), maxshape=(None, 2)),
                             'growing': dict(chunks=(4, 2), maxshape=(None, 2), compression='gzip'),
                             'gzip': dict(chunks=(16, 2), compression='gzip', shuffle=True)}.get(kind, {})
                    d = f.create_dataset('coords', data=xy, **extra)
                    d.attrs['patch_size_level0'] = 256
                    if kind == 'attributes':
                        for i in range(20): d.attrs[f'other{i}'] = np.arange(i + 1)
                    if kind == 'strings':
                        d.attrs['name'] = 'S1'; f.attrs['unit'] = 'px'; f['barcode'] = ['a', 'bc', 'def']
                    if kind == 'groups':
                        for i in range(30): f.create_group(f'g{i}').attrs['x'] = i
            """, [Path.GetDirectoryName(_folder.File("made/x"))!, version, .. kinds]);
        foreach (string kind in kinds)
        {
            byte[] whole = File.ReadAllBytes(_folder.File($"made/{kind}.h5"));
            Assert.Null(Read(whole).Fault);
            Mutate(whole, 300, kind.Length);
        }
    }

    private void Mutate(byte[] whole, int times, int seed)
    {

        var random = new Random(seed);
        for (int i = 0; i < times; i++)
        {
            byte[] bad = [.. whole];
            for (int change = 0; change <= i % 3; change++)
            {
                int at = random.Next(whole.Length - 8);
                if (i % 4 == 0)
                    bad.AsSpan(at, 1 << random.Next(4)).Fill((byte)(random.Next(2) == 0 ? 0x7F : 0xFF));
                else if (i % 4 == 1)
                    bad[at] ^= (byte)(1 << random.Next(8));
                else
                    bad[at] = (byte)random.Next(256);
            }
            (long allocated, string? fault) = Read(bad);
            if (allocated > MostBytes)
            {
                string changed = string.Join(
                    " ", Enumerable.Range(0, whole.Length).Where(at => bad[at] != whole[at]).Select(at => $"{at}:{bad[at]:x2}"));
                Assert.Fail($"{allocated:N0} bytes of a file of {whole.Length} with {changed}: {fault}");
            }
        }
    }

    private (long Allocated, string? Fault) Read(byte[] bytes)
    {
        File.WriteAllBytes(_folder.File("h5/S1.h5"), bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string? fault = null;
        try
        {
            CoordinateFiles.Read(_folder.File("h5"), [new SlideFile("S1.tif", "")]);
        }
        catch (Fault e)
        {
            fault = e.Message;
        }
        return (GC.GetAllocatedBytesForCurrentThread() - before, fault);
    }
}
