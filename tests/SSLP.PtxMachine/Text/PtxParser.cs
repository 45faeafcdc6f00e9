namespace SSLP.PtxMachine.Text;

/// <summary>
/// Reads PTX 8.0 as ILGPU and the inline texts of our device code write it: one module, its entries, registers in nested scopes, shared
/// variables, labels, statements. Directives and forms that do not occur in them are refused by line.
/// </summary>
internal sealed class PtxParser
{
    private readonly TokenReader _tokens;
    private readonly string[] _lines;
    private readonly Stack<Dictionary<string, Register>> _scopes = new();
    private PtxKernelText _kernel = null!;

    private PtxParser(string text)
    {
        _tokens = new TokenReader(text);
        _lines = text.ReplaceLineEndings("\n").Split('\n');
    }

    /// <exception cref="PtxRefusedException">The text is not what the machine knows.</exception>
    public static PtxKernelText[] Parse(string text)
    {
        var parser = new PtxParser(text);
        parser.ReadHeader();
        var kernels = new List<PtxKernelText>();
        while (!parser._tokens.AtEnd)
            kernels.Add(parser.ReadEntry());
        return [.. kernels];
    }

    // PTX ISA 8.0, "PTX Module Directives": .version, .target and .address_size, in this order.
    private void ReadHeader()
    {
        _tokens.Expect(".version");
        Token version = _tokens.TakeWord();
        if (!decimal.TryParse(version.Text, out decimal number) || number is < 7 or >= 9)
            throw new PtxRefusedException(version.Line, $"version {version.Text} is not 7 or 8.");
        _tokens.Expect(".target");
        Token target = _tokens.TakeWord();
        if (!target.Text.StartsWith("sm_", StringComparison.Ordinal))
            throw new PtxRefusedException(target.Line, $"the target {target.Text} is not known.");
        _tokens.Expect(".address_size");
        _tokens.Expect("64");
    }

    private PtxKernelText ReadEntry()
    {
        Token start = _tokens.Take();
        if (start.Text != ".visible" || !_tokens.TryTake(".entry"))
            throw new PtxRefusedException(start.Line, $"'{start.Text}' is not the beginning of a .visible .entry.");
        _kernel = new PtxKernelText { Entry = _tokens.TakeWord().Text, Lines = _lines };
        _tokens.Expect("(");
        while (!_tokens.TryTake(")"))
        {
            ReadParameter();
            _tokens.TryTake(",");
        }

        if (_tokens.TryTake(".maxntid"))
            ReadThreads();
        _tokens.Expect("{");
        ReadBody();
        return _kernel;
    }

    private void ReadParameter()
    {
        _tokens.Expect(".param");
        int alignment = _tokens.TryTake(".align") ? _tokens.TakeInteger() : 0;
        Token type = _tokens.TakeWord();
        int bytes = PtxTypes.Bytes(type);
        string name = _tokens.TakeWord().Text;
        alignment = Math.Max(alignment, bytes);
        if (_tokens.TryTake("["))
        {
            bytes *= _tokens.TakeInteger();
            _tokens.Expect("]");
        }

        int offset = (_kernel.ParameterBytes + alignment - 1) / alignment * alignment;
        _kernel.Parameters.Add(new Parameter(name, offset, bytes));
    }

    private void ReadThreads()
    {
        _kernel.MaxThreads = _tokens.TakeInteger();
        while (_tokens.TryTake(","))
            _kernel.MaxThreads *= _tokens.TakeInteger();
    }

    private void ReadBody()
    {
        _scopes.Push([]);
        while (_scopes.Count > 0)
        {
            Token token = _tokens.Take();
            switch (token.Text)
            {
                case "":
                    throw new PtxRefusedException(token.Line, "the text ends inside an entry.");
                case "{":
                    _scopes.Push([]);
                    break;
                case "}":
                    _scopes.Pop();
                    break;
                case ".reg":
                    ReadRegisters();
                    break;
                case ".shared":
                    ReadShared();
                    break;
                default:
                    ReadStatement(token);
                    break;
            }
        }
    }

