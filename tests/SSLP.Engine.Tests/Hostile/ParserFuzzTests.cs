using System.Security.Cryptography;
using System.Text;
using SSLP.Engine.Diverged;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Weights;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Hostile;

/// <summary>Every parser of this assembly against damaged files: a sentence, in bounded time and memory
/// (<see cref="ParserFuzz"/>).</summary>
public sealed class ParserFuzzTests : IDisposable
{
    private static readonly string[] JsonWords = ["[", "]", "{", "}", ",", ":", "\"", "null", "true", "1e999", "\\u0000", "\ud83d",
        "[[[[[[[["];

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Safetensors_are_read_or_refused_with_a_sentence(bool withChecksum)
    {
        byte[][] good = [.. Enumerable.Range(0, 2).Select(seed => withChecksum ? Ours(seed) : Foreign(seed))];
        new ParserFuzz($"safetensors {(withChecksum ? "with" : "without")} checksum", ".safetensors", good, path =>
        {
            using var file = SafetensorsFile.Open(path);
            foreach (string name in file.Entries.Keys)
                file.ReadTensor(name).Dispose();
        })
        {
            Words = [.. JsonWords, "\"dtype\":", "\"F32\"", "\"shape\":", "[0]", "__metadata__"],
            MostBytes = 8 << 20,
            // Every changed byte of ours is found, but for one that is changed to itself.
            LeastShare = withChecksum ? 0 : 0.01,
        }.Run();
    }

    [Fact]
    public void A_configuration_is_read_or_refused_with_a_sentence() =>
        new ParserFuzz("run.yaml", ".yaml",
            [
                Encoding.UTF8.GetBytes("# a run\nepochs: 20\nbatch_size: 64\nlearning_rate: 0.01\nmethod: sslp\nhead: 'linearnorm'\n"),
                Encoding.UTF8.GetBytes("\uFEFF{ epochs: 3, arch: \"resnet50\", seed: 7 }\n"),
            ],
            path => RunConfig.Read([], path, [], []))
        {
            Words = ["&a ", "*a", "[", "{", "- ", "? ", ": ", "\n  ", "| ", "> ", "!!binary ", "%YAML 1.2\n", "---\n", "...\n", "\t", "\0",
                "<<: *s\n", "\"\\x"],
            // YamlDotNet reads in blocks and keeps a stack of states.
            BytesPerByte = 4000,
        }.Run();

    [Fact]
    public void The_record_of_a_run_is_read_or_refused_with_a_sentence()
    {
        string path = _folder.File("run.json");
        new RunRecord("sslp pretrain", DateTime.UnixEpoch, "12 patches", 12, 2, new string('a', 64),
            new() { ["radius"] = "3", ["seed"] = "1" },
            new() { ["steps"] = "9" }, new() { ["sslp"] = "0.1.0" }).Save(path);
        new ParserFuzz("run.json", ".json", [File.ReadAllBytes(path)], file =>
        {
            var record = RunRecord.Load(file);
            record.Number("radius");
            record.Result("steps");
        })
        {
            Words = JsonWords,
        }.Run();
    }

    [Fact]
    public void The_metrics_of_a_run_are_read_without_what_is_damaged()
    {
        string path = _folder.File("metrics.jsonl");
        File.WriteAllLines(path, Enumerable.Range(1, 20)
            .Select(step =>
            $"{{\"step\":{step},\"epoch\":0.1,\"loss\":5.5,\"self\":1,\"lr\":0.1,\"patches_per_second\":3,\"data_wait\":0}}"));
        new ParserFuzz("metrics.jsonl", ".jsonl", [File.ReadAllBytes(path)], file => MetricsLog.Read(file))
        {
            Words = [.. JsonWords, "\n"],
            // Nothing of it is refused: what is damaged is counted.
            LeastShare = 0,
        }.Run();
    }

    [Fact]
    public void A_step_that_diverged_is_read_or_refused_with_a_sentence() =>
        new ParserFuzz("diverged.json", ".json", [Encoding.UTF8.GetBytes("""
            {"step":3,"epoch":0,"batch":2,"sentence":"Stopped.","seed":1,"draw_counters":{"views":2},"learning_rate":0.1,"ramp":0,
            "loss":"NaN","self":1,"intra":2,"inter":3,"gradient_norm":4,"patches":[{"id":1,"slide":"S","col":2,"row":3}],"trace":[],
            "written":"2026-01-01T00:00:00Z"}
            """)],
            path =>
            {
                File.Copy(path, _folder.File("diverged.json"), overwrite: true);
                DivergedStep.Find(_folder.Path);
            })
        {
            Words = JsonWords,
        }.Run();

    /// <summary>Of another program: a header and data, no checksum.</summary>
    private static byte[] Foreign(int seed)
    {
        byte[] header = Encoding.UTF8.GetBytes(
            """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"""
            + """ "b.c":{"dtype":"I64","shape":[1],"data_offsets":[24,32]}}"""
            + new string(' ', seed * 3));
        return [.. BitConverter.GetBytes((long)header.Length), .. header, .. SHA256.HashData([(byte)seed])];
    }

    private byte[] Ours(int seed)
    {
        string path = _folder.File($"{seed}.safetensors");
        SafetensorsWriter.Write(path,
            [SafetensorsItem.From<float>("a", new float[] { seed, 2, 3, 4, 5, 6 }, 2, 3), SafetensorsItem.From<int>("b", new[] { 41 }, 1)]);
        return File.ReadAllBytes(path);
    }
}
