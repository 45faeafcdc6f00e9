using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// For each anchor the patches within the radius on its slide, their similarities, and the most similar of them, from the index that the
/// host builds once (patches sorted by slide, grid row, column; one run for each non-empty grid row of a slide).
/// </summary>
public static class SpatialNeighbours
{
    /// <summary>Grid rows that one query can reach: radii up to 128 patches.</summary>
    public const int MaxRuns = 256;

    /// <summary>A key's digits are bytes; a group has no more threads than a byte has values.</summary>
    private const int DigitBits = 8, Digits = 1 << DigitBits;

    /// <summary>
    /// rows and scores [B, capacity], by (grid row, column, bank row) as the host lists them; counts[b] counts also those without room.
    /// Where a sample is asked for, and there are more and all have room, the host's sample of them is left. auxiliary [B, A]: the most
    /// similar members, −1 where there are fewer. ⌈T⌉ binary searches, |S|·D multiply-adds; a sample costs 9·|S| random numbers.
    /// </summary>
    /// <param name="slideRuns">[slides + 1] runs of each slide.</param>
    /// <param name="runRow">[runs] grid row of a run, ascending within a slide.</param>
    /// <param name="runStart">[runs + 1] its patches in the next two.</param>
    /// <param name="sortedCol">[N] columns, ascending within a run.</param>
    /// <param name="sortedId">[N] bank rows.</param>
    /// <param name="squaredRadius">T²; a distance of exactly T is outside.</param>
    /// <param name="sample">Members to leave; 0 leaves all.</param>
    /// <param name="sampleKey">Key of the sample's random numbers.</param>
    /// <param name="step">Their stream: the training step.</param>
    public static void FindSpatialNeighbours(
        ArrayView<int> anchors, ArrayView<int> slide, ArrayView<int> col, ArrayView<int> row,
        ArrayView<int> slideRuns, ArrayView<int> runRow, ArrayView<int> runStart, ArrayView<int> sortedCol, ArrayView<int> sortedId,
        ArrayView<Float4> features, ArrayView<Float4> bank,
        ArrayView<int> rows, ArrayView<float> scores, ArrayView<int> counts, ArrayView<int> auxiliary,
        double squaredRadius, int strideQuads, int capacity, int auxiliaryCount, int sample, long sampleKey, long step)
    {
        // One group owns one anchor; a thread owns a grid row while members are found, then members.
        ArrayView<int> starts = SharedMemory.Allocate<int>(MaxRuns + 1);
        ArrayView<int> members = SharedMemory.Allocate<int>(MaxRuns);
        ArrayView<ulong> partial = SharedMemory.Allocate<ulong>(DeviceMath.GroupSize);
        ArrayView<int> digits = SharedMemory.Allocate<int>(Digits);
        int b = Grid.IdxX, anchor = anchors[b], centreCol = col[anchor], centreRow = row[anchor];
        int firstRun = slideRuns[slide[anchor]], endRun = slideRuns[slide[anchor] + 1];
        int reach = HalfWidth(squaredRadius, 0), reachRows = IntrinsicMath.Min(2 * reach + 1, MaxRuns);

        for (int line = Group.IdxX; line < reachRows; line += Group.DimX)
        {
            Run run = FindRun(line - reach, squaredRadius, centreCol, centreRow, firstRun, endRun, runRow, runStart, sortedCol);
            int found = 0;
            for (int at = run.First; at < run.End; at++)
                found += IsCentre(line - reach, sortedCol[at], centreCol) ? 0 : 1;
            members[line] = found;
        }

        Group.Barrier();
        if (Group.IdxX == 0)
        {
            int sum = 0;
            for (int line = 0; line < reachRows; line++)
            {
                starts[line] = sum;
                sum += members[line];
            }

            starts[reachRows] = sum;
            counts[b] = sum;
        }

        Group.Barrier();
        long first = (long)b * capacity;
        for (int line = Group.IdxX; line < reachRows; line += Group.DimX)
        {
            Run run = FindRun(line - reach, squaredRadius, centreCol, centreRow, firstRun, endRun, runRow, runStart, sortedCol);
            int to = starts[line];
            for (int at = run.First; at < run.End; at++)
            {
                if (IsCentre(line - reach, sortedCol[at], centreCol))
                    continue;
                if (to < capacity)
                    rows[first + to] = sortedId[at];
                to++;
            }
        }

        Group.Barrier();
        int count = IntrinsicMath.Min(starts[reachRows], capacity);
        if (sample > 0 && starts[reachRows] > sample && starts[reachRows] <= capacity)
        {
            var random = new SampleKeys((ulong)sampleKey, (ulong)step, anchor);
            KeepSample(rows, first, count, random, KeyAt(sample - 1, rows, first, count, random, digits), digits);
            count = sample;
            if (Group.IdxX == 0)
                counts[b] = sample;
        }

        for (int s = Group.IdxX; s < count; s += Group.DimX)
            scores[first + s] = Float4.Dot(features, b, bank, rows[first + s], strideQuads);

        // Ranked keys are unique: the next most similar is the largest below the last one.
        ulong last = ulong.MaxValue;
        for (int a = 0; a < auxiliaryCount; a++)
        {
            ulong best = 0;
            for (int s = Group.IdxX; s < count; s += Group.DimX)
            {
                ulong key = DeviceMath.RankedKey(scores[first + s], rows[first + s]);
                if (key < last && key > best)
                    best = key;
            }

            last = GroupReduce.Max(best, partial);
            if (Group.IdxX == 0)
                auxiliary[(long)b * auxiliaryCount + a] = last == 0 ? -1 : DeviceMath.RowOf(last);
        }
    }

