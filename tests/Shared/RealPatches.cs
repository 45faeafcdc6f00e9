using System.IO.Compression;
using SSLP.Data.Patches;

namespace SSLP.Tests.Shared;

/// <summary>A few patches of real tissue, spread over one slide; the test is skipped where the test data are not there.</summary>
internal sealed class RealPatches : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-patches").FullName;

    public RealPatches(int count)
    {
        using (ZipArchive zip = ZipFile.OpenRead(TestData.Path("labelled", "idc", "idc_dense_14082.zip")))
            zip.ExtractToDirectory(_folder);
        using var source =
            PatchFolder.Open(Path.GetDirectoryName(Directory.GetFiles(_folder, "patches.csv", SearchOption.AllDirectories)[0])!);
        (Count, Side) = (count, source.PatchSize);
        Rgb = new byte[count * Side * Side * 3];
        for (int i = 0; i < count; i++)
            source.Read(i * source.Table.Count / count, Rgb.AsSpan(i * Side * Side * 3, Side * Side * 3));
    }

    public int Count { get; }

    /// <summary>Pixels of a side.</summary>
    public int Side { get; }

    /// <summary>Count × Side × Side × 3.</summary>
    public byte[] Rgb { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
