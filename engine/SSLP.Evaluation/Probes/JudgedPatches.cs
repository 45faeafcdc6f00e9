using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Evaluation.Probes;

/// <summary>What a probe said of each judged patch: what paired comparisons are made of.</summary>
/// <param name="Labels">N true classes.</param>
/// <param name="Units">The patient, slide or patch of each, by name.</param>
/// <param name="Scores">N × C, row-major.</param>
/// <param name="Classes">C.</param>
internal sealed record JudgedPatches(int[] Labels, string[] Units, float[] Scores, int Classes)
{
    /// <summary>As CSV: label, unit, a score a class, exact.</summary>
    /// <exception cref="Fault">It cannot be written.</exception>
    public void Write(string path) => AtomicFile.Write(path, stream =>
    {
        using var text = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        text.WriteLine($"label,unit,{string.Join(',', Enumerable.Range(0, Classes).Select(c => $"score_{c}"))}");
        for (int i = 0; i < Labels.Length; i++)
        {
            text.Write(string.Create(CultureInfo.InvariantCulture, $"{Labels[i]},\"{Units[i].Replace("\"", "\"\"")}\""));
            for (int c = 0; c < Classes; c++)
                text.Write(string.Create(CultureInfo.InvariantCulture, $",{Scores[i * Classes + c]:R}"));
            text.WriteLine();
        }
    });

    /// <summary>Reads <see cref="Write"/>'s file; null where there is none.</summary>
    /// <exception cref="Fault">It holds something else.</exception>
    public static JudgedPatches? Read(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            string[] lines = File.ReadAllLines(path);
            int classes = lines[0].Split(',').Length - 2;
            var judged = new JudgedPatches(new int[lines.Length - 1], new string[lines.Length - 1],
                new float[(lines.Length - 1) * classes], classes);
            for (int i = 0; i < judged.Labels.Length; i++)
            {
                string line = lines[i + 1];
                int open = line.IndexOf('"'), close = line.LastIndexOf('"');
                judged.Labels[i] = int.Parse(line.AsSpan(0, open - 1), CultureInfo.InvariantCulture);
                judged.Units[i] = line[(open + 1)..close].Replace("\"\"", "\"");
                string[] scores = line[(close + 2)..].Split(',');
                for (int c = 0; c < classes; c++)
                    judged.Scores[i * classes + c] = float.Parse(scores[c], CultureInfo.InvariantCulture);
            }
            return judged;
        }
        catch (Exception wrong) when (wrong is FormatException or OverflowException or ArgumentException or IndexOutOfRangeException)
        {
            throw new Fault(FaultKind.Data,
                $"'{path}' holds no scores of judged patches: delete it and the line of its run in rows.jsonl.", wrong);
        }
    }
}
