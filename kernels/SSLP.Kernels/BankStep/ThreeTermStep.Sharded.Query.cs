using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

internal sealed unsafe partial class ThreeTermStepSharded
{
    /// <summary>Scores of a query's candidates in one process.</summary>
    private readonly record struct Spread(float Least, float Most, double Sum, long Count)
    {
        public static Spread None => new(float.PositiveInfinity, float.NegativeInfinity, 0, 0);

        public static Spread Of(ReadOnlySpan<float> scores) => scores.IsEmpty ? None : new(
            TensorPrimitives.Min(scores), TensorPrimitives.Max(scores), TensorPrimitives.Sum(scores), scores.Length);

        public Spread And(Spread other) => new(
            Math.Min(Least, other.Least), Math.Max(Most, other.Most), Sum + other.Sum, Count + other.Count);
    }

    /// <summary>A query of the running block and its candidates among this process's rows, which are counted from 0 here.</summary>
    private sealed class Query
    {
        /// <summary>The anchor's place in the batch.</summary>
        public int Anchor { get; private set; }

        /// <summary>The row of the bank that it is: never its own neighbour.</summary>
        public int Own { get; private set; }

        /// <summary>Or an auxiliary one.</summary>
        public bool IsAnchor { get; private set; }

        /// <summary>Which vector of the anchors' or the auxiliary ones'.</summary>
        public int Vector { get; private set; }

        /// <summary>Ranks that the candidates of all processes reach.</summary>
        public int Needed { get; private set; }

        public CandidateList List { get; set; } = null!;

        public BinMap Map { get; set; }

        /// <summary>Bins of its histogram.</summary>
        public int Bins { get; set; }

        /// <summary>Where it starts.</summary>
        public int Start { get; set; }

        /// <summary>The bin that the K-th nearest key lies in, how many of it are wanted, and the last of these.</summary>
        public int NearestBin { get; set; }

        public int NearestInBin { get; set; }

        public ulong LastKey { get; set; }

        public void Set(int anchor, int own, bool isAnchor, int vector, int needed) =>
            (Anchor, Own, IsAnchor, Vector, Needed) = (anchor, own, isAnchor, vector, needed);

        /// <summary>Takes the own row out and measures the others.</summary>
        public Spread Measure(int own)
        {
            var scores = new ReadOnlySpan<float>(List.Scores, List.Count);
            int at = own < 0 ? -1 : List.Find(own);
            if (at < 0)
                return Spread.Of(scores);
            List.Scores[at] = float.NaN;
            return Spread.Of(scores[..at]).And(Spread.Of(scores[(at + 1)..]));
        }

        public void Fill(Span<int> counts)
        {
            float* scores = List.Scores;
            BinMap.Vectors map = Map.Widen();
            int* bins = stackalloc int[Compaction.Lanes];
            int whole = Compaction.IsSupported ? List.Count & -Compaction.Lanes : 0;
            for (int i = 0; i < whole; i += Compaction.Lanes)
            {
                map.BinsOf(Vector256.Load(scores + i)).Store(bins);
                for (int lane = 0; lane < Compaction.Lanes; lane++)
                    if (bins[lane] < counts.Length) // the own row has none
                        counts[bins[lane]]++;
            }
            for (int i = whole; i < List.Count; i++)
                if (!float.IsNaN(scores[i]))
                    counts[Map.BinOf(scores[i])]++;
        }

        /// <summary>Keys of the candidates in some bins.</summary>
        /// <param name="isOpen">Of bins from <paramref name="firstBin"/> on, which; those beyond are not.</param>
        /// <param name="firstBin">The first that is asked about.</param>
        /// <param name="firstRow">This process's first row.</param>
        /// <param name="scratch">Of the calling thread.</param>
        /// <param name="into">Takes them.</param>
        public void Collect(ReadOnlySpan<bool> isOpen, int firstBin, int firstRow, Scratch scratch, List<ulong> into)
        {
            Span<ulong> chosen = Room(ref scratch.Chosen, List.Count / 64 + 2);
            chosen.Clear();
            int count = 0;
            for (int i = 0; i < List.Count; i++)
            {
                if (float.IsNaN(List.Scores[i]))
                    continue;
                int bin = Map.BinOf(List.Scores[i]) - firstBin;
                if ((uint)bin >= (uint)isOpen.Length || !isOpen[bin])
                    continue;
                chosen[i / 64] |= 1ul << i % 64;
                count++;
            }
            Span<int> rows = Room(ref scratch.Rows, count);
            Span<float> scores = Room(ref scratch.Scores, count);
            fixed (ulong* bits = chosen)
            {
                List.CopyRows(bits, rows);
                List.CopyScores(bits, scores);
            }
            for (int i = 0; i < count; i++)
                into.Add(RankedKey.Of(scores[i], rows[i] + firstRow));
        }

        /// <summary>Those of some rows that are among the K nearest, behind what the list holds.</summary>
        public void AddNearest(ReadOnlySpan<int> members, int firstRow, int anchor, RowLists into, int list)
        {
            foreach (int member in members)
            {
                if (member == anchor || !TryScore(member - firstRow, out float score))
                    continue;
                int bin = Map.BinOf(score);
                if (bin < NearestBin || (bin == NearestBin && NearestInBin > 0 && RankedKey.Of(score, member) >= LastKey))
                    into.Add(list, member);
            }
        }

        public bool TryScore(int row, out float score)
        {
            int at = List.Find(row);
            score = at < 0 ? float.NaN : List.Scores[at];
            return !float.IsNaN(score);
        }

        /// <summary>Takes a row out of the ranking: the bin that it was in, −1 where it is in none.</summary>
        public int Exclude(int row)
        {
            if (!TryScore(row, out float score))
                return -1;
            List.Scores[List.Find(row)] = float.NaN;
            return Map.BinOf(score);
        }
    }
}