    private void ReadRegisters()
    {
        RegisterKind kind = PtxTypes.Kind(_tokens.TakeWord());
        do
        {
            Token name = _tokens.TakeWord();
            if (_tokens.TryTake("<"))
            {
                int count = _tokens.TakeInteger();
                _tokens.Expect(">");
                for (int i = 0; i < count; i++)
                    Declare(name.Text + i, kind, name.Line);
            }
            else
            {
                Declare(name.Text, kind, name.Line);
            }
        }
        while (_tokens.TryTake(","));
        _tokens.Expect(";");
    }

    private void Declare(string name, RegisterKind kind, int line)
    {
        var register = new Register(name, kind, _kernel.Registers.Count);
        if (!_scopes.Peek().TryAdd(name, register))
            throw new PtxRefusedException(line, $"the register {name} is declared twice in one scope.");
        _kernel.Registers.Add(register);
    }

    private void ReadShared()
    {
        _tokens.Expect(".align");
        int alignment = _tokens.TakeInteger();
        int bytes = PtxTypes.Bytes(_tokens.TakeWord());
        string name = _tokens.TakeWord().Text;
        _tokens.Expect("[");
        bytes *= _tokens.TakeInteger();
        _tokens.Expect("]");
        _tokens.Expect(";");
        _kernel.Shared.Add(new SharedVariable(name, alignment, bytes));
    }

    private void ReadStatement(Token first)
    {
        if (first.IsWord && _tokens.TryTake(":"))
        {
            if (!_kernel.Labels.TryAdd(first.Text, _kernel.Statements.Count))
                throw new PtxRefusedException(first.Line, $"the label {first.Text} is there twice.");
            return;
        }

        Register? guard = null;
        bool negated = false;
        if (first.Text == "@")
        {
            negated = _tokens.TryTake("!");
            Token name = _tokens.TakeWord();
            guard = Find(name.Text) ?? throw new PtxRefusedException(name.Line, $"{name.Text} is not declared.");
            if (guard.Kind != RegisterKind.Predicate)
                throw new PtxRefusedException(name.Line, $"{name.Text} is not a predicate.");
            first = _tokens.TakeWord();
        }

        if (!first.IsWord || first.Text[0] == '.')
            throw new PtxRefusedException(first.Line, $"'{first.Text}' is not known here.");
        var operands = new List<Operand>();
        while (!_tokens.TryTake(";"))
        {
            operands.Add(ReadOperand());
            if (!_tokens.TryTake(",") && _tokens.Next.Text != ";")
                throw new PtxRefusedException(_tokens.Next.Line, $"'{_tokens.Next.Text}' is not known behind an operand of {first.Text}.");
        }

        _kernel.Statements.Add(new Statement(first.Line, guard, negated, first.Text, [.. operands]));
    }

    private Operand ReadOperand()
    {
        if (_tokens.TryTake("["))
        {
            Operand at = ReadOperand();
            long offset = 0;
            if (_tokens.TryTake("+"))
                offset = ReadOperand().Value;
            _tokens.Expect("]");
            return new Operand(OperandKind.Address) { Parts = [at], Value = offset };
        }

        if (_tokens.TryTake("{"))
        {
            var parts = new List<Operand>();
            do
                parts.Add(ReadOperand());
            while (_tokens.TryTake(","));
            _tokens.Expect("}");
            return new Operand(OperandKind.Vector) { Parts = [.. parts] };
        }

        bool negative = _tokens.TryTake("-");
        Token token = _tokens.TakeWord();
        if (PtxTypes.Constant(token, negative) is { } constant)
            return constant;
        if (negative)
            throw new PtxRefusedException(token.Line, $"a minus before '{token.Text}' is not known.");
        if (Find(token.Text) is { } register)
            return new Operand(OperandKind.Register) { Register = register };
        return new Operand(token.Text[0] == '%' ? OperandKind.Special : OperandKind.Name) { Text = token.Text };
    }

    private Register? Find(string name)
    {
        foreach (Dictionary<string, Register> scope in _scopes)
        {
            if (scope.TryGetValue(name, out Register? register))
                return register;
        }

        return null;
    }
}
