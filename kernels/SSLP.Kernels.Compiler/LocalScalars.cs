using System.Text;
using System.Text.RegularExpressions;

namespace SSLP.Kernels.Compiler;

/// <summary>
/// Keeps results of inline PTX in registers. ILGPU hands a result out through four bytes of local memory; ptxas takes such detours out
/// around arithmetic but not around instructions of the tensor cores. A piece of local memory whose address is held by one register,
/// defined once and used for nothing but loads and stores of one type, is a variable: it becomes a register. Others stay.
/// </summary>
internal static partial class LocalScalars
{
    public static string ToRegisters(string text)
    {
        var registers = new StringBuilder();
        foreach (Match declared in Declaration().Matches(text))
        {
            string depot = declared.Groups["depot"].Value;
            if (Promote(text, declared.Value, depot, out string type) is not { } promoted)
                continue;
            text = promoted;
            registers.Append($"\t.reg .{type}\t{NameOf(depot)};\n");
        }

        int body = text.IndexOf("{\n", text.IndexOf(".entry", StringComparison.Ordinal), StringComparison.Ordinal) + 2;
        return text.Insert(body, registers.ToString());
    }

    private static string NameOf(string depot) => "%scalar" + depot["__local_depot".Length..];

    private static string? Promote(string text, string declaration, string depot, out string type)
    {
        type = "";
        if (Regex.Matches(text, $@"\b{depot}\b").Count != 2
            || Regex.Match(text, $@"\tmov\.b64\t(?<address>%rd\d+), {depot};\n") is not { Success: true } taken)
            return null;
        string address = Regex.Escape(taken.Groups["address"].Value);
        MatchCollection accesses = Regex.Matches(text,
            $@"\t(?:st\.local\.(?<type>\w+)\t\[{address}\], (?<value>[^;]+)|ld\.local\.(?<type>\w+)\t(?<target>%\w+), \[{address}\]);\n");
        string[] types = [.. accesses.Select(access => access.Groups["type"].Value).Distinct()];
        if (types.Length != 1 || Regex.Matches(text, $@"{address}\b").Count != accesses.Count + 1)
            return null;
        type = types[0];
        string register = NameOf(depot), move = $"\tmov.{type}\t";
        text = Regex.Replace(text, $@"\tst\.local\.{type}\t\[{address}\], (?<value>[^;]+);\n", $"{move}{register}, ${{value}};\n");
        text = Regex.Replace(text, $@"\tld\.local\.{type}\t(?<target>%\w+), \[{address}\];\n", $"{move}${{target}}, {register};\n");
        return text.Replace(taken.Value, "", StringComparison.Ordinal).Replace(declaration, "", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\t\.local \.align 4 \.b8 (?<depot>__local_depot\d+)\[4\];\n")]
    private static partial Regex Declaration();
}
