using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SSLP.Data.Files;
using SSLP.Data.Patches;

namespace SSLP.Engine.Weights;

/// <summary>
/// What an encoder has seen, as hashes that travel in its file: its slides (or, where nothing says slides, its patches' files) and, where
/// they are known, its patients. A probe can then say how much of what it judges was in training. Of a name are kept the first 8 bytes of
/// SHA-256: slides go by their name without its ending, patches by their full path.
/// </summary>
public sealed class TrainedOn
{
    private const string Prefix = "sslp.training.", SlidesKey = Prefix + "slides", PatchesKey = Prefix + "patches",
        PatientsKey = Prefix + "patients";

    private readonly HashSet<ulong> _slides = [], _patches = [], _patients = [];

    private TrainedOn()
    {
    }

    /// <summary>Slides seen; 0 where only patches are known.</summary>
    public int Slides => _slides.Count;

    /// <summary>Patients seen; 0 where none were named.</summary>
    public int Patients => _patients.Count;

    /// <summary>Patches seen that nothing named a slide of.</summary>
    public int Patches => _patches.Count;

    /// <summary>Everything that a table's patches come from.</summary>
    public static TrainedOn Of(PatchTable table)
    {
        var seen = new TrainedOn();
        foreach (int slide in table.SlideOf.ToArray().Distinct())
        {
            (table.HasSlides ? seen._slides : seen._patches).Add(HashOf(table, slide));
            if (table.PatientOfSlide is { } patients)
                seen._patients.Add(Hash(patients[slide]));
        }
        return seen;
    }

    /// <summary>Both.</summary>
    public TrainedOn And(TrainedOn? other)
    {
        var both = new TrainedOn();
        foreach (TrainedOn part in (TrainedOn[])[this, .. other is null ? Array.Empty<TrainedOn>() : [other]])
        {
            both._slides.UnionWith(part._slides);
            both._patches.UnionWith(part._patches);
            both._patients.UnionWith(part._patients);
        }
        return both;
    }

    /// <summary>How many of some patches' patients, slides or files were seen.</summary>
    /// <param name="table">The patches.</param>
    /// <param name="rows">Those that are judged.</param>
    /// <returns>Seen, of how many, and of what: patients where both sides name them and one was seen, else slides, else patches.</returns>
    public (int Seen, int Of, string Unit) Among(PatchTable table, IEnumerable<int> rows)
    {
        int[] slides = [.. rows.Select(row => table.SlideOf[row]).Distinct()];
        if (table.PatientOfSlide is { } patients && _patients.Count > 0)
        {
            string[] judged = [.. slides.Select(slide => patients[slide]).Distinct()];
            if (judged.Count(patient => _patients.Contains(Hash(patient))) is > 0 and int known)
                return (known, judged.Length, "patients");
        }
        HashSet<ulong> seen = table.HasSlides ? _slides : _patches;
        return (slides.Count(slide => seen.Contains(HashOf(table, slide))), slides.Length, table.HasSlides ? "slides" : "patches");
    }

    /// <summary>The pairs for a file's metadata.</summary>
    public IEnumerable<KeyValuePair<string, string>> ToMetadata()
    {
        foreach ((string key, HashSet<ulong> set) in ((string, HashSet<ulong>)[])[(SlidesKey, _slides), (PatchesKey, _patches),
            (PatientsKey, _patients)])
            if (set.Count > 0)
                yield return new(key, Text(set));
    }

    /// <summary>Null where the metadata say nothing of it: a file from before, or of another program.</summary>
    /// <exception cref="Fault">What they say is damaged.</exception>
    public static TrainedOn? FromMetadata(IReadOnlyDictionary<string, string> metadata, string path)
    {
        if (!metadata.Keys.Any(key => key is SlidesKey or PatchesKey or PatientsKey))
            return null;
        var seen = new TrainedOn();
        foreach ((string key, HashSet<ulong> set) in ((string, HashSet<ulong>)[])[(SlidesKey, seen._slides), (PatchesKey, seen._patches),
            (PatientsKey, seen._patients)])
        {
            byte[] bytes = new byte[(metadata.GetValueOrDefault(key, "").Length * 3 / 4) + 3];
            if (!Convert.TryFromBase64String(metadata.GetValueOrDefault(key, ""), bytes, out int length) || length % 8 != 0)
                throw new Fault(FaultKind.Input,
                    $"'{path}' has '{key}' in its metadata, and that is no list of hashes: the file is damaged.");
            for (int at = 0; at < length; at += 8)
                set.Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at)));
        }
        return seen;
    }

    private static string Text(HashSet<ulong> set)
    {
        byte[] bytes = new byte[8 * set.Count];
        int at = 0;
        foreach (ulong hash in set.Order())
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8 * at++), hash);
        return Convert.ToBase64String(bytes);
    }

    private static ulong HashOf(PatchTable table, int slide)
    {
        string name = table.Slides[slide];
        return Hash(table.HasSlides ? Path.ChangeExtension(name.Replace('\\', '/'), null) : Path.GetFullPath(name));
    }

    private static ulong Hash(string name) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
