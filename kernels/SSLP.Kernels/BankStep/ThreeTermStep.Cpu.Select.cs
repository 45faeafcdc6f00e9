using System.Buffers;

namespace SSLP.Kernels;

internal sealed unsafe partial class ThreeTermStepCpu
{
    /// <summary>F and Q of every anchor. One item is a block of anchors: with their auxiliary anchors they share a pass over the
    /// bank.</summary>
    private sealed class Select(ThreeTermStepCpu step) : IParallelWork
    {
        private readonly List<Range> _blocks = [];
        private int[] _needed = [];
        private MatrixView _features;

        private bool ByRank => step._options.Sampling != NegativeSampling.Random;

        public void Run(MatrixView features, int batch)
        {
            _features = features;
            int perAnchor = 1 + step._options.AuxiliaryAnchors;
            if (_needed.Length < batch * perAnchor)
                _needed = new int[batch * perAnchor];
            CutBlocks(batch);
            step._pool.Run(this, _blocks.Count);
        }

        public void Execute(int item, int worker)
        {
            (CandidatePass pass, RankedCandidates ranking) = step._workers[worker];
            int first = _blocks[item].Start.Value, end = _blocks[item].End.Value;
            int queries = SetQueries(pass, first, end);
            pass.Run(_needed.AsSpan(first * (1 + step._options.AuxiliaryAnchors), queries));
            int query = end - first;
            for (int b = first; b < end; b++)
            {
                foreach (int a in step.Sets.Auxiliary[b])
                {
                    if (IsAlone(a))
                        continue;
                    ranking.Load(pass[query++]);
                    AddNearestThatAgree(ranking, a, b);
                }
                ranking.Load(pass[b - first]);
                AddNearestThatAgree(ranking, step._anchors[b], b);
                FinishFeature(ranking, b);
                TakeNegatives(ranking, b);
            }
        }

        /// <summary>A row that agrees with no other adds nothing to F as a query.</summary>
        private bool IsAlone(int row) => Agreeing(row) == 0;

        /// <summary>Other rows that agree with a row.</summary>
        private int Agreeing(int row) => step._clusters is { } clusters ? clusters.Members(row).Length - 1 : 0;

        /// <summary>
        /// Each thread's share of the anchors, cut into blocks as long as the candidates' budget allows. Blocks are whole register tiles
        /// where they can be, and the short ends of the shares come last.
        /// </summary>
        private void CutBlocks(int batch)
        {
            int perAnchor = 1 + step._options.AuxiliaryAnchors, workers = step._pool.Workers;
            int rows = step._bank.RowCount;
            long candidates = step._sample.Capacity(NeededByAnchor(rows, 0)) +
                (long)step._options.AuxiliaryAnchors * step._sample.Capacity(Math.Min(step._options.NearestKeys + 1, rows));
            long bytes = sizeof(float) * candidates + perAnchor * CandidateList.BytesBeside(rows);
            int length = (int)Math.Clamp(CandidateBudgetBytes / workers / bytes, 1, MaxBlockAnchors);
            int whole = 1;
            while (whole * perAnchor % ScorePass.QueryMultiple != 0)
                whole++;
            if (length > whole)
                length -= length % whole;
            _blocks.Clear();
            for (int start = 0, left = 1; left > 0; start += length)
            {
                left = 0;
                for (int share = 0; share < workers; share++)
                {
                    int shareEnd = (int)((long)batch * (share + 1) / workers);
                    int from = (int)((long)batch * share / workers) + start;
                    if (from >= shareEnd)
                        continue;
                    _blocks.Add(from..Math.Min(from + length, shareEnd));
                    left++;
                }
            }
        }

        /// <summary>The block's queries, anchors first, then the auxiliary ones in the order of their anchors. Returns how many.</summary>
        private int SetQueries(CandidatePass pass, int first, int end)
        {
            TermSets sets = step.Sets;
            int rows = step._bank.RowCount, queries = end - first;
            for (int b = first; b < end; b++)
            {
                foreach (int a in sets.Auxiliary[b])
                    queries += IsAlone(a) ? 0 : 1;
            }
            pass.Begin(queries);
            Span<int> needed = _needed.AsSpan(first * (1 + step._options.AuxiliaryAnchors));
            int query = end - first;
            for (int b = first; b < end; b++)
            {
                int excluded = sets.Spatial.Length(b) + AtMostNearest(step._anchors[b]);
                foreach (int a in sets.Auxiliary[b])
                {
                    excluded += AtMostNearest(a);
                    if (IsAlone(a))
                        continue;
                    needed[query] = Math.Min(step._options.NearestKeys + 1, rows);
                    pass.SetQuery(query++, step._bank.Row(a));
                }
                needed[b - first] = NeededByAnchor(rows, excluded);
                pass.SetQuery(b - first, _features.Row(b));
            }
            return queries;
        }

