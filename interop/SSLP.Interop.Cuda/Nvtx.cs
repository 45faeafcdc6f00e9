using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace SSLP.Interop.Cuda;

/// <summary>
/// NVTX, the ranges that Nsight shows, by its injection protocol: a tool names a library (in <c>NVTX_INJECTION64_PATH</c>), that library is
/// loaded and asks for tables of functions, and writes its own into them. There is nothing to link or to ship, and no GPU is needed. As in
/// NVTX itself a process has one tool, for good. Source: the headers of NVTX 3 (github.com/NVIDIA/NVTX).
/// </summary>
public sealed unsafe class Nvtx
{
    private static readonly Lock Attaching = new();

    // Tables that the tool keeps pointers into: made once, never freed.
    private static readonly Tables* Exports = MakeTables();

    private static Nvtx? _attached;

    private Nvtx(string library) => Library = library;

    /// <summary>The tool's library.</summary>
    public string Library { get; }

    /// <summary>Loads a tool's library and lets it attach itself.</summary>
    /// <param name="library">Its path.</param>
    /// <param name="nvtx">What ranges are sent through.</param>
    /// <param name="reason">Where it fails, why.</param>
    public static bool TryAttach(string library, [NotNullWhen(true)] out Nvtx? nvtx, [NotNullWhen(false)] out string? reason)
    {
        lock (Attaching)
        {
            reason = _attached is null ? Attach(library)
                : _attached.Library == library ? null
                : $"'{library}' cannot be attached: '{_attached.Library}' is, and a process has one NVTX tool";
            nvtx = reason is null ? _attached ??= new Nvtx(library) : null;
            return nvtx is not null;
        }
    }

    /// <summary>A domain: ranges of one program under its name. It lives as long as the process.</summary>
    public NvtxDomain CreateDomain(string name)
    {
        var create = (delegate* unmanaged<byte*, nint>)Core2(NativeNvtx.NVTX_CBID_CORE2_DomainCreateA);
        return new NvtxDomain(create == null ? 0 : create((byte*)Marshal.StringToCoTaskMemUTF8(name)));
    }

    /// <summary>The tool's function; null where it wants none.</summary>
    internal static void* Core2(int function) => (void*)*Exports->Modules[NativeNvtx.NVTX_CB_MODULE_CORE2][function];

    private static string? Attach(string library)
    {
        if (!NativeLibrary.TryLoad(library, out nint handle))
            return $"'{library}' cannot be loaded as an NVTX tool's library";
        if (!NativeLibrary.TryGetExport(handle, NativeNvtx.EntryPoint, out nint entry))
        {
            NativeLibrary.Free(handle);
            return $"'{library}' is no NVTX tool's library: it has no {NativeNvtx.EntryPoint}";
        }
        delegate* unmanaged<uint, void*> exports = &GetExportTable;
        if (((delegate* unmanaged<void*, int>)entry)(exports) != 0)
            return null;
        Forget();
        NativeLibrary.Free(handle);
        return $"the NVTX tool '{library}' does not start";
    }

    /// <summary>What a tool wrote that then refused is not called.</summary>
    private static void Forget()
    {
        for (int module = 1; module < NativeNvtx.ModuleSizes.Length; module++)
        {
            for (int function = 1; function < NativeNvtx.ModuleSizes[module]; function++)
                *Exports->Modules[module][function] = 0;
        }
    }

    private static Tables* MakeTables()
    {
        var tables = (Tables*)NativeMemory.AllocZeroed((nuint)sizeof(Tables));
        tables->Callbacks = new() { struct_size = (nuint)sizeof(NativeNvtx.NvtxExportTableCallbacks), GetModuleFunctionTable = &GetTable };
        tables->Version = new()
        {
            struct_size = (nuint)sizeof(NativeNvtx.NvtxExportTableVersionInfo),
            version = NativeNvtx.NVTX_VERSION,
            SetInjectionNvtxVersion = &TakeVersion,
        };
        tables->Modules = (nint***)NativeMemory.AllocZeroed((nuint)NativeNvtx.ModuleSizes.Length, (nuint)sizeof(nint));
        for (int module = 1; module < NativeNvtx.ModuleSizes.Length; module++)
        {
            int size = NativeNvtx.ModuleSizes[module];
            // Number 0 stays null, and so does one behind the end, where a tool that reads too far is to fail at once.
            nint** table = (nint**)NativeMemory.AllocZeroed((nuint)size + 1, (nuint)sizeof(nint));
            nint* slots = (nint*)NativeMemory.AllocZeroed((nuint)size, (nuint)sizeof(nint));
            for (int function = 1; function < size; function++)
                table[function] = slots + function;
            tables->Modules[module] = table;
        }
        return tables;
    }

    [UnmanagedCallersOnly]
    private static void* GetExportTable(uint id) => id switch
    {
        NativeNvtx.NVTX_ETID_CALLBACKS => &Exports->Callbacks,
        NativeNvtx.NVTX_ETID_VERSIONINFO => &Exports->Version,
        _ => null,
    };

    [UnmanagedCallersOnly]
    private static int GetTable(int module, nint*** table, uint* size)
    {
        if (module < 1 || module >= NativeNvtx.ModuleSizes.Length)
            return 0;
        if (size != null)
            *size = (uint)NativeNvtx.ModuleSizes[module];
        if (table != null)
            *table = Exports->Modules[module];
        return 1;
    }

    /// <summary>For programs that refuse a tool's version; none is refused.</summary>
    [UnmanagedCallersOnly]
    private static void TakeVersion(uint version)
    {
    }

    private struct Tables
    {
        public NativeNvtx.NvtxExportTableCallbacks Callbacks;
        public NativeNvtx.NvtxExportTableVersionInfo Version;

        /// <summary>Module → function → the slot that the tool writes its function to.</summary>
        public nint*** Modules;
    }
}
