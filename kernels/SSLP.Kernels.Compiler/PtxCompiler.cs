using System.Text.RegularExpressions;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using SSLP.Kernels.Device;

namespace SSLP.Kernels.Compiler;

/// <summary>A kernel's PTX.</summary>
/// <param name="Name">The device method's name.</param>
/// <param name="Entry">The .entry in the text.</param>
/// <param name="GroupSize">Threads of a group, which the text fixes by .maxntid.</param>
/// <param name="SharedBytes">Shared memory that the entry declares.</param>
public sealed record PtxKernel(string Name, string Entry, int GroupSize, int SharedBytes, string Text);

/// <summary>
/// ILGPU as a compiler: C# device code to PTX for sm_80, which every later device runs. Needs no GPU and no driver. The text is a function
/// of the device code and of ILGPU's version: the numbers that ILGPU puts into names, which depend on what it compiled before, are taken
/// out.
/// </summary>
public static partial class PtxCompiler
{
    /// <exception cref="InvalidOperationException">ILGPU cannot compile the method; the message names it.</exception>
    public static PtxKernel Compile(DeviceKernel kernel)
    {
        try
        {
            // A context of its own for each: a compilation that fails poisons its context.
            using var context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).Inlining(InliningMode.Aggressive));
            using var backend = new PTXBackend(context, CudaArchitecture.SM_80, CudaInstructionSet.ISA_80, null!);
            CodePlacementPass.Soften(backend);
            var entry = EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method);
            var compiled = (PTXCompiledKernel)backend.Compile(entry, new KernelSpecialization(kernel.GroupSize, null));
            string text = Normalise(compiled.PTXAssembly);
            return new PtxKernel(kernel.Name, compiled.Name, kernel.GroupSize, SharedBytes(text), text);
        }
        catch (InternalCompilerException failure)
        {
            throw new InvalidOperationException(
                $"ILGPU cannot compile {kernel.Name}: {failure.InnerException?.Message ?? failure.Message}", failure);
        }
    }

    private static string Normalise(string text)
    {
        text = UnreachableCode.Remove(text.ReplaceLineEndings("\n"));
        var numbers = new Dictionary<string, string>();
        text = Numbered().Replace(text, match =>
        {
            if (!numbers.TryGetValue(match.Value, out string? name))
                numbers.Add(match.Value, name = $"{match.Groups["stem"].Value}_p{numbers.Count}");
            return name;
        });
        text = WithoutIdleShared(text);
        text = NamedParameter().Replace(text, match => Parameter(text, match.Groups["name"].Value));
        text = PredicatedUniform().Replace(text, "${predicated}");
        text = Unrounded().Replace(text, "${operation}.rn.");
        return LocalScalars.ToRegisters(TrailingSpace().Replace(text, ""));
    }

    // Shared memory that the plain bodies of the tensor cores' instructions need is declared here too, and would count against a group's
    // 48 KB: its address is taken and never used.
    private static string WithoutIdleShared(string text)
    {
        foreach (Match declared in SharedDeclaration().Matches(text))
        {
            string name = declared.Groups["name"].Value;
            Match taken = Regex.Match(text, $@"\tmov\.b64\t(?<address>%rd\d+), {name};\n");
            if (!taken.Success || Regex.Count(text, $@"\b{name}\b") != 2 || Regex.Count(text, $@"{taken.Groups["address"].Value}\b") != 1)
                continue;
            text = text.Replace(taken.Value, "", StringComparison.Ordinal).Replace($"\t{declared.Value};\n", "", StringComparison.Ordinal);
        }

        return text;
    }

    // Inline PTX cannot know what ILGPU calls a parameter: it writes &name.
    private static string Parameter(string text, string name)
    {
        Match declared = Regex.Match(text, $@"\.param [^,)]*?(?<name>_{name}_p\d+)");
        return declared.Success ? declared.Groups["name"].Value
            : throw new InvalidOperationException($"Inline PTX reads the parameter {name}, which the kernel does not have.");
    }

    private static int SharedBytes(string text) =>
        SharedDeclaration().Matches(text)
            .Sum(match => int.Parse(match.Groups["bytes"].Value, System.Globalization.CultureInfo.InvariantCulture));

    [GeneratedRegex(@"(?<stem>\bL|_[A-Za-z][A-Za-z0-9]*)_(?<number>\d+)\b")]
    private static partial Regex Numbered();

    // ".uni" promises that a warp's threads agree. ILGPU concludes it from data alone: what a loop carries past a branch that threads take
    // at different times counts as uniform, and is not.
    [GeneratedRegex(@"(?<predicated>^\t@!?%p\d+\s+bra)\.uni\b", RegexOptions.Multiline)]
    private static partial Regex PredicatedUniform();

    // Without a rounding mode the driver may fuse a product with a sum, one version as this and another not: the same text would give
    // other bits.
    [GeneratedRegex(@"\b(?<operation>add|sub|mul)\.(?=f(?:32|64)\b)")]
    private static partial Regex Unrounded();

    [GeneratedRegex(@"&(?<name>[A-Za-z]\w*)")]
    private static partial Regex NamedParameter();

    [GeneratedRegex(@"[ \t]+$", RegexOptions.Multiline)]
    private static partial Regex TrailingSpace();

    [GeneratedRegex(@"\.shared \.align \d+ \.b8 (?<name>\w+)\[(?<bytes>\d+)\]")]
    private static partial Regex SharedDeclaration();
}
