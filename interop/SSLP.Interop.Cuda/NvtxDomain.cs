using System.Runtime.InteropServices;

namespace SSLP.Interop.Cuda;

/// <summary>A name that a tool knows: registered once, so that a range costs no text.</summary>
/// <param name="Registered">The tool's handle; 0 where it registers none.</param>
/// <param name="Text">The text, zero-terminated, for such a tool.</param>
public readonly record struct NvtxName(nint Registered, nint Text);

/// <summary>Ranges of one program, as a tool shows them: nested, each on the thread that pushes and pops it.</summary>
public sealed unsafe class NvtxDomain
{
    private readonly nint _handle;
    private readonly delegate* unmanaged<nint, NativeNvtx.nvtxEventAttributes_v2*, int> _push;
    private readonly delegate* unmanaged<nint, int> _pop;

    internal NvtxDomain(nint handle)
    {
        _handle = handle;
        _push = (delegate* unmanaged<nint, NativeNvtx.nvtxEventAttributes_v2*, int>)Nvtx.Core2(
            NativeNvtx.NVTX_CBID_CORE2_DomainRangePushEx);
        _pop = (delegate* unmanaged<nint, int>)Nvtx.Core2(NativeNvtx.NVTX_CBID_CORE2_DomainRangePop);
    }

    /// <summary>Makes a name known to the tool, for the life of the process.</summary>
    public NvtxName Register(string name)
    {
        nint text = Marshal.StringToCoTaskMemUTF8(name);
        var register = (delegate* unmanaged<nint, byte*, nint>)Nvtx.Core2(NativeNvtx.NVTX_CBID_CORE2_DomainRegisterStringA);
        return new(register == null ? 0 : register(_handle, (byte*)text), text);
    }

    /// <summary>Begins a range on this thread.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="bytes">The range's payload.</param>
    /// <param name="argb">Its colour, alpha in the high byte.</param>
    public void Push(NvtxName name, long bytes, uint argb)
    {
        if (_push == null)
            return;
        var attributes = new NativeNvtx.nvtxEventAttributes_v2
        {
            version = NativeNvtx.NVTX_VERSION,
            size = (ushort)sizeof(NativeNvtx.nvtxEventAttributes_v2),
            colorType = NativeNvtx.NVTX_COLOR_ARGB,
            color = argb,
            payloadType = NativeNvtx.NVTX_PAYLOAD_TYPE_UNSIGNED_INT64,
            payload = (ulong)bytes,
            messageType = name.Registered == 0 ? NativeNvtx.NVTX_MESSAGE_TYPE_ASCII : NativeNvtx.NVTX_MESSAGE_TYPE_REGISTERED,
            message = name.Registered == 0 ? name.Text : name.Registered,
        };
        _push(_handle, &attributes);
    }

    /// <summary>Ends the range that this thread began last.</summary>
    public void Pop()
    {
        if (_pop != null)
            _pop(_handle);
    }
}
