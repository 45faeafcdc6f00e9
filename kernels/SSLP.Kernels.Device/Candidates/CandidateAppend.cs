using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>Which of a thread's rows are candidates of a query: those whose key, score first and then row, reaches the query's.</summary>
internal readonly struct CandidateTest(ArrayView<ulong> thresholds, ArrayView<int> ownRows, int queryCount, long rowCount, long firstRow)
{
    /// <summary>A bit for each of eight scores; none beyond the last query.</summary>
    public uint Of(int query, ScoreRow scores)
    {
        if (query >= queryCount)
            return 0u;
        ulong threshold = thresholds[query];
        float least = DeviceMath.SimilarityOf(threshold);
        long last = DeviceMath.RowOf(threshold), own = ownRows[query], far = firstRow + ScoreTile.FarRows;
        return One(scores.A, firstRow, least, last, own, 1u) | One(scores.B, firstRow + 1, least, last, own, 2u)
            | One(scores.C, firstRow + 2, least, last, own, 4u) | One(scores.D, firstRow + 3, least, last, own, 8u)
            | One(scores.E, far, least, last, own, 16u) | One(scores.F, far + 1, least, last, own, 32u)
            | One(scores.G, far + 2, least, last, own, 64u) | One(scores.H, far + 3, least, last, own, 128u);
    }

    // A score that is no number reaches nothing.
    private uint One(float score, long row, float least, long last, long own, uint bit) =>
        score >= least && (score > least || row <= last) && row < rowCount && row != own ? bit : 0u;
}

/// <summary>
/// Where candidates go. The sixteen threads that share eight queries are half a warp: they add up their counts by shuffles and reserve
/// room by one atomic a query. The group lays its keys out in shared memory, a query's run after the other, and writes the runs side by
/// side; where a tile has more than fit there, each thread writes its own.
/// </summary>
internal struct CandidateAppend(ArrayView<ulong> keys, ArrayView<int> counts, int capacity, int query, long row, uint low, uint high)
{
    /// <summary>Keys of a tile that are laid out: a fifth of its 16,384.</summary>
    public const int Staged = 3584;

    private const int Lanes = 16, Queries = 8, HalfWarps = DeviceMath.GroupSize / Lanes;

    private ArrayView<ulong> _staged;
    private uint _lowBefore, _highBefore, _lowTotal, _highTotal;  // a byte a query: at most 128 rows each
    private int _room, _run;
    private bool _isStaged;

    /// <summary>
    /// Where the thread's keys go in each query's run, and where each run goes. Thread i of the sixteen reserves room for query i.
    /// </summary>
    /// <param name="staged">Shared memory, <see cref="Staged"/> keys.</param>
    public void Reserve(ArrayView<ulong> staged)
    {
        ArrayView<int> halves = SharedMemory.Allocate<int>(HalfWarps);
        _staged = staged;
        int lane = Group.IdxX % Lanes, last = Group.IdxX % 32 / Lanes * Lanes + Lanes - 1, half = Group.IdxX / Lanes;
        uint lowOwn = CountBytes(low), highOwn = CountBytes(high);
        uint lowSum = lowOwn, highSum = highOwn;
        for (int step = 1; step < Lanes; step *= 2)
        {
            uint lowOther = Warp.ShuffleUp(lowSum, step), highOther = Warp.ShuffleUp(highSum, step);
            lowSum += lane >= step ? lowOther : 0u;
            highSum += lane >= step ? highOther : 0u;
        }

        _lowBefore = lowSum - lowOwn;
        _highBefore = highSum - highOwn;
        _lowTotal = Warp.Shuffle(lowSum, last);
        _highTotal = Warp.Shuffle(highSum, last);
        int total = lane < Queries ? ByteOf(_lowTotal, _highTotal, lane) : 0;
        _room = total > 0 ? Atomic.Add(ref counts[query + lane], total) : 0;
        if (lane == 0)
            halves[half] = SumOfBytes(_lowTotal) + SumOfBytes(_highTotal);
        Group.Barrier();
        int all = 0;
        for (int h = 0; h < HalfWarps; h++)
        {
            _run = h == half ? all : _run;
            all += halves[h];
        }

        _isStaged = all <= Staged;
    }

    /// <summary>The thread's keys of one query, in the order of the eight.</summary>
    /// <param name="index">The query's place among them.</param>
    public void Row(int index, ScoreRow scores)
    {
        int before = ByteOf(_lowBefore, _highBefore, index), room = Warp.Shuffle(_room, Group.IdxX % 32 / Lanes * Lanes + index);
        int candidates = ByteOf(low, high, index);
        var place = new Place(_staged, keys, _run + before, room + before, (long)(query + index) * capacity, capacity, _isStaged);
        long far = row + ScoreTile.FarRows;
        place.Add(candidates & 1, scores.A, row);
        place.Add(candidates & 2, scores.B, row + 1);
        place.Add(candidates & 4, scores.C, row + 2);
        place.Add(candidates & 8, scores.D, row + 3);
        place.Add(candidates & 16, scores.E, far);
        place.Add(candidates & 32, scores.F, far + 1);
        place.Add(candidates & 64, scores.G, far + 2);
        place.Add(candidates & 128, scores.H, far + 3);
        _run += ByteOf(_lowTotal, _highTotal, index);
    }

    /// <summary>Writes the runs that were laid out, all of the group's threads together.</summary>
    public readonly void Write()
    {
        Group.Barrier();
        if (!_isStaged)
            return;
        int lane = Group.IdxX % Lanes, run = _run - SumOfBytes(_lowTotal) - SumOfBytes(_highTotal);
        for (int index = 0; index < Queries; index++)
        {
            int room = Warp.Shuffle(_room, Group.IdxX % 32 / Lanes * Lanes + index), total = ByteOf(_lowTotal, _highTotal, index);
            long list = (long)(query + index) * capacity + room;
            for (int i = lane; i < total && room + i < capacity; i += Lanes)
                keys[list + i] = _staged[run + i];
            run += total;
        }
    }

    private static int ByteOf(uint low, uint high, int index) => (int)((index < 4 ? low : high) >> 8 * (index & 3) & 255u);

    /// <summary>The bits that are set in each byte.</summary>
    internal static uint CountBytes(uint bits)
    {
        bits -= bits >> 1 & 0x55555555u;
        bits = (bits & 0x33333333u) + (bits >> 2 & 0x33333333u);
        return bits + (bits >> 4) & 0x0F0F0F0Fu;
    }

    // Up to 4 · 128.
    private static int SumOfBytes(uint bytes) => (int)((bytes & 255u) + (bytes >> 8 & 255u) + (bytes >> 16 & 255u) + (bytes >> 24));

    /// <summary>Where a thread's next key of one query goes.</summary>
    private struct Place(ArrayView<ulong> staged, ArrayView<ulong> keys, int run, int room, long list, int capacity, bool isStaged)
    {
        private int _added;

        public void Add(int isCandidate, float score, long row)
        {
            if (isCandidate == 0)
                return;
            ulong key = DeviceMath.RankedKey(score, (int)row);
            if (isStaged)
                staged[run + _added] = key;
            else if (room + _added < capacity)
                keys[list + room + _added] = key;
            _added++;
        }
    }
}
