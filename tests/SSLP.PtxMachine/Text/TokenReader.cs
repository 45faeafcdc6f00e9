namespace SSLP.PtxMachine.Text;

/// <summary>A word (letters, digits, <c>_ $ % .</c>) or one other character; empty at the text's end.</summary>
internal readonly record struct Token(string Text, int Line)
{
    public bool IsWord => Text.Length > 0 && TokenReader.IsWordCharacter(Text[0]);
}

/// <summary>Takes a PTX text apart into words and marks; comments fall away.</summary>
internal sealed class TokenReader
{
    private readonly List<Token> _tokens = [];
    private int _at;

    public TokenReader(string text)
    {
        int line = 1;
        for (int i = 0; i < text.Length;)
        {
            char c = text[i];
            if (c == '\n')
                line++;
            if (char.IsWhiteSpace(c))
            {
                i++;
                continue;
            }

            if (c == '/' && i + 1 < text.Length && text[i + 1] == '/')
            {
                while (i < text.Length && text[i] != '\n')
                    i++;
                continue;
            }

            int start = i++;
            if (IsWordCharacter(c))
            {
                while (i < text.Length && IsWordCharacter(text[i]))
                    i++;
            }

            _tokens.Add(new Token(text[start..i], line));
        }

        _tokens.Add(new Token("", line));
    }

    public Token Next => _tokens[_at];

    public bool AtEnd => Next.Text.Length == 0;

    public static bool IsWordCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '%' or '.';

    public Token Take() => _tokens[AtEnd ? _at : _at++];

    public bool TryTake(string text)
    {
        if (Next.Text != text)
            return false;
        _at++;
        return true;
    }

    public void Expect(string text)
    {
        Token token = Take();
        if (token.Text != text)
            throw new PtxRefusedException(token.Line, $"'{text}' is expected before '{token.Text}'.");
    }

    public Token TakeWord()
    {
        Token token = Take();
        return token.IsWord ? token : throw new PtxRefusedException(token.Line, $"a name is expected before '{token.Text}'.");
    }

    public int TakeInteger()
    {
        Token token = Take();
        return int.TryParse(token.Text, out int value) ? value
            : throw new PtxRefusedException(token.Line, $"'{token.Text}' is not a number.");
    }
}
