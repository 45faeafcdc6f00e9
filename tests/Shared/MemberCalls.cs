using System.Reflection;
using System.Reflection.Emit;

namespace SSLP.Tests.Shared;

/// <summary>What a member calls, read from its code.</summary>
internal static class MemberCalls
{
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>The members that it calls or makes an object with, generic ones as their definitions; nothing where it has no
    /// code.</summary>
    public static IEnumerable<MethodBase> Of(MethodBase member)
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
