using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Kernels;

namespace SSLP.Bench.Jobs;

/// <summary>The search of a bank through sslp.h: a libsslp-data or libsslp in this process, called as a C host calls it.</summary>
internal sealed unsafe class LibrarySearch : IDisposable
{
    private const int AbiVersion = 1;

    private readonly delegate* unmanaged[Cdecl]<nint, int> _close;
    private readonly delegate* unmanaged[Cdecl]<LastFault*, int> _lastFault;
    private readonly delegate* unmanaged[Cdecl]<nint, float*, int, int*, int, int*, float*, int> _search;
    private readonly nint _context, _bank;
    private readonly float[] _queries;
    private readonly int _queryCount;

    /// <param name="path">The library; it stays loaded.</param>
    /// <param name="bank">Its rows are copied into a bank of the library.</param>
    /// <param name="queries">Rows to search by.</param>
    /// <param name="threads">Threads of the library's context.</param>
    /// <exception cref="Fault">It is none of ours, or refuses.</exception>
    public LibrarySearch(string path, MemoryBank bank, MemoryBank queries, int threads)
    {
        if (!NativeLibrary.TryLoad(Path.GetFullPath(path), out nint library))
            throw new Fault(FaultKind.Input, $"--library names '{path}', which does not load as a shared library.");
        _close = (delegate* unmanaged[Cdecl]<nint, int>)Of(library, path, "sslp_close");
        _lastFault = (delegate* unmanaged[Cdecl]<LastFault*, int>)Of(library, path, "sslp_last_fault");
        _search = (delegate* unmanaged[Cdecl]<nint, float*, int, int*, int, int*, float*, int>)Of(library, path, "sslp_bank_search");
        var init = (delegate* unmanaged[Cdecl]<ContextOptions*, uint, int>)Of(library, path, "sslp_context_options_init");
        var open = (delegate* unmanaged[Cdecl]<ContextOptions*, nint*, int>)Of(library, path, "sslp_context_open");
        var create = (delegate* unmanaged[Cdecl]<nint, int, int, ulong, nint*, int>)Of(library, path, "sslp_bank_create");
        var load = (delegate* unmanaged[Cdecl]<nint, int, float*, int, int>)Of(library, path, "sslp_bank_load");

        ContextOptions options;
        Check(init(&options, (uint)sizeof(ContextOptions)));
        (options.AbiVersion, options.Threads) = (AbiVersion, threads);
        fixed (nint* context = &_context, made = &_bank)
        {
            Check(open(&options, context));
            Check(create(_context, bank.RowCount, bank.Width, 1, made));
        }
        float[] row = new float[bank.Width];
        for (int r = 0; r < bank.RowCount; r++)
        {
            bank.SaveRows(r, row);
            fixed (float* values = row)
                Check(load(_bank, r, values, 1));
        }
        _queryCount = queries.RowCount;
        _queries = new float[queries.RowCount * queries.Width];
        queries.SaveRows(0, _queries);
    }

    /// <summary>The k nearest rows of every query.</summary>
    public void Find(int k, int[] rows, float[] similarities)
    {
        fixed (float* queries = _queries, found = similarities)
        fixed (int* at = rows)
            Check(_search(_bank, queries, _queryCount, null, k, at, found));
    }

    public void Dispose()
    {
        _ = _close(_bank);
        _ = _close(_context);
    }

    private static nint Of(nint library, string path, string name) => NativeLibrary.TryGetExport(library, name, out nint address) ? address
        : throw new Fault(FaultKind.Input, $"'{path}' has no {name}: it is no libsslp-data or libsslp.");

    private void Check(int status)
    {
        if (status >= 0)
            return;
        var fault = new LastFault { Size = (uint)sizeof(LastFault) };
        _ = _lastFault(&fault);
        throw new Fault(FaultKind.Input, Marshal.PtrToStringUTF8((nint)fault.Sentence) ?? $"The library gave status {status}.");
    }

    /// <summary>sslp_fault.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LastFault
    {
        public uint Size;
        public int Status;
        public byte* Sentence;
        public byte* Detail;
    }

    /// <summary>sslp_context_options; what is not set here is as the library's init leaves it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ContextOptions
    {
        public uint Size;
        public int AbiVersion;
        public int Threads;
        public int Kernels;
        public long TileCacheBytes;
        public byte* Libtorch;
        public fixed long HostFunctions[7];
    }
}