    /// <summary>Random key of a member: Philox at (seed, step, anchor·2³² + bank row).</summary>
    private readonly struct SampleKeys(ulong key, ulong step, int anchor)
    {
        public ulong Of(int row) => DeviceRandom.Pair(key, step, (ulong)anchor << 32 | (uint)row);
    }

    /// <summary>The key at a place of their ascending order, a byte at a time from the top. All threads of the group get it.</summary>
    private static ulong KeyAt(int place, ArrayView<int> rows, long first, int count, SampleKeys random, ArrayView<int> digits)
    {
        ulong key = 0;
        for (int shift = 64 - DigitBits; shift >= 0; shift -= DigitBits)
        {
            Group.Barrier();
            for (int digit = Group.IdxX; digit < Digits; digit += Group.DimX)
                digits[digit] = 0;
            Group.Barrier();
            for (int s = Group.IdxX; s < count; s += Group.DimX)
            {
                // Only keys that begin like the one that is looked for.
                ulong digitAndAbove = random.Of(rows[first + s]) >> shift;
                if (digitAndAbove >> DigitBits == key)
                    Atomic.Add(ref digits[(int)(digitAndAbove & (Digits - 1))], 1);
            }

            Group.Barrier();
            int found = 0;
            while (digits[found] <= place)
            {
                place -= digits[found];
                found++;
            }

            key = key << DigitBits | (uint)found;
        }

        return key;
    }

    /// <summary>Moves the members whose keys are at most <paramref name="last"/> to the front, in the order they have.</summary>
    private static void KeepSample(ArrayView<int> rows, long first, int count, SampleKeys random, ulong last, ArrayView<int> isKept)
    {
        int kept = 0;
        for (int start = 0; start < count; start += Group.DimX)
        {
            int s = start + Group.IdxX, row = s < count ? rows[first + s] : 0;
            bool keep = s < count && random.Of(row) <= last;
            Group.Barrier();
            isKept[Group.IdxX] = keep ? 1 : 0;
            Group.Barrier();
            int before = 0, together = 0;
            for (int thread = 0; thread < Group.DimX; thread++)
            {
                before += thread < Group.IdxX ? isKept[thread] : 0;
                together += isKept[thread];
            }

            // No further back than the row was, and the group has read up to there.
            if (keep)
                rows[first + kept + before] = row;
            kept += together;
        }

        Group.Barrier();
    }

    private struct Run
    {
        public int First, End;
    }

    /// <summary>The patches of the grid row at <paramref name="down"/> from the centre whose columns are within reach.</summary>
    private static Run FindRun(
        int down, double squaredRadius, int centreCol, int centreRow, int firstRun, int endRun,
        ArrayView<int> runRow, ArrayView<int> runStart, ArrayView<int> sortedCol)
    {
        Run found = default;
        int run = LowerBound(runRow, firstRun, endRun, (long)centreRow + down);
        if (run == endRun || runRow[run] != centreRow + down)
            return found;
        int half = HalfWidth(squaredRadius, down);
        found.First = LowerBound(sortedCol, runStart[run], runStart[run + 1], (long)centreCol - half);
        found.End = LowerBound(sortedCol, found.First, runStart[run + 1], (long)centreCol + half + 1);
        return found;
    }

    private static bool IsCentre(int down, int column, int centreCol) => down == 0 && column == centreCol;

    /// <summary>Largest whole w with w² + down² below the squared radius, or −1.</summary>
    private static int HalfWidth(double squaredRadius, int down)
    {
        double left = squaredRadius - (double)down * down;
        if (left <= 0)
            return -1;
        int width = (int)Math.Sqrt(left) + 1;
        while ((double)width * width >= left)
            width--;
        return width;
    }

    private static int LowerBound(ArrayView<int> ascending, int start, int end, long value)
    {
        while (start < end)
        {
            int middle = start + (end - start) / 2;
            if (ascending[middle] < value)
                start = middle + 1;
            else
                end = middle;
        }

        return start;
    }
}
