using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Operations;

/// <summary>What an opcode does from registers to registers.</summary>
/// <param name="Handler">A <c>delegate*&lt;Warp, Instruction*, void&gt;</c>.</param>
/// <param name="Widths">Bytes of the operands, the result first; 0 is a predicate.</param>
/// <param name="Repeat">Whether the one source is given twice: logic of one predicate.</param>
internal readonly record struct Operation(nint Handler, InstructionClass Class, int[] Widths, bool Repeat = false);

/// <summary>Every opcode from registers to registers that the machine knows, by its whole name.</summary>
internal static unsafe class OperationTable
{
    private static readonly Dictionary<string, Operation> Known = Build();

    public static bool TryFind(string opcode, out Operation operation) => Known.TryGetValue(opcode, out operation);

    private static Dictionary<string, Operation> Build()
    {
        var table = new Dictionary<string, Operation>();
        Integers(table);
        Floats<float>(table, "f32", InstructionClass.Float32);
        Floats<double>(table, "f64", InstructionClass.Float64);
        Comparisons(table);
        Logic(table);
        Conversions(table);
        Moves(table);
        return table;
    }

    private static void Integers(Dictionary<string, Operation> table)
    {
        const InstructionClass kind = InstructionClass.Integer;
        Both<int, uint>(table, "32");
        Both<long, ulong>(table, "64");
        table["mul.wide.u32"] = new Operation(H(&Widths.MultiplyUnsigned), kind, [8, 4, 4]);
        table["mul.wide.s32"] = new Operation(H(&Lanes.Map2<int, int, long, WideProduct>), kind, [8, 4, 4]);
        table["mul.hi.u32"] = new Operation(H(&Lanes.Map2<uint, uint, uint, HighProduct>), kind, [4, 4, 4]);
        table["mul.hi.s32"] = new Operation(H(&Lanes.Map2<int, int, int, HighProduct>), kind, [4, 4, 4]);
        table["mul.hi.u64"] = new Operation(H(&Lanes.Map2<ulong, ulong, ulong, HighProduct>), kind, [8, 8, 8]);
        table["mul.hi.s64"] = new Operation(H(&Lanes.Map2<long, long, long, HighProduct>), kind, [8, 8, 8]);
        table["shl.b32"] = new Operation(H(&Lanes.Map2<uint, uint, uint, ShiftLeft>), kind, [4, 4, 4]);
        table["shl.b64"] = new Operation(H(&Lanes.Map2<ulong, uint, ulong, ShiftLeft>), kind, [8, 8, 4]);
        table["shr.u32"] = table["shr.b32"] = new Operation(H(&Lanes.Map2<uint, uint, uint, ShiftRight>), kind, [4, 4, 4]);
        table["shr.u64"] = table["shr.b64"] = new Operation(H(&Lanes.Map2<ulong, uint, ulong, ShiftRight>), kind, [8, 8, 4]);
        table["shr.s32"] = new Operation(H(&Lanes.Map2<int, uint, int, ShiftRight>), kind, [4, 4, 4]);
        table["shr.s64"] = new Operation(H(&Lanes.Map2<long, uint, long, ShiftRight>), kind, [8, 8, 4]);
        table["popc.b32"] = new Operation(H(&Lanes.Map<uint, uint, PopulationCount>), kind, [4, 4]);
        table["popc.b64"] = new Operation(H(&Lanes.Map<ulong, uint, PopulationCount>), kind, [4, 8]);
        table["clz.b32"] = new Operation(H(&Lanes.Map<uint, uint, LeadingZeros>), kind, [4, 4]);
        table["clz.b64"] = new Operation(H(&Lanes.Map<ulong, uint, LeadingZeros>), kind, [4, 8]);
    }

