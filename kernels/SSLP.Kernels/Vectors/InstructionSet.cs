using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

/// <summary>Width of the vectors that the CPU kernels use. All give the same bits for a dot product: only the speed differs.</summary>
public enum InstructionSet
{
    /// <summary>One float at a time, with fused multiply-add.</summary>
    Scalar,

    /// <summary>4 floats (Arm NEON, SSE with FMA).</summary>
    Vector128,

    /// <summary>8 floats (AVX2 with FMA).</summary>
    Vector256,

    /// <summary>16 floats (AVX-512).</summary>
    Vector512,
}

/// <summary>Which <see cref="InstructionSet"/>s there are.</summary>
public static class InstructionSets
{
    /// <summary>The widest that the processor accelerates.</summary>
    public static InstructionSet Best { get; } =
        Vector512.IsHardwareAccelerated ? InstructionSet.Vector512
        : Vector256.IsHardwareAccelerated ? InstructionSet.Vector256
        : Vector128.IsHardwareAccelerated ? InstructionSet.Vector128
        : InstructionSet.Scalar;

    /// <summary>Reads scalar, 128, 256 or 512; null and empty are <see cref="Best"/>. A wider set than the processor's works too, in
    /// software and slowly.</summary>
    public static InstructionSet Parse(string? text) => text switch
    {
        null or "" => Best,
        "scalar" => InstructionSet.Scalar,
        "128" => InstructionSet.Vector128,
        "256" => InstructionSet.Vector256,
        "512" => InstructionSet.Vector512,
        _ => throw new ArgumentException($"isa is '{text}'; it must be scalar, 128, 256 or 512."),
    };
}
