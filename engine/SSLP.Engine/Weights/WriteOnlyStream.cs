using System.Security.Cryptography;

namespace SSLP.Engine.Weights;

/// <summary>A stream that takes bytes and gives none back.</summary>
internal abstract class WriteOnlyStream : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public abstract override void Write(ReadOnlySpan<byte> buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>Counts what is written, and keeps nothing of it.</summary>
internal sealed class CountingStream : WriteOnlyStream
{
    /// <summary>Bytes so far.</summary>
    public long Count { get; private set; }

    public override void Write(ReadOnlySpan<byte> buffer) => Count += buffer.Length;
}

/// <summary>Writes into another stream and hashes what it writes, where it lies: .NET's CryptoStream takes copies of it.</summary>
/// <param name="stream">Stays the caller's.</param>
internal sealed class HashingStream(Stream stream) : WriteOnlyStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>SHA-256 of what was written so far, in lower-case hex.</summary>
    public string Hash() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _hash.AppendData(buffer);
        stream.Write(buffer);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _hash.Dispose();
        base.Dispose(disposing);
    }
}
