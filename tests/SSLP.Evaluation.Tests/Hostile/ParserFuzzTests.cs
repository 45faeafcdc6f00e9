using System.Text;
using SSLP.Evaluation.Sweeps;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Hostile;

/// <summary>The parsers of a sweep against damaged files: a sentence, in bounded time and memory (<see cref="ParserFuzz"/>).</summary>
public sealed class ParserFuzzTests
{
    [Fact]
    public void The_plan_of_a_sweep_is_read_or_refused_with_a_sentence() =>
        new ParserFuzz("sweep.yaml", ".yaml",
            [Encoding.UTF8.GetBytes(SweepPlan.BuiltIn),
                Encoding.UTF8.GetBytes("common: { epochs: 2 }\nrows:\n  a: { method: sslp, radius: 2 }\n  b: { baseline: colour }\n")],
            path => SweepPlan.Read(path, []))
        {
            Words = ["&a ", "*a", "[", "{", "- ", "? ", ": ", "\n  ", "| ", "!!binary ", "---\n", "\t", "\0", "../", "/"],
            BytesPerByte = 4000,
        }.Run();

    [Fact]
    public void The_rows_of_a_sweep_are_read_or_refused_with_a_sentence() =>
        new ParserFuzz("rows.jsonl", ".jsonl", [Encoding.UTF8.GetBytes(
            """{"name":"sslp","seed":1,"options":{"epochs":"2"},"method":"sslp","steps":9,"seconds":1.5,"finished_utc":"""
            + """ "2026-01-01T00:00:00Z","version":"0.1.0","commit":"a","machine":"m","ending":{"mean_over_steps":2,"loss":1,"self":1,"""
            + """ "intra":1,"inter":1,"spatial_size":1,"feature_size":1,"negative_size":1,"feature_from_other_slides":0}}""" + "\n"
            + """{"name":"colour","seed":null,"options":{},"method":"mean colour","finished_utc":"2026-01-01T00:00:00Z","""
            + """ "version":"0.1.0","commit":"a","machine":"m"}""" + "\n")],
            path => _ = new SweepRows(path).All.Count)
        {
            Words = ["[", "]", "{", "}", ",", "\"", "null", "\n", "1e999"],
        }.Run();
}