    private static void Both<TSigned, TUnsigned>(Dictionary<string, Operation> table, string bits)
        where TSigned : unmanaged, System.Numerics.IBinaryInteger<TSigned>, System.Numerics.IMinMaxValue<TSigned>
        where TUnsigned : unmanaged, System.Numerics.IBinaryInteger<TUnsigned>, System.Numerics.IMinMaxValue<TUnsigned>
    {
        foreach (string sign in (string[])["s", "u"])
        {
            table[$"add.{sign}{bits}"] = Binary<TUnsigned, Add<TUnsigned>>(InstructionClass.Integer);
            table[$"sub.{sign}{bits}"] = Binary<TUnsigned, Subtract<TUnsigned>>(InstructionClass.Integer);
            table[$"mul.lo.{sign}{bits}"] = Binary<TUnsigned, Multiply<TUnsigned>>(InstructionClass.Integer);
            table[$"mad.lo.{sign}{bits}"] = Ternary<TUnsigned, MultiplyAdd<TUnsigned>>(InstructionClass.Integer);
        }

        table[$"min.s{bits}"] = Binary<TSigned, Smaller<TSigned>>(InstructionClass.Integer);
        table[$"max.s{bits}"] = Binary<TSigned, Larger<TSigned>>(InstructionClass.Integer);
        table[$"min.u{bits}"] = Binary<TUnsigned, Smaller<TUnsigned>>(InstructionClass.Integer);
        table[$"max.u{bits}"] = Binary<TUnsigned, Larger<TUnsigned>>(InstructionClass.Integer);
        table[$"neg.s{bits}"] = Unary<TSigned, Negate<TSigned>>(InstructionClass.Integer);
        table[$"abs.s{bits}"] = Unary<TSigned, Magnitude<TSigned>>(InstructionClass.Integer);
        table[$"div.s{bits}"] = Map2<TSigned, Quotient<TSigned>>();
        table[$"rem.s{bits}"] = Map2<TSigned, Remainder<TSigned>>();
        table[$"div.u{bits}"] = Map2<TUnsigned, Quotient<TUnsigned>>();
        table[$"rem.u{bits}"] = Map2<TUnsigned, Remainder<TUnsigned>>();
        table[$"and.b{bits}"] = Binary<TUnsigned, And<TUnsigned>>(InstructionClass.Integer);
        table[$"or.b{bits}"] = Binary<TUnsigned, Or<TUnsigned>>(InstructionClass.Integer);
        table[$"xor.b{bits}"] = Binary<TUnsigned, Xor<TUnsigned>>(InstructionClass.Integer);
        table[$"not.b{bits}"] = Unary<TUnsigned, Not<TUnsigned>>(InstructionClass.Integer);
    }

    // "FusedMultiplyAdd" and "Reciprocal" have a form for each type, which a generic method cannot choose.
    private static void Floats<T>(Dictionary<string, Operation> table, string type, InstructionClass kind) where T : unmanaged
    {
        foreach (string rounding in (string[])["", "rn."])
        {
            table[$"add.{rounding}{type}"] = Binary<T, AddFloat<T>>(kind);
            table[$"sub.{rounding}{type}"] = Binary<T, SubtractFloat<T>>(kind);
            table[$"mul.{rounding}{type}"] = Binary<T, MultiplyFloat<T>>(kind);
        }

        table[$"div.rn.{type}"] = Binary<T, DivideFloat<T>>(kind);
        table[$"sqrt.rn.{type}"] = Unary<T, SquareRoot<T>>(kind);
        table[$"min.{type}"] = Binary<T, SmallerFloat<T>>(kind);
        table[$"max.{type}"] = Binary<T, LargerFloat<T>>(kind);
        table[$"neg.{type}"] = Unary<T, NegateFloat<T>>(kind);
        table[$"abs.{type}"] = Unary<T, MagnitudeFloat<T>>(kind);
        if (typeof(T) == typeof(float))
        {
            table["fma.rn.f32"] = Ternary<float, FusedMultiplyAdd>(kind);
            table["min.NaN.f32"] = Binary<float, SmallerOrNaN<float>>(kind);
            table["max.NaN.f32"] = Binary<float, LargerOrNaN<float>>(kind);
            table["rcp.rn.f32"] = Unary<float, Reciprocal>(kind);
        }
        else
        {
            table["fma.rn.f64"] = Ternary<double, FusedMultiplyAdd>(kind);
            table["rcp.rn.f64"] = Unary<double, Reciprocal>(kind);
        }
    }

    private static void Comparisons(Dictionary<string, Operation> table)
    {
        Compare<uint>(table, "u32", "lo", "ls", "hi", "hs");
        Compare<ulong>(table, "u64", "lo", "ls", "hi", "hs");
        foreach (string sign in (string[])["s", "b", "u"])
        {
            table[$"setp.eq.{sign}32"] = Compare<uint, Equal<uint>>();
            table[$"setp.ne.{sign}32"] = Compare<uint, Unequal<uint>>();
            table[$"setp.eq.{sign}64"] = Compare<ulong, Equal<ulong>>();
            table[$"setp.ne.{sign}64"] = Compare<ulong, Unequal<ulong>>();
        }

        // On unsigned types lt and lo, le and ls, gt and hi, ge and hs are the same.
        foreach ((string type, bool wide, bool signed) in ((string, bool, bool)[])[("s32", false, true), ("s64", true, true),
            ("u32", false, false), ("u64", true, false)])
        {
            if (signed && wide)
                Compare<long>(table, type, "lt", "le", "gt", "ge");
            else if (signed)
                Compare<int>(table, type, "lt", "le", "gt", "ge");
            else if (wide)
                Compare<ulong>(table, type, "lt", "le", "gt", "ge");
            else
                Compare<uint>(table, type, "lt", "le", "gt", "ge");
        }

        CompareFloats<float>(table, "f32");
        CompareFloats<double>(table, "f64");
    }

