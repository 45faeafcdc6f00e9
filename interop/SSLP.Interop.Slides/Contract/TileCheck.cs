namespace SSLP.Interop.Slides;

/// <summary>What <see cref="Slide.VerifyTiles"/> found.</summary>
/// <param name="Deep">Whether every tile was decoded, or only its header read.</param>
/// <param name="Tiles">Tiles looked at, over all levels. With OpenSlide: blocks of 512 px, since it does not name its tiles.</param>
/// <param name="Absent">Tiles that the file leaves out; they read as white.</param>
/// <param name="Unreadable">Tiles that can't be read.</param>
/// <param name="FirstFaults">The first of them, at most <see cref="MostFaults"/>.</param>
public sealed record TileCheck(bool Deep, long Tiles, long Absent, long Unreadable, IReadOnlyList<SlideException> FirstFaults)
{
    /// <summary>How many faults are kept.</summary>
    public const int MostFaults = 16;

    /// <summary>Gathers a check tile by tile.</summary>
    internal sealed class Tally(bool deep)
    {
        private readonly List<SlideException> _faults = [];
        private long _tiles;
        private long _absent;
        private long _unreadable;

        public void Readable() => _tiles++;

        public void Absent()
        {
            _tiles++;
            _absent++;
        }

        public void Unreadable(SlideException fault)
        {
            _tiles++;
            _unreadable++;
            if (_faults.Count < MostFaults)
                _faults.Add(fault);
        }

        public TileCheck Result() => new(deep, _tiles, _absent, _unreadable, _faults);
    }
}
