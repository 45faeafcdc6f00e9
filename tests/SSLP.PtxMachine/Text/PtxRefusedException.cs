namespace SSLP.PtxMachine;

/// <summary>A text holds something that the machine does not know, or that contradicts itself. Nothing is skipped: such a text is not
/// executed.</summary>
public sealed class PtxRefusedException(int line, string reason) : Exception($"line {line}: {reason}")
{
    /// <summary>Line of the text, from 1.</summary>
    public int Line { get; } = line;
}
