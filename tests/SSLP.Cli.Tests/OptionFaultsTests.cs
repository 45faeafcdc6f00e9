using System.Globalization;
using SSLP.Engine.Options;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>Every key of a run, from the table itself: what it does not take ends with exit code 2 and one sentence of key, limits and
/// value.</summary>
public sealed class OptionFaultsTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-options-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public static TheoryData<string, string> WrongValues
    {
        get
        {
            var wrong = new TheoryData<string, string>();
            foreach (Option option in OptionTable.All)
            {
                if (option.Key is "init" or "libtorch")
                    continue; // paths: any text is one, and whether something is there is asked below
                wrong.Add(option.Key, "gibberish");
                wrong.Add(option.Key, string.Empty);
                if (option.Limits is not var (least, most))
                    continue;
                wrong.Add(option.Key, (least - 1).ToString("F0", CultureInfo.InvariantCulture));
                wrong.Add(option.Key, (most + 1).ToString("F0", CultureInfo.InvariantCulture));
                wrong.Add(option.Key, "NaN");
            }
            return wrong;
        }
    }

    [Theory, MemberData(nameof(WrongValues))]
    public void A_value_that_a_key_does_not_take_is_a_usage_fault_that_names_key_limits_and_value(string key, string value)
    {
        (int code, string error) = InProcess(
            "pretrain", "--patches", _root, "--out", Path.Combine(_root, "run"), "--set", $"{key}={value}");
        Assert.Equal(2, code);
        Assert.Equal($"error: --set: '{value}' is no value of {key}; it takes {OptionTable.Of(key).Takes}.", error.Trim());
        Assert.False(Directory.Exists(Path.Combine(_root, "run")));
    }

    [Theory]
    [InlineData("init")]
    [InlineData("libtorch")]
    public void A_path_at_which_there_is_nothing_is_a_usage_fault_that_names_it(string key)
    {
        string nowhere = Path.Combine(_root, "nowhere");
        Sslp.Result result = Sslp.Run("pretrain", "--patches", _root, "--out", Path.Combine(_root, "run"), "--set", $"{key}={nowhere}");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(key, result.Fault, StringComparison.Ordinal);
        Assert.Contains(nowhere, result.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void The_list_of_options_has_every_key_once_and_a_legend_of_every_mark_in_it()
    {
        string list = Sslp.Run("pretrain", "--options").Output;
        string[] lines = list.Split('\n');
        foreach (Option option in OptionTable.All)
            Assert.Single(lines, line => line.StartsWith($"{option.Key} ", StringComparison.Ordinal)
                && line.Contains(option.Meaning, StringComparison.Ordinal));
        string legend = Assert.Single(lines, line => line.StartsWith("Where a default is from", StringComparison.Ordinal));
        foreach (string mark in (string[])["[S]", "[B]"])
            Assert.True(list.IndexOf(mark, StringComparison.Ordinal) < list.IndexOf(legend, StringComparison.Ordinal)
                && legend.Contains(mark, StringComparison.Ordinal));
    }

    private static (int Code, string Error) InProcess(params string[] arguments)
    {
        TextWriter before = Console.Error;
        using var error = new StringWriter();
        Console.SetError(error);
        try
        {
            return (Shell.Run(Commands.Root(), arguments), error.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }
}
