using System.Reflection;
using SSLP.Engine.Training;
using SSLP.Evaluation.Probes;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;

namespace SSLP.Evaluation.Tests.Torch;

/// <summary>
/// TorchSharp hands libtorch the address of a scalar and does not hold it: a collection in between frees what libtorch is about to read.
/// So nothing of ours may let TorchSharp make a scalar of a number by itself.
/// </summary>
public sealed class HeldScalarsTests
{
    private static readonly Assembly Torchs = typeof(torch).Assembly;

    private static readonly Dictionary<MethodBase, bool> Known = [];

    public static TheoryData<Type> Assemblies { get; } = [typeof(Trainer), typeof(LinearProbe)];

    [Theory, MemberData(nameof(Assemblies))]
    public void No_member_lets_torch_make_a_scalar_that_nobody_holds(Type ofAssembly)
    {
        MethodBase[] members = [.. MembersOf(ofAssembly.Assembly)];
        Assert.NotEmpty(members);
        string[] found = [.. from member in members
                             from called in MemberCalls.Of(member)
                             where called.DeclaringType?.Assembly == Torchs && (MakesScalar(called) || IsOfModuleThatDoes(called))
                             select $"{member.DeclaringType!.Name}.{member.Name} calls {called.DeclaringType!.Name}.{called}"];
        Assert.True(found.Length == 0, string.Join(Environment.NewLine, found.Distinct()));
    }

    /// <summary>What the code of the members below does; each makes a scalar, or has TorchSharp make one, in another way.</summary>
    [Theory]
    [InlineData(nameof(Sum), true)]
    [InlineData(nameof(Half), true)]
    [InlineData(nameof(Square), true)]
    [InlineData(nameof(Normalisation), true)]
    [InlineData(nameof(Difference), false)]
    [InlineData(nameof(Projection), false)]
    public void A_scalar_that_nobody_holds_is_found(string name, bool makes)
    {
        MethodInfo member = typeof(HeldScalarsTests).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;
        Assert.Equal(makes, MemberCalls.Of(member).Any(called => MakesScalar(called) || IsOfModuleThatDoes(called)));
    }

    private static torch.Tensor Sum(torch.Tensor x) => x + x;

    private static torch.Tensor Half(torch.Tensor x) => x * 0.5;

    private static torch.Tensor Square(torch.Tensor x) => x.square();

    private static torch.nn.Module Normalisation() => torch.nn.BatchNorm1d(3);

    private static torch.Tensor Difference(torch.Tensor x) => x - x;

    private static torch.nn.Module Projection() => torch.nn.Linear(3, 4);

    private static IEnumerable<MethodBase> MembersOf(Assembly assembly)
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic
            | BindingFlags.DeclaredOnly;
        return assembly.GetTypes().SelectMany(type => type.GetMethods(All).AsEnumerable<MethodBase>().Concat(type.GetConstructors(All)));
    }

    /// <summary>It gives a module of TorchSharp's whose forward pass does.</summary>
    private static bool IsOfModuleThatDoes(MethodBase member) =>
        member is MethodInfo { ReturnType: { IsAbstract: false } module } && module.Assembly == Torchs
        && typeof(torch.nn.Module).IsAssignableFrom(module)
        && module.GetMethods().Where(m => m.Name == "forward").Any(MakesScalar);

    /// <summary>It, or what it calls within TorchSharp, turns a number into a scalar by the implicit conversion.</summary>
    private static bool MakesScalar(MethodBase member)
    {
        if (member is MethodInfo { Name: "op_Implicit" } conversion && conversion.ReturnType == typeof(Scalar))
            return true;
        if (Known.TryGetValue(member, out bool makes))
            return makes;
        Known[member] = false; // a circle adds nothing
        return Known[member] = MemberCalls.Of(member).Any(called => called.DeclaringType?.Assembly == Torchs && MakesScalar(called));
    }
}
