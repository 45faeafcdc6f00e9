using System.Diagnostics;
using System.Text.Json;
using SSLP.Engine.Stages;

namespace SSLP.Bench.Profile;

/// <summary>
/// The stages of a window in the Trace Event Format that Perfetto and chrome://tracing open: complete events (ph X) with microseconds from
/// the window's beginning, one track a thread. Source: "Trace Event Format", Google.
/// </summary>
internal static class ChromeTrace
{
    private const int Process = 1;

    public static void Write(string path, StageRecorder recorder, string title)
    {
        using FileStream file = File.Create(path);
        using var json = new Utf8JsonWriter(file);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartArray("traceEvents");
        Metadata(json, "process_name", 0, title);
        // A stage before those within it: they may begin in the same tick.
        StageEvent[] events = [.. recorder.Events().OrderBy(e => e.From).ThenByDescending(e => e.To)];
        foreach (IGrouping<int, StageEvent> thread in events.GroupBy(e => e.Thread).OrderBy(thread => thread.Key))
            Metadata(json, "thread_name", thread.Key, thread.First().Stage.Threads() switch
            {
                StageThreads.Stepping => "training",
                StageThreads.Writer => "checkpoint writer",
                _ => recorder.Threads[thread.Key],
            });
        foreach (StageEvent stage in events)
        {
            json.WriteStartObject();
            json.WriteString("name", stage.Stage.Name());
            json.WriteString("cat", stage.Stage.Threads().ToString().ToLowerInvariant());
            json.WriteString("ph", "X");
            json.WriteNumber("ts", Microseconds(stage.From - recorder.From));
            json.WriteNumber("dur", Microseconds(stage.To - stage.From));
            json.WriteNumber("pid", Process);
            json.WriteNumber("tid", stage.Thread);
            json.WriteStartObject("args");
            json.WriteNumber("bytes", stage.Bytes);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Metadata(Utf8JsonWriter json, string what, int thread, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", what);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", thread);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static double Microseconds(long ticks) => ticks * 1e6 / Stopwatch.Frequency;
}
