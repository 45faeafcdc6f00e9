using SSLP.PtxMachine.Text;

namespace SSLP.PtxMachine.Program;

/// <summary>Special registers of a thread, by lane or by block. PTX ISA 8.0, "Special Registers".</summary>
internal enum SpecialRegister
{
    TidX,
    TidY,
    TidZ,
    NtidX,
    NtidY,
    NtidZ,
    CtaidX,
    CtaidY,
    CtaidZ,
    NctaidX,
    NctaidY,
    NctaidZ,
    LaneId,
    WarpId,
}

/// <summary>Where each register, constant and special register of a kernel lies in a warp's register file.</summary>
internal sealed class RegisterFile
{
    public const int Lanes = 32;

    private readonly int[] _offsets;
    private readonly Dictionary<(long Bits, int Bytes), int> _constants = [];
    private readonly Dictionary<SpecialRegister, int> _special = [];

    public RegisterFile(PtxKernelText kernel)
    {
        _offsets = new int[kernel.Registers.Count];
        foreach (Register register in kernel.Registers)
            _offsets[register.Number] = register.Kind == RegisterKind.Predicate ? -1
                : Reserve(register.Kind == RegisterKind.Bits64 ? 8 : 4);
        foreach (Register register in kernel.Registers.Where(register => register.Kind == RegisterKind.Predicate))
        {
            _offsets[register.Number] = Bytes;
            Bytes += sizeof(uint);
        }

        Bytes = (Bytes + 63) / 64 * 64;
    }

    public int Bytes { get; private set; }

    /// <summary>Constants and where they are: their bytes (0: a predicate), their bits, the offset.</summary>
    public IEnumerable<(int Bytes, long Bits, int Offset)> Constants =>
        _constants.Select(entry => (entry.Key.Bytes, entry.Key.Bits, entry.Value));

    public IReadOnlyDictionary<SpecialRegister, int> Special => _special;

    public int OffsetOf(Register register) => _offsets[register.Number];

    /// <param name="bytes">4 or 8; 0: a predicate.</param>
    public int Constant(long bits, int bytes)
    {
        if (bytes == 4)
            bits = (uint)bits;
        if (!_constants.TryGetValue((bits, bytes), out int offset))
            _constants.Add((bits, bytes), offset = Reserve(bytes));
        return offset;
    }

    /// <returns>The offset of a 32-bit register, or −1 where the name is not known.</returns>
    public int OffsetOf(string special)
    {
        SpecialRegister? named = special switch
        {
            "%tid.x" => SpecialRegister.TidX,
            "%tid.y" => SpecialRegister.TidY,
            "%tid.z" => SpecialRegister.TidZ,
            "%ntid.x" => SpecialRegister.NtidX,
            "%ntid.y" => SpecialRegister.NtidY,
            "%ntid.z" => SpecialRegister.NtidZ,
            "%ctaid.x" => SpecialRegister.CtaidX,
            "%ctaid.y" => SpecialRegister.CtaidY,
            "%ctaid.z" => SpecialRegister.CtaidZ,
            "%nctaid.x" => SpecialRegister.NctaidX,
            "%nctaid.y" => SpecialRegister.NctaidY,
            "%nctaid.z" => SpecialRegister.NctaidZ,
            "%laneid" => SpecialRegister.LaneId,
            "%warpid" => SpecialRegister.WarpId,
            _ => null,
        };
        if (named is not { } register)
            return -1;
        if (!_special.TryGetValue(register, out int offset))
            _special.Add(register, offset = Reserve(4));
        return offset;
    }

    private int Reserve(int bytes)
    {
        int offset = Bytes;
        Bytes += Math.Max(bytes, 2) * Lanes;
        return offset;
    }
}
