using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Runs by itself: tiles of another size that other tests bring into the shared cache would change what its buffers can
/// take.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public class AllocationTestsAlone;

/// <summary>Reading patches from JPEG tiles makes no garbage.</summary>
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    [Theory]
    [InlineData("slides/CMU-1-Small-Region.svs", 0)]
    [InlineData("slides/CMU-1-Small-Region.svs", 77)]
    [InlineData("slides/her2st_C2.pyr.tif", 0)]
    [InlineData("slides/her2st_C2.pyr.tif", 101)]
    public void Reads_allocate_nothing_after_warm_up(string file, int offset)
    {
        using var store = new SlideStore([TestData.Path(file)], reader: SlideReader.Embedded);
        byte[] rgb = new byte[256 * 256 * 3];
        // Twice: the cache fills on the first way through.
        ReadAll();
        ReadAll();
        long before = GC.GetAllocatedBytesForCurrentThread();
        ReadAll();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void ReadAll()
        {
            SlideLevel level;
            using (SlideStore.Lease lease = store.Rent(0))
                level = lease.Slide.Levels[0];
            for (int i = 0; i < 64; i++)
                store.ReadRegion(0, 0, (i % 8 * level.TileWidth) + offset, (i / 8 * level.TileHeight) + offset, level.TileWidth,
                    level.TileHeight, rgb, level.TileWidth * 3);
        }
    }
}
