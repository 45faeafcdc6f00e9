namespace SSLP.Data.Tiling;

/// <summary>
/// A file that gives out no more than it is allowed to: one whose parts refer to each other in a circle would else be read for ever. A
/// read of few bytes counts as <see cref="LeastCounted"/>, so that the number of reads is bounded, too.
/// </summary>
/// <param name="file">Closed with this.</param>
internal sealed class MeteredStream(FileStream file) : Stream
{
    private const int LeastCounted = 16;

    private long _left;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => file.Length;

    public override long Position
    {
        get => file.Position;
        set => file.Position = value;
    }

    /// <summary>From here on so many bytes may be read.</summary>
    public void Allow(long bytes) => _left = bytes;

    public override int Read(Span<byte> buffer)
    {
        if ((_left -= Math.Max(LeastCounted, buffer.Length)) < 0)
            throw new FormatException("its parts refer to each other without an end: it is damaged");
        return file.Read(buffer);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            file.Dispose();
        base.Dispose(disposing);
    }
}
