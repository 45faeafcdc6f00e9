using System.Collections.Immutable;
using System.Reflection;
using ILGPU.Backends;
using ILGPU.IR.Transformations;

namespace SSLP.Kernels.Compiler;

/// <summary>
/// Puts ILGPU's code placement into its default mode. The aggressive one, which O2 takes, tests the memory operations between a load's old
/// and new place but for the one next to it: a load may land behind a store to its own word (ILGPU 1.5.3,
/// Movement.CanMoveSideEffectValue), and the kernel reads what it wrote. Without the pass ILGPU cannot compile the kernels that sum on
/// tensor cores. It has no setting for this.
/// </summary>
internal static class CodePlacementPass
{
    /// <exception cref="InvalidOperationException">This ILGPU has no such pass where 1.5.3 has it: read what became of it before going
    /// on.</exception>
    public static void Soften(Backend backend)
    {
        FieldInfo field = typeof(Backend).GetField("<KernelTransformers>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)
            ?? throw Missing();
        var transformers = (ImmutableArray<Transformer>)field.GetValue(backend)!;
        int replaced = 0;
        Transformer[] softened = [.. transformers.Select(transformer =>
            Transformer.Create(transformer.Configuration, [.. transformer.Transformations.Select(Replace)]))];
        if (replaced != 1)
            throw Missing();
        field.SetValue(backend, ImmutableArray.Create(softened));

        // Its strategy is a type of ILGPU's own: the new pass is made from the old one's type.
        Transformation Replace(Transformation pass)
        {
            Type type = pass.GetType();
            if (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(CodePlacement<>))
                return pass;
            replaced++;
            return (Transformation)Activator.CreateInstance(type, CodePlacementMode.Default)!;
        }
    }

    private static InvalidOperationException Missing() =>
        new("ILGPU's code placement is not where version 1.5.3 has it: it cannot be made safe.");
}
