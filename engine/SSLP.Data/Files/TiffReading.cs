using BitMiracle.LibTiff.Classic;

namespace SSLP.Data.Files;

/// <summary>
/// Small TIFFs by LibTiff.NET, which says what it meets on the console and throws whatever its parser ran into: here its words are dropped,
/// and what it throws becomes a fault.
/// </summary>
internal static class TiffReading
{
    /// <summary>Side of the largest tile that is read: more than any program writes, and what a damaged size is not.</summary>
    public const int LargestTile = 8192;

    // LibTiff has one for the process: no console is a library's to write to, and its lines name files.
    static TiffReading() => Tiff.SetErrorHandler(new Silent());

    /// <summary>Opens a file, uses it, closes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="use">What is wanted of it; its faults stay as they are.</param>
    /// <exception cref="Fault">It is no TIFF, or does not decode.</exception>
    public static T Use<T>(string path, Func<Tiff, T> use)
    {
        long length = TiffClaims.Check(path);
        try
        {
            using Tiff tiff = Tiff.Open(path, "r") ?? throw new Fault(FaultKind.Data, "not a readable TIFF");
            Check(tiff, length);
            return use(tiff);
        }
        catch (Exception e) when (
            e is not (Fault or IOException or UnauthorizedAccessException or OutOfMemoryException or OperationCanceledException))
        {
            throw new Fault(FaultKind.Data, $"the TIFF is damaged ({e.GetType().Name})", e);
        }
    }

    /// <summary>Of the directory that is open, as of the first one: no tile is larger than programs write, and no strip or tile is packed
    /// into more bytes than the file has, or unpacks to more than deflate can make of it.</summary>
    /// <param name="tiff">The file, at a directory.</param>
    /// <param name="length">Bytes of the file.</param>
    /// <exception cref="Fault">It claims more.</exception>
    public static void Check(Tiff tiff, long length)
    {
        if (tiff.IsTiled() && (Side(tiff, TiffTag.TILEWIDTH) is < 1 or > LargestTile
            || Side(tiff, TiffTag.TILELENGTH) is < 1 or > LargestTile))
            throw new Fault(FaultKind.Data,
                $"a TIFF with tiles of {Side(tiff, TiffTag.TILEWIDTH)} × {Side(tiff, TiffTag.TILELENGTH)} px: it is damaged");
        int parts = tiff.IsTiled() ? tiff.NumberOfTiles() : tiff.NumberOfStrips();
        // 0 is a part that a sparse file leaves out. Where the tag is missing the library makes the counts up, beyond all bounds.
        ulong[] packed = tiff.GetField(TiffTag.STRIPBYTECOUNTS) is [{ Value: ulong[] counts }] ? counts : [];
        long unpacked = tiff.IsTiled() ? tiff.TileSize() : tiff.ScanlineSize();
        if (parts > length || packed.Any(bytes => bytes > (ulong)length) || unpacked > (1 << 20) + (TiffClaims.LargestRatio * length))
            throw new Fault(FaultKind.Data, "a TIFF that claims more than it holds: it is damaged");
    }

    private static int Side(Tiff tiff, TiffTag tag) => tiff.GetField(tag) is { Length: > 0 } value ? value[0].ToInt() : 0;

    private sealed class Silent : TiffErrorHandler
    {
        public override void ErrorHandler(Tiff tif, string method, string format, params object[] args)
        {
        }

        public override void ErrorHandlerExt(Tiff tif, object clientData, string method, string format, params object[] args)
        {
        }

        public override void WarningHandler(Tiff tif, string method, string format, params object[] args)
        {
        }

        public override void WarningHandlerExt(Tiff tif, object clientData, string method, string format, params object[] args)
        {
        }
    }
}
