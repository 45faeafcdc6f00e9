using System.CommandLine;
using System.Text.Json;
using SSLP.Bench.Profile;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Processes;
using SSLP.Engine.Runs;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp profile</c>: the first steps of what pretrain would do, and where their time goes.</summary>
internal static class ProfileVerb
{
    private const int Steps = 20, Warmup = 3;

    public static Command Create()
    {
        var arguments = new PretrainArguments();
        Option<int> steps = Count("--steps", "steps to look at", Steps, least: 1);
        Option<int> warmup = Count("--warmup", "steps before them that are not looked at", Warmup, least: 0);
        Option<bool> json = Inputs.Json();
        var command = new Command("profile",
            "Do the first steps of a pretraining run and print where their time goes; RUN/profile gets a trace for Perfetto. Takes " +
            "pretrain's arguments; RUN itself is left as it is.")
        {
            steps, warmup, json,
        };
        arguments.AddTo(command);
        command.SetAction(parsed =>
        {
            TrainingOptions options = arguments.Options(parsed);
            var folder = new RunFolder(
                parsed.GetValue(arguments.Out) ?? throw new Fault(
                    FaultKind.Usage, "profile needs --out RUN: what it finds goes to RUN/profile."));
            Outputs.RequireFolder(folder.Root, "--out");
            using (ProcessGroup? group = ContextOptions.JoinOthers())
            {
                if (group is not null)
                    throw new Fault(FaultKind.Usage, "profile looks at one process: start it without mpirun or srun.");
            }
            var recorder = new StageRecorder(keepsEvents: true);
            using EngineContext context = ContextOptions.Open(options, recorder);
            using IPatchSource source = arguments.Open(parsed, context, options, run: null);
            using IPatchSource? probed = arguments.OpenProbed(parsed, context, source);
            ProfileReport report = ProfileRun.Execute(
                new ProfilePlan
                {
                    Options = options,
                    Folder = Path.Combine(folder.Root, "profile"),
                    Steps = parsed.GetValue(steps),
                    Warmup = parsed.GetValue(warmup),
                    Command = CommandLine,
                    From = arguments.From(parsed, folder) ?? (parsed.GetValue(arguments.Resume) ? Newest(folder) : null),
                    Probed = probed,
                },
                source, context, Shell.Warn, Shell.Stop);
            Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(report, ProfileJson.Default.ProfileReport) : report.Text());
            return 0;
        });
        return command;
    }

    /// <summary>This process's own, as a shell takes it; its arguments name what --anonymise hides.</summary>
    private static string CommandLine
    {
        get
        {
            if (Shell.IsConcealing)
                return "sslp profile … (arguments left out by --anonymise)";
            string[] words = Environment.GetCommandLineArgs();
            string program = Environment.ProcessPath ?? "sslp";
            // A host that was given the program's library as its first argument.
            bool hosted = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
            return string.Join(' ', (string[])[.. ((string[])[program, .. hosted ? words : words[1..]]).Select(ProfilerCommands.Quoted)]);
        }
    }

    private static string Newest(RunFolder folder) => new Checkpoint(folder, keep: 1).All().LastOrDefault()
        ?? throw new Fault(FaultKind.Input, $"--resume: '{folder.Root}' holds no checkpoint.");

    private static Option<int> Count(string name, string what, int value, int least)
    {
        Option<int> count = new(name) { Description = what, HelpName = "N", DefaultValueFactory = _ => value };
        count.Validators.Add(given =>
        {
            if (given.Tokens is [var token] && int.TryParse(token.Value, out int n) && n < least)
                given.AddError($"{name} is {n}; it takes a whole number from {least} on.");
        });
        return count;
    }
}
