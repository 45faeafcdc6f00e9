using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using SSLP.Data.Files;
using SSLP.Engine.Options;

namespace SSLP.Cli;

/// <summary>
/// What all verbs share: exit codes (<see cref="ExitCodes"/>), one sentence for a fault, Ctrl-C and SIGTERM as a request to stop.
/// Results go to standard output, progress and faults to standard error, unwrapped: scripts read them.
/// </summary>
internal static partial class Shell
{
    private static readonly CancellationTokenSource StopSource = new();

    /// <summary>Cancelled by the first Ctrl-C or SIGTERM; the second one ends the process.</summary>
    public static CancellationToken Stop => StopSource.Token;

    public static int Run(RootCommand root, string[] args)
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, RequestStop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, RequestStop);
        ParseResult parsed;
        string? wrong;
        try
        {
            parsed = root.Parse(args);
            wrong = Unknown(parsed)
                ?? (parsed.Errors.Count > 0 ? string.Join(" ", parsed.Errors.Select(e => Plain(e.Message, parsed))) : null);
        }
        catch (InvalidOperationException thrown)
        {
            // A check of several flags asked for the value of one that has none.
            return Fail($"{Plain(thrown.Message, null)} See --help.", ExitCodes.Usage);
        }
        if (wrong is not null)
            return Fail($"{wrong} See --help.", ExitCodes.Usage);
        try
        {
            // Our own handlers stop long work with a checkpoint; the library's would kill it after two seconds.
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception thrown)
        {
            var fault = Fault.Of(thrown);
            return Fail(fault.Kind == FaultKind.Internal ? $"{fault.Message.TrimEnd('.')}: a fault of this program. {Details(thrown)}"
                : fault.Message, ExitCodes.Of(fault.Kind));
        }
    }

    /// <summary>What becomes of every sentence before it is said; null where they are said as they are.</summary>
    private static Func<string, string>? _conceal;

    private static bool _quiet;

    /// <summary>Nothing but faults is said from here on: of several processes one speaks.</summary>
    public static void Quiet() => _quiet = true;

    /// <summary>Whether names are hidden in what is said.</summary>
    public static bool IsConcealing => _conceal is not null;

    /// <summary>Hides names in all that is said from here on.</summary>
    /// <param name="conceal">A sentence → the sentence without them.</param>
    public static void Conceal(Func<string, string> conceal) => _conceal = conceal;

    /// <summary>A warning on standard error; work goes on.</summary>
    public static void Warn(string sentence)
    {
        if (!_quiet)
            Console.Error.WriteLine($"warning: {Said(sentence)}");
    }

    /// <summary>A line of progress on standard error.</summary>
    public static void Say(string sentence)
    {
        if (!_quiet)
            Console.Error.WriteLine(Said(sentence));
    }

    private static string Said(string sentence) => _conceal?.Invoke(sentence) ?? sentence;

    /// <summary>A sentence about the first word that is neither a verb nor a flag, with the one that was probably meant; null where all
    /// are. What follows such a word can mean anything, so nothing is said of it.</summary>
    private static string? Unknown(ParseResult parsed)
    {
        if ((parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : FlagTakenForValue(parsed)) is not { } word)
            return null;
        Command command = parsed.CommandResult.Command;
        bool isFlag = word.StartsWith('-');
        string[] known = isFlag ? [.. FlagsOf(parsed)] : [.. command.Subcommands.Select(verb => verb.Name)];
        if (known.Length == 0)
            return null;
        string name = command is RootCommand ? "sslp" : $"sslp {command.Name}",
            others = isFlag ? "" : $" The verbs are {string.Join(", ", known)}.";
        return $"'{word}' is no {(isFlag ? "flag" : "verb")} of {name}{(OptionTable.Meant(word, known) is { } meant
            ? $"; did you mean {meant}?" : $".{others}")}";
    }

    /// <summary>The library takes a misspelt flag for a path, or for the value of the flag before it; behind a bare -- anything is a
    /// value.</summary>
    private static string? FlagTakenForValue(ParseResult parsed) => parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash) ? null
        : parsed.CommandResult.Children.SelectMany(child => child.Tokens).Select(token => token.Value)
            .FirstOrDefault(value => value.StartsWith("--", StringComparison.Ordinal) && !Path.Exists(value));

    private static IEnumerable<string> FlagsOf(ParseResult parsed)
    {
        for (SymbolResult? at = parsed.CommandResult; at is not null; at = at.Parent)
            if (at is CommandResult { Command: { } command })
                foreach (System.CommandLine.Option option in command.Options.Where(option => command == parsed.CommandResult.Command
                    || option.Recursive))
                    yield return option.Name;
    }

    /// <summary>The library names its own types and lists what an argument may be a line each: here as a user writes it.</summary>
    private static string Plain(string message, ParseResult? parsed)
    {
        if (parsed?.CommandResult.Command is RootCommand root && message.StartsWith("Required command", StringComparison.Ordinal))
            return $"sslp takes a verb: {string.Join(", ", root.Subcommands.Select(verb => verb.Name))}.";
        string[] lines = message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (WrongValue().Match(lines[0]) is { Success: true } wrong)
            return $"'{wrong.Groups["value"].Value}' is no value of {wrong.Groups["of"].Value}; it takes "
                + (lines.Length > 1 ? string.Join(" | ", lines[1..].Select(line => line.ToLowerInvariant()))
                    : wrong.Groups["type"].Value is "Double" or "Single" ? "a number" : "a whole number") + ".";
        return lines.Length < 2 ? message : $"{lines[0]} {string.Join(", ", lines[1..])}.";
    }

    [GeneratedRegex(@"^Cannot parse argument '(?<value>.*)' for \w+ '(?<of>[^']+)' as expected type '(?:[^']*\W)?(?<type>\w+)\]*'")]
    private static partial Regex WrongValue();

    /// <summary>Where what a developer needs was written, as a sentence.</summary>
    private static string Details(Exception thrown)
    {
        string path = Path.Combine(Path.GetTempPath(), $"sslp-fault-{DateTime.UtcNow:yyyyMMdd-HHmmss}-{Environment.ProcessId}.txt");
        try
        {
            File.WriteAllText(path, $"{Environment.CommandLine}\n{thrown}\n");
            return $"Its details are in '{path}'; please report it with them.";
        }
        catch (Exception unwritten) when (unwritten is IOException or UnauthorizedAccessException)
        {
            return $"Its details could not be written to '{path}' ({unwritten.Message.TrimEnd('.')}).";
        }
    }

    /// <summary>Says why the process ends.</summary>
    public static int Fail(string sentence, int code)
    {
        Console.Error.WriteLine($"error: {Said(sentence)}");
        return code;
    }

    private static void RequestStop(PosixSignalContext context)
    {
        if (StopSource.IsCancellationRequested)
            return; // The default action: the process ends now.
        context.Cancel = true;
        Console.Error.WriteLine("stopping after this step; again to stop at once");
        StopSource.Cancel();
    }
}