        /// <summary>Ranks that an anchor's list must reach: K and the own row; the last drawn rank and all excluded rows.</summary>
        private int NeededByAnchor(int rows, int excluded)
        {
            int nearest = step._options.NearestKeys + 1;
            int drawn = ByRank ? step._ranks.End + 1 + excluded : 0;
            return Math.Min(Math.Max(nearest, drawn), rows);
        }

        /// <summary>A bound on what a row adds to F as a query.</summary>
        private int AtMostNearest(int row) => Math.Min(step._options.NearestKeys, Agreeing(row));

        private void AddNearestThatAgree(RankedCandidates ranking, int own, int b)
        {
            ranking.Exclude(own);
            if (step._clusters is not { } clusters || IsAlone(own))
                return;
            ranking.FindNearest(step._options.NearestKeys);
            foreach (int member in clusters.Members(own))
            {
                if (member != step._anchors[b] && ranking.IsNearest(member))
                    step.Sets.Feature.Add(b, member);
            }
        }

        /// <summary>Sorts F, drops repeated rows and takes the similarities to the anchor.</summary>
        private void FinishFeature(RankedCandidates ranking, int b)
        {
            RowLists lists = step.Sets.Feature;
            Span<int> rows = lists.Rows(b);
            rows.Sort();
            int kept = 0;
            for (int j = 0; j < rows.Length; j++)
            {
                if (j == 0 || rows[j] != rows[j - 1])
                    rows[kept++] = rows[j];
            }
            lists.Resize(b, kept);
            Span<float> scores = lists.WritableScores(b);
            for (int j = 0; j < kept; j++)
            {
                // Most are candidates of the anchor, too: the pass has their similarity, and fetching a row costs more than its dot
                // product.
                if (!ranking.TryScore(rows[j], out scores[j]))
                    scores[j] = OrderedSums.Dot(_features.Row(b), step._bank.Row(rows[j]));
            }
        }

        private void TakeNegatives(RankedCandidates ranking, int b)
        {
            TermSets sets = step.Sets;
            if (!ByRank)
            {
                TakeByRow(b);
                return;
            }
            foreach (int row in sets.Spatial[b])
                ranking.Exclude(row);
            foreach (int row in sets.Feature[b])
                ranking.Exclude(row);
            ranking.Take(step._ranks, sets.Negatives, b);
        }

        /// <summary>Random sampling: rank r is the r-th row in bank order that is not excluded.</summary>
        private void TakeByRow(int b)
        {
            TermSets sets = step.Sets;
            int[] rented = ArrayPool<int>.Shared.Rent(1 + sets.Spatial.Length(b) + sets.Feature.Length(b));
            Span<int> excluded = rented.AsSpan(0, 1 + sets.Spatial.Length(b) + sets.Feature.Length(b));
            excluded[0] = step._anchors[b];
            sets.Spatial[b].CopyTo(excluded[1..]);
            sets.Feature[b].CopyTo(excluded[(1 + sets.Spatial.Length(b))..]);
            excluded.Sort();
            int skipped = 0, last = -1, next = 0;
            foreach (int rank in step._ranks.Ranks)
            {
                for (; next < excluded.Length && excluded[next] <= rank + skipped; next++)
                {
                    skipped += excluded[next] != last ? 1 : 0;
                    last = excluded[next];
                }
                if (rank + skipped < step._bank.RowCount)
                    sets.Negatives.Add(b, rank + skipped);
            }
            ArrayPool<int>.Shared.Return(rented);
            ReadOnlySpan<float> feature = _features.Row(b);
            Span<int> rows = sets.Negatives.Rows(b);
            Span<float> scores = sets.Negatives.WritableScores(b);
            for (int j = 0; j < rows.Length; j++)
                scores[j] = OrderedSums.Dot(feature, step._bank.Row(rows[j]));
        }
    }
}
