using System.Text.RegularExpressions;

namespace SSLP.Kernels.Tests.Device;

/// <summary>
/// A kernel's text, block by block. Within a block a register stands for how it was computed, so that two addresses that are computed
/// alike are known to be the same.
/// </summary>
internal sealed partial class PtxText(string text)
{
    private readonly string[] _lines = text.ReplaceLineEndings("\n").Split('\n');

    /// <summary>Lines that a pattern matches, numbered from 1.</summary>
    public IEnumerable<string> Matching(Regex pattern) =>
        _lines.Index().Where(line => pattern.IsMatch(line.Item)).Select(line => $"{line.Index + 1}: {line.Item.Trim()}");

    /// <summary>Loads of a word that the same block has stored before, with no barrier between.</summary>
    public IEnumerable<string> LoadsBehindStores()
    {
        var values = new Dictionary<string, string>();
        var stored = new HashSet<string>();
        for (int i = 0; i < _lines.Length; i++)
        {
            string line = _lines[i];
            if (Label().IsMatch(line))
                values.Clear();
            if (Label().IsMatch(line) || line.Contains("bar.sync", StringComparison.Ordinal))
                stored.Clear();
            Match match = Instruction().Match(line);
            if (!match.Success)
                continue;
            string operation = match.Groups["operation"].Value, operands = match.Groups["operands"].Value;
            string address = Address().Match(operands) is { Success: true } found
                ? $"{Space(operation)} {Value(found.Groups["base"].Value)}{found.Groups["offset"].Value}" : "";
            if (operation.StartsWith("st.", StringComparison.Ordinal))
                stored.Add(address);
            else if (operation.StartsWith("ld.", StringComparison.Ordinal) && stored.Contains(address))
                yield return $"{i + 1}: {line.Trim()}";
            Define(i, operation, operands, match.Groups["predicate"].Success);
        }

        string Value(string operand) => values.GetValueOrDefault(operand, operand);

        void Define(int line, string operation, string operands, bool predicated)
        {
            string[] parts = [.. operands.Split(',').Select(part => part.Trim(' ', '{', '}'))];
            bool computes = !predicated && parts.Length > 1 && Pure().IsMatch(operation);
            if (operation.StartsWith("st.", StringComparison.Ordinal) || !parts[0].StartsWith('%'))
                return;
            if (!computes)
            {
                foreach (string target in parts.Where(part => part.StartsWith('%')))
                    // of a vector load every part, of others more than is written: none is taken for the same
                    values[target] = $"#{line}:{target}";
                return;
            }

            string[] inputs = [.. parts[1..].Select(Value)];
            values[parts[0]] = operation.StartsWith("mov.", StringComparison.Ordinal) ? inputs[0]
                : $"({operation} {string.Join(' ', inputs)})";
        }
    }

    private static string Space(string operation) => operation.Split('.')[1];

    [GeneratedRegex(@"^\tL_\w+:")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\t(?<predicate>@!?%\w+\s+)?(?<operation>[a-z][\w.]*)\s+(?<operands>[^;]*);")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"\[(?<base>[%\w]+)(?<offset>\+\d+)?\]")]
    private static partial Regex Address();

    [GeneratedRegex(@"^(mov|cvta?|add|sub|mul|mad|shl|shr|and|or|xor|not|neg|min|max|selp|rem|div)\.")]
    private static partial Regex Pure();
}
