using System.Runtime.InteropServices;

namespace SSLP.PtxMachine.Tests;

/// <summary>A machine and its memory for one small text.</summary>
internal sealed unsafe class TestRun(MachineOptions? options = null) : IDisposable
{
    public Machine Machine { get; } = new(options);

    /// <summary>A text with one entry "k" over the given body; parameters are p0, p1, … of 64 bits, threads as many as a block may
    /// have.</summary>
    public static string Text(string body, int parameters = 1, string declarations = "") =>
        $$"""
        .version 8.0
        .target sm_80
        .address_size 64
        .visible .entry k(
            {{string.Join(",\n    ", Enumerable.Range(0, parameters).Select(i => $".param .b64 p{i}"))}}
        )
        {
            .reg .pred %p<8>;
            .reg .b16 %h<8>;
            .reg .b32 %r<24>;
            .reg .b64 %rd<24>;
            .reg .f32 %f<16>;
            .reg .f64 %fd<8>;
            {{declarations}}
            {{body}}
            ret;
        }
        """;

    /// <summary>Allocates and fills.</summary>
    public ulong Upload<T>(params ReadOnlySpan<T> values) where T : unmanaged
    {
        ulong address = Machine.Memory.Allocate((long)values.Length * sizeof(T));
        values.CopyTo(new Span<T>((void*)address, values.Length));
        Machine.Memory.MarkWritten(address, (long)values.Length * sizeof(T));
        return address;
    }

    /// <summary>Allocates; nothing has written it.</summary>
    public ulong Allocate<T>(int count) where T : unmanaged => Machine.Memory.Allocate((long)count * sizeof(T));

    public T[] Read<T>(ulong address, int count) where T : unmanaged => new ReadOnlySpan<T>((void*)address, count).ToArray();

    /// <summary>Runs the only entry of a text with 64-bit parameters.</summary>
    public void Launch(string text, uint blocks, uint threads, params ulong[] parameters) =>
        Launch(Machine.Load(text).Single(), (blocks, 1, 1), threads, [.. parameters.Select(value => BitConverter.GetBytes(value))]);

    /// <summary>Runs an entry with parameters as bytes.</summary>
    public void Launch(MachineKernel kernel, (uint X, uint Y, uint Z) grid, uint threads, byte[][] parameters)
    {
        GCHandle[] pins = [.. parameters.Select(bytes => GCHandle.Alloc(bytes, GCHandleType.Pinned))];
        try
        {
            void** pointers = stackalloc void*[parameters.Length];
            for (int i = 0; i < parameters.Length; i++)
                pointers[i] = (void*)pins[i].AddrOfPinnedObject();
            Machine.Launch(kernel, grid, (threads, 1, 1), pointers);
        }
        finally
        {
            foreach (GCHandle pin in pins)
                pin.Free();
        }
    }

    public void Dispose() => Machine.Dispose();
}
