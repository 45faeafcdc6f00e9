using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit;

namespace SSLP.Kernels.Tests;

/// <summary>Ownership of native memory; these tests, and all others of the kernels, run with <see cref="BufferChecks"/> on.</summary>
public sealed unsafe class AlignedBufferTests
{
    [Fact]
    public void The_tests_run_with_the_checks() => Assert.True(BufferChecks.Enabled);

    [Fact]
    public void Grows_zeroed_and_never_shrinks()
    {
        using var buffer = new AlignedBuffer<int>(3);
        buffer.Span(0, 3).Fill(7);
        Assert.Equal((nint)buffer.Pointer, (nint)buffer.EnsureLength(2));
        Assert.Equal([7, 7, 7], buffer.Span(0, 3));
        buffer.EnsureLength(1000);
        Assert.All(buffer.Span(0, 1000).ToArray(), value => Assert.Equal(0, value));
        Assert.Equal(0, (nint)buffer.Pointer % 64);
    }

    [Fact]
    public void Refuses_use_after_disposal()
    {
        var buffer = new AlignedBuffer<float>(5);
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ = (nint)buffer.Pointer);
        Assert.Throws<ObjectDisposedException>(() => _ = (nint)buffer.EnsureLength(1));
        Assert.ThrowsAny<Exception>(() => buffer.Span(0, 1)[0] = 1);
    }

    [Fact]
    public void Two_owners_are_told_where_the_buffer_came_from()
    {
        var buffer = new AlignedBuffer<float>(5);
        buffer.Dispose();
        string refusal = Assert.Throws<InvalidOperationException>(buffer.Dispose).Message;
        Assert.Contains("AlignedBuffer<Single> is disposed twice", refusal, StringComparison.Ordinal);
        Assert.Contains(nameof(Two_owners_are_told_where_the_buffer_came_from), refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_buffer_that_nobody_disposed_is_reported_with_its_origin_and_freed()
    {
        using var heard = new Heard();
        Trace.Listeners.Add(heard);
        try
        {
            Forget();
            for (int i = 0; i < 10 && !heard.Has(nameof(Forget)); i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
        finally
        {
            Trace.Listeners.Remove(heard);
        }

        Assert.True(heard.Has("AlignedBuffer<Int64>"), "no leak was reported");
        Assert.True(heard.Has(nameof(Forget)), "the leak was reported without its origin");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget() => _ = new AlignedBuffer<long>(11);

    /// <summary>Keeps what is traced.</summary>
    private sealed class Heard : TraceListener
    {
        private readonly Lock _gate = new();
        private string _text = "";

        public bool Has(string part)
        {
            lock (_gate)
                return _text.Contains(part, StringComparison.Ordinal);
        }

        public override void Write(string? message)
        {
            lock (_gate)
                _text += message;
        }

        public override void WriteLine(string? message) => Write(message + Environment.NewLine);
    }
}
