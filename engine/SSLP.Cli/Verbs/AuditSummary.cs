using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;

namespace SSLP.Cli.Verbs;

/// <summary>An audit in one line: how many slides of each verdict, how many patches to expect, and what to do about the rest.</summary>
internal static class AuditSummary
{
    public static string Of(IReadOnlyList<SlideAuditRecord> records, TilingOptions cut)
    {
        IGrouping<SlideVerdict, SlideAuditRecord>[] verdicts = [.. records.GroupBy(record => record.Verdict).OrderBy(group => group.Key)];
        string counts = string.Join(", ", verdicts.Select(group => $"{group.Count():N0} {AuditTable.Words(group.Key)}"));
        int giving = records.Count(record => record.Patches > 0);
        long patches = records.Sum(record => (long)(record.Patches ?? 0));
        var ways = verdicts.Where(group => group.Key != SlideVerdict.Ok).Select(group => WayOn(group.Key, group.Count())).ToList();
        int coarse = records.Count(record => record.Verdict is SlideVerdict.Ok or SlideVerdict.DamagedTiles && record.Patches == 0
            && record.MppX > cut.Mpp && !cut.Upsample);
        if (coarse > 0)
            ways.Add(string.Create(CultureInfo.InvariantCulture,
                $"{coarse:N0} coarser than {cut.Mpp:0.####} µm/px: a coarser --mpp, or --upsample"));
        return string.Create(CultureInfo.InvariantCulture,
            $"{Counted.Slides(records.Count)}: {counts}; {patches:N0} patches of {cut.PatchSize} px at " +
            $"{cut.Mpp:0.####} µm/px on {giving:N0} of them")
            + (ways.Count > 0 ? $"; to do: {string.Join("; ", ways)}" : string.Empty);
    }

    private static string WayOn(SlideVerdict verdict, int slides) => $"{slides:N0} {AuditTable.Words(verdict)}: " + verdict switch
    {
        SlideVerdict.NoMpp => "give --assume-mpp",
        SlideVerdict.TooCoarse => "a coarser --mpp, or --upsample",
        SlideVerdict.NoTissue => "look at them; --tissue density or all takes more",
        SlideVerdict.NotBrightfield => "--tissue all takes the whole of them",
        SlideVerdict.DamagedTiles => "the rest of them serves",
        SlideVerdict.BadRegions => "mend their regions",
        SlideVerdict.Truncated => "copy them again",
        SlideVerdict.Corrupt => "get them again from where they came",
        SlideVerdict.Unsupported => "install OpenSlide 4, or convert them",
        SlideVerdict.NotASlide => "leave them out",
        SlideVerdict.NotReadable => "look at paths and rights",
        _ => "see why",
    };
}
