using System.Reflection;
using SSLP.Engine.Training;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;

namespace SSLP.Engine.Tests.Training;

/// <summary>Reads what the members of the step's path call, by their code.</summary>
public sealed class StepPathTests
{
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
            foreach (MethodBase called in MemberCalls.Of(member))
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
}
