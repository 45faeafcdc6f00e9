using BitMiracle.LibTiff.Classic;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Many slides under few handles.</summary>
public sealed class SlideStoreTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private static readonly TiffFixture Fixture = new(100, 80, 32, Compression.LZW, Levels: 1);

    [Fact]
    public void Opens_when_asked_and_closes_the_one_used_longest_ago()
    {
        using var store = new SlideStore(Copies(5), maxOpen: 2);
        Assert.Equal((5, 0), (store.Count, store.OpenCount));
        Slide first;
        using (SlideStore.Lease lease = store.Rent(0))
            first = lease.Slide;
        Read(store, 1);
        using (SlideStore.Lease lease = store.Rent(0))
            Assert.Same(first, lease.Slide);
        Read(store, 2);
        using (SlideStore.Lease lease = store.Rent(0))
            Assert.Same(first, lease.Slide);
        Read(store, 3);
        Read(store, 4);
        Assert.Equal(2, store.OpenCount);
        Assert.Throws<ObjectDisposedException>(() => first.ReadRegion(0, 0, 0, 1, 1, new byte[3]));
    }

    [Fact]
    public void A_lent_slide_stays_open_beyond_the_budget()
    {
        using var store = new SlideStore(Copies(4), maxOpen: 1);
        using (SlideStore.Lease held = store.Rent(0))
        {
            using (store.Rent(1))
                Assert.Equal(2, store.OpenCount);
            Read(store, 2);
            Read(store, 3);
            held.Slide.ReadRegion(0, 0, 0, 1, 1, new byte[3]);
        }
        Assert.Equal(1, store.OpenCount);
    }

    [Fact]
    public void A_slide_of_OpenSlide_3_counts_for_the_cache_it_brings()
    {
        Assert.SkipUnless(OpenSlideLibrary.IsAvailable && !OpenSlideLibrary.HasCacheControl,
            "OpenSlide 3.4 is not installed on this machine.");
        using var store = new SlideStore([.. Enumerable.Repeat(TestData.Path("formats", "osp-boxes.tiff"), 4)], maxOpen: 17,
            SlideReader.OpenSlide);
        for (int slide = 0; slide < store.Count; slide++)
            Read(store, slide);
        Assert.Equal(2, store.OpenCount);
        using var alone = new SlideStore([TestData.Path("formats", "osp-boxes.tiff")], maxOpen: 1, SlideReader.OpenSlide);
        Read(alone, 0);
        Assert.Equal(1, alone.OpenCount);
    }

    [Fact]
    public void A_slide_that_is_refused_leaves_the_others_alone()
    {
        using var store = new SlideStore([.. Copies(1), Path.Combine(folder.Path, "none.svs")]);
        SlideException refusal = Assert.Throws<SlideException>(() => store.Rent(1));
        Assert.Equal(SlideFault.NotFound, refusal.Fault);
        Assert.Same(refusal, Assert.Throws<SlideException>(() => store.Rent(1)));
        Read(store, 0);
    }

    [Fact]
    public void Many_threads_share_it_and_handles_stay_in_the_budget()
    {
        const int Slides = 60, Budget = 7, Threads = 6;
        using var store = new SlideStore(Copies(Slides), Budget);
        byte[] expected = TiffFixture.Region(0, 11, 7, 40, 40);
        int most = 0;
        Parallel.For(0, Threads, thread =>
        {
            var random = new Random(thread);
            byte[] rgb = new byte[40 * 40 * 3];
            for (int i = 0; i < 300; i++)
            {
                store.ReadRegion(random.Next(Slides), 0, 11, 7, 40, 40, rgb, 120);
                Assert.True(rgb.AsSpan().SequenceEqual(expected));
                InterlockedMax(ref most, store.OpenCount);
            }
        });
        Assert.InRange(most, 1, Budget + Threads);
        Assert.InRange(store.OpenCount, 1, Budget);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (int seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, value, seen);
    }

    private List<string> Copies(int count)
    {
        string path = Fixture.Write(folder.Path);
        var copies = new List<string>();
        for (int i = 0; i < count; i++)
        {
            copies.Add($"{path}.{i}.tif");
            File.Copy(path, copies[i]);
        }
        return copies;
    }

    private static void Read(SlideStore store, int slide) => store.ReadRegion(slide, 0, 3, 3, 4, 4, new byte[48], 12);
}
