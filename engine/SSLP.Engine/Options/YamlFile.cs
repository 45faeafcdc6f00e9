using System.Text;
using SSLP.Data.Files;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace SSLP.Engine.Options;

/// <summary>
/// A configuration as YAML: a mapping, of mappings at most, whose keys are plain words. What a hostile file does with the rest of the
/// language (references that multiply, nesting without end, keys that are lists) is refused before a node of it is made.
/// </summary>
internal static class YamlFile
{
    private const long MostBytes = 1 << 20;
    private const int MostDepth = 8;

    /// <summary>The mapping that a YAML file is; null where it is empty.</summary>
    /// <exception cref="Fault">It is too large, no UTF-8, no YAML, or no mapping; says which and where.</exception>
    public static YamlMappingNode? Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        if (stream.Length > MostBytes)
            throw new Fault(FaultKind.Usage, $"'{path}' has {stream.Length} bytes; a configuration has {MostBytes} at most.");
        try
        {
            using var reader = new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));
            return Parse(reader.ReadToEnd(), $"'{path}'");
        }
        catch (DecoderFallbackException fault)
        {
            throw new Fault(FaultKind.Usage, $"'{path}' is not UTF-8 text; save it as UTF-8.", fault);
        }
    }

    /// <inheritdoc cref="Read"/>
    /// <param name="text">The text.</param>
    /// <param name="where">What to call it in a fault.</param>
    public static YamlMappingNode? Parse(string text, string where)
    {
        var stream = new YamlStream();
        try
        {
            Check(new Parser(new StringReader(text)), where);
            stream.Load(new StringReader(text));
        }
        catch (YamlException fault)
        {
            throw new Fault(FaultKind.Usage, $"{where} line {fault.Start.Line} is no YAML: {fault.Message.ReplaceLineEndings(" ")}", fault);
        }
        catch (Exception fault) when (fault is ArgumentException or InvalidOperationException or FormatException or OverflowException)
        {
            // The library's scanner meets some damage with these.
            throw new Fault(FaultKind.Usage, $"{where} is no YAML: {fault.Message.ReplaceLineEndings(" ")}", fault);
        }
        if (stream.Documents.Count == 0)
            return null;
        return stream.Documents[0].RootNode as YamlMappingNode
            ?? throw new Fault(FaultKind.Usage, $"{where} is no list of 'key: value' lines.");
    }

    /// <summary>Walks the events, which cost nothing, before the tree is built, whose builder and whose keys' hashes call
    /// themselves.</summary>
    private static void Check(IParser events, string where)
    {
        // Of every open collection: whether it is a mapping, and whether a key comes next.
        var open = new Stack<(bool IsMapping, bool IsKeyNext)>();
        var scalars = new HashSet<AnchorName>();
        while (events.MoveNext())
        {
            ParsingEvent now = events.Current!;
            if (now is MappingEnd or SequenceEnd)
                open.Pop();
            if (now is not (NodeEvent or AnchorAlias))
                continue;
            if (open.TryPop(out (bool IsMapping, bool IsKeyNext) around))
            {
                if (around is { IsMapping: true, IsKeyNext: true } && now is not Scalar)
                    throw new Fault(FaultKind.Usage,
                        $"{where} line {now.Start.Line}: a key is a word, and not a list, a mapping or a reference.");
                open.Push(around with { IsKeyNext = !around.IsKeyNext });
            }
            if (now is Scalar { Anchor.IsEmpty: false } named)
                scalars.Add(named.Anchor);
            // A tree that holds lists of lists by reference is small, and its hash is not.
            if (now is AnchorAlias alias && !scalars.Contains(alias.Value))
                throw new Fault(FaultKind.Usage,
                    $"{where} line {now.Start.Line}: *{alias.Value} refers to no single value; write out what is meant.");
            if (now is MappingStart or SequenceStart)
                open.Push((now is MappingStart, true));
            if (open.Count > MostDepth)
                throw new Fault(FaultKind.Usage, $"{where} line {now.Start.Line}: it is nested deeper than any configuration is.");
        }
    }
}
