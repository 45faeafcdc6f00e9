using System.Text;
using System.Text.RegularExpressions;

namespace SSLP.Kernels.Compiler;

/// <summary>
/// Takes out code that no branch or call reaches. ILGPU decides whether a kernel is for CUDA after its last clean-up, so that both sides of
/// the question are in the text: branches on a constant, and plain bodies of the tensor cores' instructions behind them. ptxas takes them
/// out too, in seconds of a driver's time, but not the shared memory that they declare.
/// </summary>
internal static partial class UnreachableCode
{
    public static string Remove(string text)
    {
        text = WithoutConstantBranches(text);
        int start = text.IndexOf("{\n", text.IndexOf(".entry", StringComparison.Ordinal), StringComparison.Ordinal) + 2;
        List<Block> blocks = BlocksOf(text[start..]);
        var labelled = blocks.Index().Where(block => block.Item.Label.Length > 0)
            .ToDictionary(block => block.Item.Label, block => block.Index);
        bool[] reached = new bool[blocks.Count];
        var open = new Stack<int>([0]);
        while (open.TryPop(out int at))
        {
            if (at >= blocks.Count || reached[at])
                continue;
            reached[at] = true;
            foreach (string target in blocks[at].Targets)
                open.Push(labelled[target]);
            if (blocks[at].FallsThrough)
                open.Push(at + 1);
        }

        // What is behind the last return closes the entry.
        var kept = new StringBuilder(text, 0, start, text.Length);
        for (int i = 0; i < blocks.Count; i++)
        {
            if (reached[i] || i == blocks.Count - 1)
                kept.Append(blocks[i].Text);
        }

        return WithoutIdleFunctions(kept.ToString());
    }

    // The functions stand before the entry, a function behind those that it calls.
    private static string WithoutIdleFunctions(string text)
    {
        foreach (IGrouping<string, Match> function in Function().Matches(text).GroupBy(match => match.Groups["name"].Value).Reverse())
        {
            if (Regex.Count(text, $@"\b{function.Key}\b") == function.Count())
                text = function.Aggregate(text, (left, match) => left.Replace(match.Value, "", StringComparison.Ordinal));
        }

        return text;
    }

    private static string WithoutConstantBranches(string text) => ConstantBranch().Replace(text, match =>
    {
        bool taken = (match.Groups["value"].Value == "1") != match.Groups["not"].Success;
        string move = match.Groups["move"].Value;
        return taken ? $"{move}\tbra.uni\t{match.Groups["target"].Value};\n" : move;
    });

    private static List<Block> BlocksOf(string body)
    {
        var blocks = new List<Block>();
        var lines = new StringBuilder();
        var targets = new List<string>();
        string label = "";
        foreach (string line in body.Split('\n'))
        {
            Match labels = Label().Match(line);
            if (labels.Success)
            {
                Close(fallsThrough: true);
                label = labels.Groups["label"].Value;
            }

            lines.Append(line).Append('\n');
            Match branch = Branch().Match(line);
            if (branch.Success)
                targets.Add(branch.Groups["target"].Value);
            if ((branch.Success && !branch.Groups["predicate"].Success) || line == "\tret;")
                Close(fallsThrough: false);
        }

        lines.Length--;  // the line break that the text does not end with
        Close(fallsThrough: false);
        return blocks;

        void Close(bool fallsThrough)
        {
            blocks.Add(new Block(label, lines.ToString(), [.. targets], fallsThrough));
            lines.Clear();
            targets.Clear();
            label = "";
        }
    }

    private sealed record Block(string Label, string Text, string[] Targets, bool FallsThrough);

    [GeneratedRegex(
        @"(?<move>\tmov\.pred\t(?<register>%p\d+), (?<value>[01]);\n)\t@(?<not>!)?\k<register>\s+bra(?:\.uni)?\t(?<target>\w+);\n")]
    private static partial Regex ConstantBranch();

    [GeneratedRegex(@"^\.visible \.func \([^()]*\) (?<name>\w+)\([^()]*\)\n(?:;|\{\n.*?\n\})\n+",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Function();

    [GeneratedRegex(@"^\t(?<label>L_\d+):$")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\t(?<predicate>@!?%p\d+\s+)?bra(?:\.uni)?\t(?<target>\w+);$")]
    private static partial Regex Branch();
}
