namespace SSLP.Data.Tissue;

/// <summary>Otsu's thresholds: those that maximise the variance between the classes they make. IEEE Trans. SMC 9(1):62–66, 1979.</summary>
internal static class Otsu
{
    /// <summary>The threshold between two classes, over the pixels that are not left out; a value above it is of the upper class.</summary>
    public static int OfTwo(byte[] values, BinaryImage except)
    {
        double[] counts = Counts(values, except);
        double total = counts.Sum(), mean = 0, below = 0, meanBelow = 0, best = -1;
        for (int v = 0; v < 256; v++)
            mean += v * counts[v];
        int threshold = 0;
        for (int v = 0; v < 255; v++)
        {
            below += counts[v];
            meanBelow += v * counts[v];
            if (below == 0 || below == total)
                continue;
            double difference = (meanBelow / below) - ((mean - meanBelow) / (total - below));
            double between = below * (total - below) * difference * difference;
            if (between > best)
                (best, threshold) = (between, v);
        }
        return threshold;
    }

    /// <summary>
    /// The lower of the two thresholds between three classes: glass, faint and dense. Where the dense are so strong that glass and faint
    /// fall into one class, the valley between those two is taken instead, if there is one: haze has none.
    /// </summary>
    public static int LowerOfThree(byte[] values, BinaryImage except)
    {
        double[] counts = Counts(values, except);
        int threshold = LowerOfThree(counts);
        return Valley(counts, threshold) ?? threshold;
    }

    private static int LowerOfThree(double[] counts)
    {
        // Sums of counts and of values below v; a class of no pixels adds nothing to the variance between.
        double[] below = new double[257], sum = new double[257];
        for (int v = 0; v < 256; v++)
            (below[v + 1], sum[v + 1]) = (below[v] + counts[v], sum[v] + (v * counts[v]));
        double best = -1;
        int threshold = 0;
        for (int low = 0; low < 254; low++)
            for (int high = low + 1; high < 255; high++)
            {
                double between = Squared(0, low + 1) + Squared(low + 1, high + 1) + Squared(high + 1, 256);
                if (between > best)
                    (best, threshold) = (between, low);
            }
        return threshold;

        // n·mean² of the values from … to − 1.
        double Squared(int from, int to)
        {
            double n = below[to] - below[from], values = sum[to] - sum[from];
            return n == 0 ? 0 : values * values / n;
        }
    }

    /// <summary>The deepest place between the two highest humps of the values up to <paramref name="top"/>; null where there is one hump
    /// only.</summary>
    private static int? Valley(double[] counts, int top)
    {
        const int Reach = 2, LeastWidth = 8;
        const double LeastShare = 0.1, Depth = 0.5;
        double[] smooth = new double[top + 1];
        for (int v = 0; v <= top; v++)
            for (int near = Math.Max(0, v - Reach); near <= Math.Min(255, v + Reach); near++)
                smooth[v] += counts[near];
        int first = Array.IndexOf(smooth, smooth.Max()), second = -1, valley = -1;
        for (int v = 0; v <= top; v++)
        {
            if (Math.Abs(v - first) < LeastWidth || v == top || smooth[v] < smooth[v + 1])
                continue;
            int deepest = Deepest(Math.Min(first, v), Math.Max(first, v));
            if (smooth[deepest] < Depth * smooth[v] && (second < 0 || smooth[v] > smooth[second]))
                (second, valley) = (v, deepest);
        }
        // A hump of a few pixels is dirt; one smaller than what is dense is glass beside a white that was filled in.
        double below = counts.Take(valley + 1).Sum(), above = counts.Take(top + 1).Sum() - below, dense = counts.Sum() - below - above;
        return second >= 0 && Math.Min(below, above) > LeastShare * (below + above) && above > dense ? valley : null;

        int Deepest(int from, int to)
        {
            int at = from;
            for (int v = from; v <= to; v++)
                if (smooth[v] < smooth[at])
                    at = v;
            return at;
        }
    }

    private static double[] Counts(byte[] values, BinaryImage except)
    {
        double[] counts = new double[256];
        for (int i = 0; i < values.Length; i++)
            if (!except.Pixels[i])
                counts[values[i]]++;
        return counts;
    }
}
