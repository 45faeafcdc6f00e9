using SSLP.Data.Files;

using static TorchSharp.torch;

namespace SSLP.Engine.Weights;

/// <summary>Element types of the safetensors format, named as the format spells them.</summary>
public enum SafetensorsDtype
{
    BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64, F8_E4M3, F8_E5M2,
}

/// <summary>Sizes of the element types and what each is called in torch.</summary>
internal static class SafetensorsDtypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.BOOL or SafetensorsDtype.U8 or SafetensorsDtype.I8 or SafetensorsDtype.F8_E4M3 or SafetensorsDtype.F8_E5M2 => 1,
        SafetensorsDtype.I16 or SafetensorsDtype.U16 or SafetensorsDtype.F16 or SafetensorsDtype.BF16 => 2,
        SafetensorsDtype.I32 or SafetensorsDtype.U32 or SafetensorsDtype.F32 => 4,
        _ => 8,
    };

    /// <summary>The torch type of the same bits.</summary>
    /// <exception cref="Fault">Torch, as bound here, has no such type (U16, U32, U64, F8).</exception>
    public static ScalarType ToTorch(this SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.BOOL => ScalarType.Bool,
        SafetensorsDtype.U8 => ScalarType.Byte,
        SafetensorsDtype.I8 => ScalarType.Int8,
        SafetensorsDtype.I16 => ScalarType.Int16,
        SafetensorsDtype.F16 => ScalarType.Float16,
        SafetensorsDtype.BF16 => ScalarType.BFloat16,
        SafetensorsDtype.I32 => ScalarType.Int32,
        SafetensorsDtype.F32 => ScalarType.Float32,
        SafetensorsDtype.I64 => ScalarType.Int64,
        SafetensorsDtype.F64 => ScalarType.Float64,
        _ => throw new Fault(FaultKind.Data, $"A tensor of type {dtype} has no torch type here; convert it to F32 before loading."),
    };

    /// <summary>The format's name of a torch type.</summary>
    /// <exception cref="ArgumentException">The format has no such type (complex and quantised numbers).</exception>
    public static SafetensorsDtype FromTorch(ScalarType type) => type switch
    {
        ScalarType.Bool => SafetensorsDtype.BOOL,
        ScalarType.Byte => SafetensorsDtype.U8,
        ScalarType.Int8 => SafetensorsDtype.I8,
        ScalarType.Int16 => SafetensorsDtype.I16,
        ScalarType.Float16 => SafetensorsDtype.F16,
        ScalarType.BFloat16 => SafetensorsDtype.BF16,
        ScalarType.Int32 => SafetensorsDtype.I32,
        ScalarType.Float32 => SafetensorsDtype.F32,
        ScalarType.Int64 => SafetensorsDtype.I64,
        ScalarType.Float64 => SafetensorsDtype.F64,
        _ => throw new ArgumentException($"safetensors has no element type for torch's {type}.", nameof(type)),
    };

    /// <summary>The element type of a .NET number type.</summary>
    public static SafetensorsDtype Of<T>()
        where T : unmanaged => default(T) switch
        {
            float => SafetensorsDtype.F32,
            double => SafetensorsDtype.F64,
            Half => SafetensorsDtype.F16,
            long => SafetensorsDtype.I64,
            int => SafetensorsDtype.I32,
            short => SafetensorsDtype.I16,
            sbyte => SafetensorsDtype.I8,
            ulong => SafetensorsDtype.U64,
            uint => SafetensorsDtype.U32,
            ushort => SafetensorsDtype.U16,
            byte => SafetensorsDtype.U8,
            bool => SafetensorsDtype.BOOL,
            _ => throw new ArgumentException($"safetensors has no element type for {typeof(T).Name}."),
        };

    /// <summary>Reads the format's spelling; exact case, as the format asks.</summary>
    public static bool TryParse(string text, out SafetensorsDtype dtype)
    {
        foreach (SafetensorsDtype candidate in Enum.GetValues<SafetensorsDtype>())
        {
            if (candidate.ToString() == text)
            {
                dtype = candidate;
                return true;
            }
        }

        dtype = default;
        return false;
    }
}
