using System.Runtime.InteropServices;
using System.Text;
using PureHDF;
using PureHDF.VOL.Native;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;

namespace SSLP.Evaluation.Features;

/// <summary>All features into one HDF5 file.</summary>
public sealed class SingleFileSink : IFeatureSink
{
    private readonly FeatureStream _stream;

    /// <param name="path">The file.</param>
    /// <param name="source">The patches, all of them and in order.</param>
    /// <param name="width">Numbers a patch.</param>
    /// <param name="name">What made them, as in a table: "resnet18 sslp".</param>
    public SingleFileSink(string path, IPatchSource source, int width, string name) =>
        _stream = new(path, source, [.. Enumerable.Range(0, source.Table.Count)], width, null, new() { ["source"] = name });

    /// <inheritdoc/>
    public void Add(ReadOnlySpan<int> patches, ReadOnlySpan<float> features, ReadOnlySpan<bool> read) => _stream.Add(features, read);

    /// <inheritdoc/>
    public void Complete() => _stream.Complete();

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}

/// <summary>The numbers alone, as NumPy reads them: float32, C order, shape (N, W); patches that did not read have no row.</summary>
/// <remarks>Source: the format's page, numpy.lib.format, version 1.0.</remarks>
public sealed class NpySink : IFeatureSink
{
    /// <summary>Room for any number of rows: the header is written again when their number is known.</summary>
    private const int HeaderBytes = 128;

    private readonly AtomicStream _file;
    private readonly int _width;
    private long _rows;

    /// <param name="path">The file.</param>
    /// <param name="width">Numbers a patch.</param>
    public NpySink(string path, int width)
    {
        (_file, _width) = (new AtomicStream(path), width);
        _file.Content.Write(Header());
    }

    /// <inheritdoc/>
    public void Add(ReadOnlySpan<int> patches, ReadOnlySpan<float> features, ReadOnlySpan<bool> read)
    {
        for (int i = 0; i < read.Length; i++)
            if (read[i])
            {
                _file.Content.Write(MemoryMarshal.AsBytes(features.Slice(i * _width, _width)));
                _rows++;
            }
    }

    /// <inheritdoc/>
    public void Complete()
    {
        _file.Content.Position = 0;
        _file.Content.Write(Header());
        _file.Commit();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private byte[] Header()
    {
        string text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({_rows}, {_width}), }}".PadRight(HeaderBytes - 11) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, HeaderBytes - 10, 0, .. Encoding.ASCII.GetBytes(text)];
    }
}

/// <summary>
/// One HDF5 file a slide, <c>&lt;slide&gt;.h5</c> at the slide's path below a folder, as CLAM and TRIDENT read them. A file is there when
/// its slide is done; what is there already, from the same encoder and the same places, is not made again.
/// </summary>
public sealed class SlideFilesSink : IFeatureSink
{
    private readonly string _folder;
    private readonly IPatchSource _source;
    private readonly int _width;
    private readonly Dictionary<string, object> _attributes;
    private readonly int[][] _patchesOf;
    private readonly string[] _stems;
    private FeatureStream? _stream;
    private int _slide = -1;

    /// <param name="folder">The folder.</param>
    /// <param name="source">The patches.</param>
    /// <param name="width">Numbers a patch.</param>
    /// <param name="name">What made them, as in a table: "resnet18 sslp".</param>
    /// <param name="encoder">SHA-256 of the encoder's file, and how it was run: what files of two runs differ by.</param>
    /// <param name="shard">The slides of this process, of so many: the slides s with s % Of == Index.</param>
    /// <exception cref="Fault">A file that is there is of something else.</exception>
    public SlideFilesSink(string folder, IPatchSource source, int width, string name, string encoder, (int Index, int Of) shard)
    {
        (_folder, _source, _width) = (folder, source, width);
        _attributes = new() { ["source"] = name, ["encoder"] = encoder };
        PatchTable table = source.Table;
        var of = new List<int>[table.Slides.Count];
        for (int patch = 0; patch < table.Count; patch++)
            (of[table.SlideOf[patch]] ??= []).Add(patch);
        _patchesOf = [.. of.Select(patches => patches?.ToArray() ?? [])];
        _stems = SlideOutputNames.Stems(table.Slides);
        int[] own = [.. Enumerable.Range(0, table.Slides.Count)
            .Where(slide => slide % shard.Of == shard.Index && _patchesOf[slide].Length > 0)];
        Slides = own.Length;
        int[] todo = [.. own.Where(slide => !IsDone(slide))];
        SlidesDone = own.Length - todo.Length;
        Order = [.. todo.SelectMany(slide => _patchesOf[slide])];
    }

    /// <summary>Slides with patches of this process.</summary>
    public int Slides { get; }

    /// <summary>Of those, how many were done before.</summary>
    public int SlidesDone { get; }

    /// <summary>The patches that are still to do, slide by slide.</summary>
    public int[] Order { get; }

    /// <inheritdoc/>
    public void Add(ReadOnlySpan<int> patches, ReadOnlySpan<float> features, ReadOnlySpan<bool> read)
    {
        for (int i = 0; i < patches.Length;)
        {
            int slide = _source.Table.SlideOf[patches[i]], end = i;
            while (end < patches.Length && _source.Table.SlideOf[patches[end]] == slide)
                end++;
            if (slide != _slide)
                (_slide, _stream) = (slide, new(PathOf(slide), _source, _patchesOf[slide], _width, slide, _attributes));
            _stream!.Add(features[(i * _width)..(end * _width)], read[i..end]);
            if (_stream.IsFull)
            {
                _stream.Complete();
                _stream = null;
            }
            i = end;
        }
    }

    /// <inheritdoc/>
    public void Complete()
    {
        if (_stream is not null)
            throw new InvalidOperationException("A slide is not whole.");
    }

    /// <inheritdoc/>
    public void Dispose() => _stream?.Dispose();

    private string PathOf(int slide) => Path.Combine(_folder, _stems[slide] + ".h5");

    /// <exception cref="Fault">The file is there and is of something else.</exception>
    private bool IsDone(int slide)
    {
        string path = PathOf(slide);
        if (!File.Exists(path))
            return false;
        string? other;
        try
        {
            using NativeFile file = H5File.OpenRead(path);
            other = Difference(file, slide);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            other = $"can't be read ({e.Message.TrimEnd('.')})";
        }
        return other is null ? true
            : throw new Fault(FaultKind.Input,
            $"{path} is there already and {other}: delete it to have that slide done again, or name another folder.");
    }

    private string? Difference(IH5Group file, int slide)
    {
        if (!file.AttributeExists("encoder") || file.Attribute("encoder").Read<string>() != (string)_attributes["encoder"])
            return "is of another encoder or precision";
        int[] patches = _patchesOf[slide];
        long unread = file.Attribute("unread").Read<long>();
        if (file.Attribute("patches").Read<long>() != patches.Length
            || file.Dataset("features").Space.Dimensions is not [var rows, var width]
            || (long)rows != patches.Length - unread || (int)width != _width)
            return "has another number of patches";
        long[] there = file.Dataset("coords").Read<long[]>(), wanted = FeatureFile.OriginsOf(_source, patches)
            ?? FeatureFile.CellsOf(_source, patches);
        // Patches that did not read are missing from it, so its places are some of those wanted, in order.
        int next = 0;
        for (int i = 0; i < wanted.Length && next < there.Length; i += 2)
            if (wanted[i] == there[next] && wanted[i + 1] == there[next + 1])
                next += 2;
        return next == there.Length ? null : "is of other places";
    }
}