    private static void Compare<T>(Dictionary<string, Operation> table, string type, string less, string lessOrEqual, string greater,
        string greaterOrEqual)
        where T : unmanaged
    {
        table[$"setp.{less}.{type}"] = Compare<T, Less<T>>();
        table[$"setp.{lessOrEqual}.{type}"] = Compare<T, LessOrEqual<T>>();
        table[$"setp.{greater}.{type}"] = Compare<T, Greater<T>>();
        table[$"setp.{greaterOrEqual}.{type}"] = Compare<T, GreaterOrEqual<T>>();
    }

    private static void CompareFloats<T>(Dictionary<string, Operation> table, string type) where T : unmanaged
    {
        Compare<T>(table, type, "lt", "le", "gt", "ge");
        table[$"setp.eq.{type}"] = Compare<T, Equal<T>>();
        table[$"setp.ne.{type}"] = Compare<T, UnequalNumbers<T>>();
        table[$"setp.equ.{type}"] = Compare<T, EqualOrNot<T>>();
        table[$"setp.neu.{type}"] = Compare<T, Unequal<T>>();
        table[$"setp.ltu.{type}"] = Compare<T, Opposite<T, GreaterOrEqual<T>>>();
        table[$"setp.leu.{type}"] = Compare<T, Opposite<T, Greater<T>>>();
        table[$"setp.gtu.{type}"] = Compare<T, Opposite<T, LessOrEqual<T>>>();
        table[$"setp.geu.{type}"] = Compare<T, Opposite<T, Less<T>>>();
        table[$"setp.num.{type}"] = Compare<T, BothNumbers<T>>();
        table[$"setp.nan.{type}"] = Compare<T, Opposite<T, BothNumbers<T>>>();
    }

    private static void Logic(Dictionary<string, Operation> table)
    {
        const InstructionClass kind = InstructionClass.Predicate;
        table["and.pred"] = new Operation(H(&Lanes.Predicate<PredicateAnd>), kind, [0, 0, 0]);
        table["or.pred"] = new Operation(H(&Lanes.Predicate<PredicateOr>), kind, [0, 0, 0]);
        table["xor.pred"] = new Operation(H(&Lanes.Predicate<PredicateXor>), kind, [0, 0, 0]);
        table["not.pred"] = new Operation(H(&Lanes.Predicate<PredicateNot>), kind, [0, 0], Repeat: true);
        table["mov.pred"] = new Operation(H(&Lanes.Predicate<PredicateCopy>), kind, [0, 0], Repeat: true);
        foreach (string type in (string[])["b32", "u32", "s32", "f32"])
            table[$"selp.{type}"] = new Operation(H(&Lanes.Select<uint>), kind, [4, 4, 4, 0]);
        foreach (string type in (string[])["b64", "u64", "s64", "f64"])
            table[$"selp.{type}"] = new Operation(H(&Lanes.Select<ulong>), kind, [8, 8, 8, 0]);
    }

    private static void Conversions(Dictionary<string, Operation> table)
    {
        table["cvt.s64.s32"] = table["cvt.u64.s32"] = Convert(&Widths.Extend, 8, 4);
        table["cvt.u64.u32"] = table["cvt.s64.u32"] = Convert(&Widths.ExtendUnsigned, 8, 4);
        foreach (string to in (string[])["s32", "u32"])
        {
            foreach (string from in (string[])["s64", "u64"])
                table[$"cvt.{to}.{from}"] = Convert(&Widths.Cut, 4, 8);
            table[$"cvt.{to}.u8"] = Convert(&Lanes.Map<byte, int, Resize>, 4, 2);
            table[$"cvt.{to}.s8"] = Convert(&Lanes.Map<sbyte, int, Resize>, 4, 2);
            table[$"cvt.{to}.u16"] = Convert(&Lanes.Map<ushort, int, Resize>, 4, 2);
            table[$"cvt.{to}.s16"] = Convert(&Lanes.Map<short, int, Resize>, 4, 2);
        }

        table["cvt.rn.f32.s32"] = Convert(&Lanes.Map<int, float, ToFloat>, 4, 4);
        table["cvt.rn.f32.u32"] = Convert(&Lanes.Map<uint, float, ToFloat>, 4, 4);
        table["cvt.rn.f32.s64"] = Convert(&Lanes.Map<long, float, ToFloat>, 4, 8);
        table["cvt.rn.f32.u64"] = Convert(&Lanes.Map<ulong, float, ToFloat>, 4, 8);
        table["cvt.rn.f64.s32"] = Convert(&Lanes.Map<int, double, ToFloat>, 8, 4);
        table["cvt.rn.f64.u32"] = Convert(&Lanes.Map<uint, double, ToFloat>, 8, 4);
        table["cvt.rn.f64.s64"] = Convert(&Lanes.Map<long, double, ToFloat>, 8, 8);
        table["cvt.rn.f64.u64"] = Convert(&Lanes.Map<ulong, double, ToFloat>, 8, 8);
        table["cvt.f64.f32"] = Convert(&Lanes.Map<float, double, ToFloat>, 8, 4);
        table["cvt.rn.f32.f64"] = Convert(&Lanes.Map<double, float, ToFloat>, 4, 8);
        Rounding<RoundNearest>(table, "rni");
        Rounding<RoundToZero>(table, "rzi");
        Rounding<RoundDown>(table, "rmi");
        Rounding<RoundUp>(table, "rpi");
    }

