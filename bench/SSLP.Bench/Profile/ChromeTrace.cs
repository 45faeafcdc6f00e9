using System.Diagnostics;
using System.Text.Json;
using SSLP.Engine.Stages;

namespace SSLP.Bench.Profile;

/// <summary>
/// The stages of a window in the Trace Event Format that Perfetto and chrome://tracing open: complete events (ph X) with microseconds from
/// the window's beginning, one track a thread, training's first. Source: "Trace Event Format", Google.
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
        // A stage before those within it: they may begin in the same tick.
        StageEvent[] events = [.. recorder.Events().OrderBy(e => e.From).ThenByDescending(e => e.To)];
        // Tracks are numbered as they are to lie; from 1, as thread 0 of a process is no thread of it to Perfetto, but the idle one.
        Dictionary<int, int> tracks = events.GroupBy(e => e.Thread, e => e.Stage.Threads())
            .OrderBy(thread => thread.First())
            // Reader 2 before reader 10.
            .ThenBy(thread => recorder.Threads[thread.Key].Length).ThenBy(thread => recorder.Threads[thread.Key], StringComparer.Ordinal)
            .Select(thread => thread.Key)
            .Index().ToDictionary(track => track.Item, track => track.Index + 1);
        Metadata(json, "process_name", 1, "name", title);
        foreach (IGrouping<int, StageEvent> thread in events.GroupBy(e => e.Thread).OrderBy(thread => tracks[thread.Key]))
        {
            Metadata(json, "thread_name", tracks[thread.Key], "name", thread.First().Stage.Threads() switch
            {
                StageThreads.Stepping => "training",
                StageThreads.Writer => "checkpoint writer",
                _ => recorder.Threads[thread.Key],
            });
            Metadata(json, "thread_sort_index", tracks[thread.Key], "sort_index", tracks[thread.Key]);
        }

        foreach (StageEvent stage in events)
        {
            json.WriteStartObject();
            json.WriteString("name", stage.Stage.Name());
            json.WriteString("cat", stage.Stage.Threads().ToString().ToLowerInvariant());
            json.WriteString("ph", "X");
            json.WriteNumber("ts", Microseconds(stage.From - recorder.From));
            json.WriteNumber("dur", Microseconds(stage.To - stage.From));
            json.WriteNumber("pid", Process);
            json.WriteNumber("tid", tracks[stage.Thread]);
            if (stage.Bytes > 0)
            {
                json.WriteStartObject("args");
                json.WriteNumber("bytes", stage.Bytes);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Metadata(Utf8JsonWriter json, string what, int track, string argument, object value)
    {
        json.WriteStartObject();
        json.WriteString("name", what);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", track);
        json.WriteStartObject("args");
        if (value is int number)
            json.WriteNumber(argument, number);
        else
            json.WriteString(argument, (string)value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static double Microseconds(long ticks) => ticks * 1e6 / Stopwatch.Frequency;
}
