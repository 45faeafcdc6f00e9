using System.Reflection;
using System.Reflection.Emit;
using SSLP.Engine.Training;
using TorchSharp;
using Xunit;

namespace SSLP.Engine.Tests.Training;

/// <summary>Reads what the members of the step's path call, by their code.</summary>
public sealed class StepPathTests
{
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>These copy to the host, or from pageable memory, and wait.</summary>
    private static readonly string[] Waiting = ["item", "cpu", "ToArray", "CopyTo", "ToHost", "ReadBack", "to_type", "tensor", "Read"];

    /// <summary>Not of every step on a card: what a watched step compares, and the norm of an optimizer whose weights are on the
    /// CPU.</summary>
    private static readonly string[] Apart = ["Compare", "ComparedOf", "GradientNorm"];

    [Fact]
    public void Nothing_on_the_path_of_a_step_on_the_device_copies_a_tensor_to_the_host()
    {
        var seen = new HashSet<MethodBase>();
        var open = new Queue<MethodBase>(Members(typeof(DeviceTraining), "Enqueue", "DrawAhead"));
        var found = new List<string>();
        while (open.TryDequeue(out MethodBase? member))
        {
            if (!seen.Add(member))
                continue;
            foreach (MethodBase called in Calls(member))
            {
                if (Apart.Contains(called.Name))
                    continue;
                if (Waiting.Contains(called.Name) && IsOfTensors(called))
                    found.Add($"{member.DeclaringType!.Name}.{member.Name} calls {called.DeclaringType!.Name}.{called.Name}");
                foreach (MethodBase own in Implementations(called))
                    open.Enqueue(own);
            }
        }

        Assert.Empty(found);
        string[] names = [.. seen.Select(member => $"{member.DeclaringType!.Name}.{member.Name}")];
        Assert.Superset(
            new HashSet<string>
            {
                "DeviceSlots.Send", "Sslp.EnqueueStep", "MoCoV2.EnqueueStep", "SimClr.EnqueueStep", "FusedObjective.EnqueueUpdate",
                "StepGuard.EnqueueStatistics", "FlatSgd.EnqueueNorm",
            },
            names.ToHashSet());
    }

    // A tensor of one number is filled by a kernel; one of an array is copied over.
    private static bool IsOfTensors(MethodBase member) => member.DeclaringType == typeof(torch.Tensor)
        || (member.DeclaringType == typeof(torch) && !member.GetParameters()[0].ParameterType.IsPrimitive)
        || member.DeclaringType!.Assembly == typeof(DeviceTraining).Assembly
        || member.GetParameters().Any(parameter => parameter.ParameterType == typeof(torch.Tensor));

    // Overrides of a member of the engine's, and the members of what its compiler made of lambdas.
    private static IEnumerable<MethodBase> Implementations(MethodBase member)
    {
        if (member.DeclaringType?.Assembly != typeof(DeviceTraining).Assembly)
            yield break;
        if (!member.IsAbstract)
            yield return member;
        if (!member.IsVirtual)
            yield break;
        Type of = member.DeclaringType!;
        foreach (Type type in of.Assembly.GetTypes().Where(type => type != of && of.IsAssignableFrom(type)))
        {
            foreach (MethodBase own in Members(type, member.Name))
                yield return own;
        }
    }

    private static IEnumerable<MethodBase> Members(Type type, params string[] names) => type
        .GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        .Where(member => names.Contains(member.Name) && !member.IsAbstract);

    private static IEnumerable<MethodBase> Calls(MethodBase member)
    {
        if (member.GetMethodBody()?.GetILAsByteArray() is not { } code)
            yield break;
        for (int at = 0; at < code.Length;)
        {
            short value = code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at];
            OpCode operation = OpCodesByValue[value];
            at += operation.Size;
            if (operation.OperandType == OperandType.InlineMethod && Resolve(member, BitConverter.ToInt32(code, at)) is { } called)
                yield return called;
            at += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, at),
                _ => 4,
            };
        }
    }

    private static MethodBase? Resolve(MethodBase member, int token)
    {
        Type[] ofType = member.DeclaringType!.IsGenericType ? member.DeclaringType.GetGenericArguments() : [];
        MethodBase? called = member.Module.ResolveMethod(token, ofType, member.IsGenericMethod ? member.GetGenericArguments() : []);
        return called is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericMethodDefinition() : called;
    }
}
