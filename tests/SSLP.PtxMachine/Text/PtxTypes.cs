using System.Globalization;

namespace SSLP.PtxMachine.Text;

/// <summary>Types and constants of the language. PTX ISA 8.0, "Types" and "Constants".</summary>
internal static class PtxTypes
{
    /// <summary>Bytes of a type as it is written in a declaration: .b32, .u64, .f32.</summary>
    public static int Bytes(Token type) => type.Text switch
    {
        ".b8" or ".u8" or ".s8" => 1,
        ".b16" or ".u16" or ".s16" => 2,
        ".b32" or ".u32" or ".s32" or ".f32" => 4,
        ".b64" or ".u64" or ".s64" or ".f64" => 8,
        _ => throw new PtxRefusedException(type.Line, $"the type {type.Text} is not known."),
    };

    public static RegisterKind Kind(Token type) => type.Text == ".pred" ? RegisterKind.Predicate : Bytes(type) switch
    {
        2 => RegisterKind.Bits16,
        4 => RegisterKind.Bits32,
        8 => RegisterKind.Bits64,
        _ => throw new PtxRefusedException(type.Line, $"there are no registers of type {type.Text}."),
    };

    /// <summary>A constant, or null where the word is a name. Integers are decimal or 0x…; floats are 0f and 0d with their bits.</summary>
    public static Operand? Constant(Token word, bool negative)
    {
        string text = word.Text;
        if (!char.IsAsciiDigit(text[0]))
            return null;
        if (text.Length == 10 && text[..2] is "0f" or "0F")
            return new Operand(OperandKind.Constant) { Value = Hex(word, 2), FloatBytes = negative ? throw Refused(word) : 4 };
        if (text.Length == 18 && text[..2] is "0d" or "0D")
            return new Operand(OperandKind.Constant) { Value = Hex(word, 2), FloatBytes = negative ? throw Refused(word) : 8 };
        ulong value = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? (ulong)Hex(word, 2)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong parsed) ? parsed : throw Refused(word);
        return new Operand(OperandKind.Constant) { Value = negative ? -(long)value : (long)value };
    }

    private static long Hex(Token word, int from) =>
        ulong.TryParse(word.Text.AsSpan(from), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value) ? (long)value
            : throw Refused(word);

    private static PtxRefusedException Refused(Token word) => new(word.Line, $"the constant {word.Text} is not known.");
}
