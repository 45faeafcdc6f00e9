using SSLP.Data.Loading;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Loading;

public sealed class ReplacingReaderTests
{
    [Fact]
    public void A_bad_patch_is_replaced_by_another_of_its_slide()
    {
        using var source = new TestPatches(slides: 3, side: 5, bad: [30, 31]);
        var reader = new ReplacingReader(source, seed: 4);
        byte[] rgb = new byte[8 * 8 * 3];
        int read = reader.Read(30, 0, rgb);
        Assert.NotEqual(30, read);
        Assert.Equal(1, source.Table.SlideOf[read]);
        Assert.Equal(TestPatches.Pixel(read, 17), rgb[17]);
        Assert.Empty(reader.Report());
        reader.Delivered(0);
        SlideFaults faults = Assert.Single(reader.Report());
        Assert.Equal(("slide1", false), (faults.Slide, faults.Quarantined));
        Assert.Contains("does not decode", faults.FirstReason, StringComparison.Ordinal);
        Assert.True(reader.Replaced >= 1);
    }

    [Fact]
    public void A_good_patch_is_itself()
    {
        using var source = new TestPatches(2, 3);
        var reader = new ReplacingReader(source, 1);
        Assert.Equal(4, reader.Read(4, 0, new byte[192]));
        reader.Delivered(0);
        Assert.Empty(reader.Report());
        Assert.Equal(0, reader.Replaced);
    }

    [Fact]
    public void While_every_patch_reads_nothing_of_their_number_is_held()
    {
        using var source = new TestPatches(slides: 3, side: 200);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new ReplacingReader(source, 1);
        Assert.Equal(4, reader.Read(4, 0, new byte[192]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, source.Table.Count / 2);
    }

    [Fact]
    public void A_slide_past_its_budget_is_quarantined_and_others_stand_in()
    {
        using var source = new TestPatches(slides: 2, side: 5, bad: Enumerable.Range(0, 25));
        var reader = new ReplacingReader(source, seed: 9);
        for (int p = 0; p < 25; p++)
        {
            Assert.Equal(1, source.Table.SlideOf[reader.Read(p, p, new byte[192])]);
            reader.Delivered(p);
        }
        Assert.True(Assert.Single(reader.Report()).Quarantined);
        int asked = source.Asked.Count;
        reader.Read(3, 25 + ReplacingReader.Lag, new byte[192]);
        Assert.Equal(asked + 1, source.Asked.Count);
    }

    [Fact]
    public void A_patch_is_not_tried_twice()
    {
        using var source = new TestPatches(1, 5, bad: [7]);
        var reader = new ReplacingReader(source, 1);
        reader.Read(7, 0, new byte[192]);
        reader.Read(7, 1, new byte[192]);
        Assert.Equal(1, source.Asked.Count(p => p == 7));
    }

    /// <summary>Twenty patches of a slide of 100 are bad; batches are of 5. Some are read far ahead, in any order, before they are
    /// delivered.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(ReplacingReader.Lag)]
    public void What_a_batch_shows_does_not_depend_on_how_far_ahead_it_was_read(int ahead)
    {
        (int[] ids, LoaderFaults state) = ReadAll(ahead, resumeAt: null);
        (int[] expected, LoaderFaults expectedState) = ReadAll(ahead: 2, resumeAt: null);
        Assert.Equal(expected, ids);
        AssertSame(expectedState, state);
        Assert.True(Assert.Single(state.Slides).Quarantined);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(60)]
    [InlineData(130)]
    public void A_reader_that_takes_the_state_goes_on_as_the_first_would_have(int resumeAt)
    {
        (int[] expected, LoaderFaults expectedState) = ReadAll(ahead: 8, resumeAt: null);
        (int[] ids, LoaderFaults state) = ReadAll(ahead: 8, resumeAt);
        Assert.Equal(expected, ids);
        AssertSame(expectedState, state);
    }

    private static (int[] Ids, LoaderFaults State) ReadAll(int ahead, int? resumeAt)
    {
        const int batches = 200, size = 5;
        using var source = new TestPatches(slides: 2, side: 10, bad: Enumerable.Range(0, 20).Select(i => i * 5));
        var reader = new ReplacingReader(source, seed: 3);
        int[] ids = new int[batches * size];
        int read = 0;
        for (int delivered = 0; delivered < batches; delivered++)
        {
            if (delivered == resumeAt)
            {
                LoaderFaults state = reader.State();
                reader = new ReplacingReader(source, seed: 3);
                reader.Load(state);
                read = delivered; // what was read ahead is lost with the process
            }
            int end = Math.Min(batches, delivered + ahead);
            if (end > read)
            {
                (int first, int last) = (read, end);
                Parallel.For(first * size, last * size, new ParallelOptions { MaxDegreeOfParallelism = 4 },
                    i => ids[i] = reader.Read(i * 7 % 200, i / size, new byte[192]));
                read = end;
            }
            reader.Delivered(delivered);
        }
        return (ids, reader.State());
    }

    private static void AssertSame(LoaderFaults expected, LoaderFaults found)
    {
        Assert.Equal(expected.Failed, found.Failed);
        Assert.Equal(expected.Slides.Select(s => s with { FirstReason = "" }), found.Slides.Select(s => s with { FirstReason = "" }));
        Assert.Equal(expected.QuarantinedFrom, found.QuarantinedFrom);
        Assert.Equal(expected.Replaced, found.Replaced);
    }
}