    private static void Rounding<TRounding>(Dictionary<string, Operation> table, string name)
        where TRounding : IRounding, IUnary<float>, IUnary<double>
    {
        table[$"cvt.{name}.s32.f32"] = Convert(&Lanes.Map<float, int, ToInteger<TRounding>>, 4, 4);
        table[$"cvt.{name}.u32.f32"] = Convert(&Lanes.Map<float, uint, ToInteger<TRounding>>, 4, 4);
        table[$"cvt.{name}.s64.f32"] = Convert(&Lanes.Map<float, long, ToInteger<TRounding>>, 8, 4);
        table[$"cvt.{name}.u64.f32"] = Convert(&Lanes.Map<float, ulong, ToInteger<TRounding>>, 8, 4);
        table[$"cvt.{name}.s32.f64"] = Convert(&Lanes.Map<double, int, ToInteger<TRounding>>, 4, 8);
        table[$"cvt.{name}.u32.f64"] = Convert(&Lanes.Map<double, uint, ToInteger<TRounding>>, 4, 8);
        table[$"cvt.{name}.s64.f64"] = Convert(&Lanes.Map<double, long, ToInteger<TRounding>>, 8, 8);
        table[$"cvt.{name}.u64.f64"] = Convert(&Lanes.Map<double, ulong, ToInteger<TRounding>>, 8, 8);
        table[$"cvt.{name}.f32.f32"] = Convert(&Lanes.Unary<float, TRounding>, 4, 4);
        table[$"cvt.{name}.f64.f64"] = Convert(&Lanes.Unary<double, TRounding>, 8, 8);
    }

    private static void Moves(Dictionary<string, Operation> table)
    {
        foreach (string type in (string[])["b32", "u32", "s32", "f32"])
            table[$"mov.{type}"] = Unary<uint, Copy<uint>>(InstructionClass.Move);
        foreach (string type in (string[])["b64", "u64", "s64", "f64"])
            table[$"mov.{type}"] = Unary<ulong, Copy<ulong>>(InstructionClass.Move);

        // "cvta": generic and global addresses are the same number; the shared window is told apart where cvta names it.
        table["cvta.global.u64"] = table["cvta.to.global.u64"] = Unary<ulong, Copy<ulong>>(InstructionClass.Move);
        table["cvta.shared.u64"] = Unary<ulong, SharedToGeneric>(InstructionClass.Move);
        table["cvta.to.shared.u64"] = Unary<ulong, GenericToShared>(InstructionClass.Move);
    }

    private static Operation Unary<T, TOperation>(InstructionClass kind) where T : unmanaged where TOperation : IUnary<T> =>
        new(H(&Lanes.Unary<T, TOperation>), kind, [sizeof(T), sizeof(T)]);

    private static Operation Binary<T, TOperation>(InstructionClass kind) where T : unmanaged where TOperation : IBinary<T> =>
        new(H(&Lanes.Binary<T, TOperation>), kind, [sizeof(T), sizeof(T), sizeof(T)]);

    private static Operation Ternary<T, TOperation>(InstructionClass kind) where T : unmanaged where TOperation : ITernary<T> =>
        new(H(&Lanes.Ternary<T, TOperation>), kind, [sizeof(T), sizeof(T), sizeof(T), sizeof(T)]);

    private static Operation Map2<T, TOperation>() where T : unmanaged where TOperation : IMap2<T, T, T> =>
        new(H(&Lanes.Map2<T, T, T, TOperation>), InstructionClass.Integer, [sizeof(T), sizeof(T), sizeof(T)]);

    private static Operation Compare<T, TOperation>() where T : unmanaged where TOperation : IBinary<T> =>
        new(H(&Lanes.Compare<T, TOperation>), InstructionClass.Predicate, [0, sizeof(T), sizeof(T)]);

    private static Operation Convert(delegate*<Warp, Instruction*, void> handler, int to, int from) =>
        new(H(handler), InstructionClass.Convert, [to, from]);

    private static nint H(delegate*<Warp, Instruction*, void> handler) => (nint)handler;
}
