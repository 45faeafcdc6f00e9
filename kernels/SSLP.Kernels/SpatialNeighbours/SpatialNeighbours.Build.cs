namespace SSLP.Kernels;

public sealed partial class SpatialNeighbours
{
    /// <summary>Sorts the patches of each slide by (grid row, column, bank row) and notes where each grid row starts.</summary>
    private readonly ref struct IndexBuilder
    {
        private readonly int[] _slideStart;
        private readonly int[] _sortedCol;
        private readonly int[] _sortedId;
        private readonly int[] _slideRuns;
        private readonly List<int> _runRow = [];
        private readonly List<int> _runStart = [];

        public IndexBuilder(ReadOnlySpan<int> slide, ReadOnlySpan<int> col, ReadOnlySpan<int> row)
        {
            _slideStart = CountSlides(slide);
            int slides = _slideStart.Length - 1;
            _slideRuns = new int[slides + 1];
            _sortedCol = new int[slide.Length];
            _sortedId = new int[slide.Length];
            ScatterBySlide(slide);
            ulong[] keys = new ulong[LargestSlide()];
            for (int s = 0; s < slides; s++)
            {
                SortSlide(s, keys, col, row);
                _slideRuns[s + 1] = _runRow.Count;
            }
            _runStart.Add(slide.Length);
        }

        public (int[] SlideRuns, int[] RunRow, int[] RunStart, int[] SortedCol, int[] SortedId) Result =>
            (_slideRuns, _runRow.ToArray(), _runStart.ToArray(), _sortedCol, _sortedId);

        private static int[] CountSlides(ReadOnlySpan<int> slide)
        {
            int slides = 0;
            for (int i = 0; i < slide.Length; i++)
            {
                if (slide[i] < 0)
                    throw new ArgumentException($"Bank row {i} has slide {slide[i]}; slides are counted from 0.");
                slides = Math.Max(slides, slide[i] + 1);
            }
            int[] starts = new int[slides + 1];
            foreach (int s in slide)
                starts[s + 1]++;
            for (int s = 0; s < slides; s++)
                starts[s + 1] += starts[s];
            return starts;
        }

        private void ScatterBySlide(ReadOnlySpan<int> slide)
        {
            int[] next = (int[])_slideStart.Clone();
            for (int i = 0; i < slide.Length; i++)
                _sortedId[next[slide[i]]++] = i;
        }

        private int LargestSlide()
        {
            int largest = 0;
            for (int s = 0; s + 1 < _slideStart.Length; s++)
                largest = Math.Max(largest, _slideStart[s + 1] - _slideStart[s]);
            return largest;
        }

        private void SortSlide(int slide, ulong[] keys, ReadOnlySpan<int> col, ReadOnlySpan<int> row)
        {
            int start = _slideStart[slide], count = _slideStart[slide + 1] - start;
            Span<ulong> slideKeys = keys.AsSpan(0, count);
            Span<int> ids = _sortedId.AsSpan(start, count);
            for (int i = 0; i < count; i++)
                slideKeys[i] = (ulong)Ordered(row[ids[i]]) << 32 | Ordered(col[ids[i]]);
            slideKeys.Sort(ids);
            SortTies(slideKeys, ids);
            for (int i = 0; i < count; i++)
            {
                _sortedCol[start + i] = col[ids[i]];
                if (i == 0 || slideKeys[i] >> 32 != slideKeys[i - 1] >> 32)
                {
                    _runRow.Add(row[ids[i]]);
                    _runStart.Add(start + i);
                }
            }
        }

        /// <summary>Signed order as unsigned order.</summary>
        private static uint Ordered(int value) => (uint)value ^ 0x8000_0000;

        /// <summary>Patches at the same coordinates come in the order of their bank rows: the sort above is not stable.</summary>
        private static void SortTies(ReadOnlySpan<ulong> keys, Span<int> ids)
        {
            for (int start = 0, end; start < keys.Length; start = end)
            {
                for (end = start + 1; end < keys.Length && keys[end] == keys[start];)
                    end++;
                if (end - start > 1)
                    ids[start..end].Sort();
            }
        }
    }
}
