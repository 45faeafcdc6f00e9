using SSLP.PtxMachine.Text;

namespace SSLP.PtxMachine.Program;

/// <summary>
/// Where a block's shared variables lie: in order, at addresses that are multiples of what each declares and of nothing larger, with room
/// between them that belongs to none. A device packs them tighter; a text that is right only there is wrong.
/// </summary>
internal sealed class SharedLayout
{
    private const int Gap = 16;

    private readonly Dictionary<string, int> _addresses = [];

    public SharedLayout(IReadOnlyList<SharedVariable> variables)
    {
        Variables = variables;
        int at = Gap;
        foreach (SharedVariable variable in variables)
        {
            int alignment = Math.Max(variable.Alignment, 4);
            at = (at + alignment - 1) / alignment * alignment;
            if (at % (2 * alignment) == 0)
                at += alignment;
            _addresses.Add(variable.Name, at);
            at = (at + variable.Bytes + 3) / 4 * 4 + Gap;
        }

        Bytes = (at + 15) / 16 * 16;
    }

    public IReadOnlyList<SharedVariable> Variables { get; }

    /// <summary>Bytes in all, gaps included.</summary>
    public int Bytes { get; }

    /// <summary>Bytes that the text declares: what a device counts against its limit.</summary>
    public int DeclaredBytes => Variables.Sum(variable => variable.Bytes);

    public bool TryFind(string name, out int address) => _addresses.TryGetValue(name, out address);

    public int AddressOf(SharedVariable variable) => _addresses[variable.Name];
}
