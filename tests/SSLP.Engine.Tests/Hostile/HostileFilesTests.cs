using System.Text;
using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Weights;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Hostile;

/// <summary>Files made to do harm: each is refused in one sentence, before what it asks for is done.</summary>
public sealed class HostileFilesTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_YAML_whose_references_multiply_is_refused()
    {
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 40; i++)
            bomb.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 9))}]\n");
        Refused("*a0 refers to no single value", bomb.ToString());
        Refused("a key is a word", "? [1, 2]\n: 1\n");
    }

    [Theory]
    [InlineData("nested deeper", '[')]
    [InlineData("a key is a word", '{')]
    public void A_YAML_of_a_hundred_thousand_levels_is_refused(string says, char bracket) =>
        Refused(says, "a: " + new string(bracket, 100_000));

    [Fact]
    public void A_YAML_of_a_hundred_thousand_indents_is_refused() =>
        Refused("nested deeper", "a:\n" + string.Concat(Enumerable.Range(1, 600).Select(i => new string(' ', i) + "- \n")));

    [Fact]
    public void A_YAML_that_is_no_UTF8_is_refused()
    {
        string path = _folder.File("run.yaml");
        File.WriteAllBytes(path, [.. "epochs: 3\nhead: \""u8, 0xC3, 0x28, 0xFF, .. "\"\n"u8]);
        Assert.Contains("not UTF-8", Assert.Throws<Fault>(() => RunConfig.Read([], path, [], [])).Message, StringComparison.Ordinal);
        Assert.Throws<Fault>(() => RunConfig.Read([], TestData.Path("reported", "hostile", "not-utf8.yaml"), [], []));
    }

    [Fact]
    public void A_YAML_larger_than_any_configuration_is_refused() => Refused("bytes; a configuration has", new string('#', 2_000_000));

    [Fact]
    public void A_header_of_a_hundred_gigabytes_is_refused_unread()
    {
        string path = _folder.File("a.safetensors");
        using (FileStream stream = File.Create(path))
        {
            stream.Write(BitConverter.GetBytes(100L << 30));
            // Sparse: as long as it claims.
            stream.SetLength((100L << 30) + 8);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fault fault = Assert.Throws<Fault>(() => SafetensorsFile.Open(path));
        Assert.Contains("Its header claims 107374182400 bytes", fault.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_record_of_a_run_that_was_damaged_is_refused_by_name()
    {
        Fault fault = Assert.Throws<Fault>(() => Load(File.ReadAllBytes(TestData.Path("reported", "hostile", "run.json"))));
        Assert.DoesNotContain('\n', fault.Message);
        Assert.Contains("run.json", fault.Message, StringComparison.Ordinal);
        foreach (string json in (string[])["", "null", "[]", "{}", new string('[', 100_000), "{\"command\": null}", "\u0000"])
            Assert.Contains("no record of a run", Assert.Throws<Fault>(() => Load(Encoding.UTF8.GetBytes(json))).Message,
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("{\"step\":4,\"ep", null)] // a crash cut it off
    [InlineData("{\"step\":4,\"ep\n", "Line 4 of")]
    [InlineData("{\"step\":4}\n", "Line 4 of")] // no step without a loss
    // goes back
    [InlineData("{\"step\":2,\"epoch\":0.1,\"loss\":5.5,\"self\":1,\"lr\":0.1,\"patches_per_second\":3,\"data_wait\":0}\n", "Line 4 of")]
    [InlineData("\0\0\0\nnull\n{}\n", "3 lines of")]
    public void Damaged_metrics_are_counted_and_named(string rest, string? says)
    {
        string path = _folder.File("metrics.jsonl");
        File.WriteAllText(path, string.Concat(Enumerable.Range(1, 3).Select(step =>
            $"{{\"step\":{step},\"epoch\":0.1,\"loss\":5.5,\"self\":1,\"lr\":0.1,\"patches_per_second\":3,\"data_wait\":0}}\n")) + rest);
        Assert.Equal([1, 2, 3], MetricsLog.Read(path, out string? damaged).Select(step => step.Step));
        if (says is null)
            Assert.Null(damaged);
        else
            Assert.StartsWith(says, damaged, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_line_loses_none_behind_it()
    {
        string path = _folder.File("metrics.jsonl");
        File.WriteAllLines(path, Enumerable.Range(1, 9).Select(step =>
            step == 4 ? "rubbish"
                : $"{{\"step\":{step},\"epoch\":0.1,\"loss\":5.5,\"self\":1,\"lr\":0.1,\"patches_per_second\":3,\"data_wait\":0}}"));
        Assert.Equal([1, 2, 3, 5, 6, 7, 8, 9], MetricsLog.Read(path, out string? damaged).Select(step => step.Step));
        Assert.StartsWith("Line 4 of", damaged, StringComparison.Ordinal);
    }

    private void Load(byte[] json)
    {
        string path = _folder.File("run.json");
        File.WriteAllBytes(path, json);
        var record = RunRecord.Load(path);
        record.Number("radius");
        record.Number("seed");
        foreach (string key in (string[])["method", "steps", "steps_per_epoch", "device", "threads"])
            record.Result(key);
    }

    private void Refused(string says, string yaml)
    {
        string path = _folder.File("run.yaml");
        File.WriteAllText(path, yaml);
        Fault fault = Assert.Throws<Fault>(() => RunConfig.Read([], path, [], []));
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.InRange(fault.Message.Length, 20, 400);
    }
}
