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

/// <summary>Which <see cref="InstructionSet"/> this process uses.</summary>
public static class InstructionSets
{
    /// <summary>The widest that the processor accelerates.</summary>
    public static InstructionSet Best { get; } =
        Vector512.IsHardwareAccelerated ? InstructionSet.Vector512
        : Vector256.IsHardwareAccelerated ? InstructionSet.Vector256
        : Vector128.IsHardwareAccelerated ? InstructionSet.Vector128
        : InstructionSet.Scalar;

    /// <summary>What the environment variable SSLP_ISA (scalar | 128 | 256 | 512) asks for, else <see cref="Best"/>.</summary>
    /// <exception cref="ArgumentException">SSLP_ISA has another value.</exception>
    public static InstructionSet Default { get; } = Parse(Environment.GetEnvironmentVariable("SSLP_ISA"));

    /// <summary>Reads a value of SSLP_ISA. A wider set than the processor's works too, in software and slowly.</summary>
    public static InstructionSet Parse(string? text) => text switch
    {
        null or "" => Best,
        "scalar" => InstructionSet.Scalar,
        "128" => InstructionSet.Vector128,
        "256" => InstructionSet.Vector256,
        "512" => InstructionSet.Vector512,
        _ => throw new ArgumentException($"SSLP_ISA is '{text}'; it must be scalar, 128, 256 or 512."),
    };
}
