using System.Runtime.InteropServices;

namespace SSLP.Native;

/// <summary>
/// DLManagedTensor of DLPack 0.x, the exchange format of arrays between frameworks (dmlc/dlpack, dlpack.h): names and order are its own.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct DlManagedTensor
{
    public const int Cpu = 1;
    public const int Cuda = 2;
    public const byte UnsignedInteger = 1;

    public void* Data;
    public int DeviceType;
    public int DeviceId;
    public int Dimensions;
    public byte Code;
    public byte Bits;
    public ushort Lanes;
    public long* Shape;
    public long* Strides;
    public ulong ByteOffset;
    public void* ManagerContext;
    public delegate* unmanaged[Cdecl]<DlManagedTensor*, void> Deleter;
}
