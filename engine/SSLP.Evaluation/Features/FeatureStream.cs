using PureHDF;
using PureHDF.Selections;
using PureHDF.VOL.Native;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;

namespace SSLP.Evaluation.Features;

/// <summary>
/// One HDF5 file of features in the layout of <see cref="FeatureFile"/>, written as they come: under a temporary name, contiguous, renamed
/// when it is whole. Rows of patches that did not read are taken out at the end, by writing the file once more without them.
/// </summary>
internal sealed class FeatureStream : IDisposable
{
    /// <summary>Rows that are copied at a time.</summary>
    private const int CopyRows = 4096;

    private readonly string _path, _temporary;
    private readonly IPatchSource _source;
    private readonly int[] _patches;
    private readonly int _width;
    private readonly int? _slide;
    private readonly Dictionary<string, object> _attributes;
    private readonly List<int> _unread = [];

    private Writing? _writing;
    private int _row;

    /// <param name="path">The file.</param>
    /// <param name="source">Of the patches.</param>
    /// <param name="patches">Their ids, a row each.</param>
    /// <param name="width">Numbers a row.</param>
    /// <param name="slide">The slide that all are of, for a file a slide; null for a file of all.</param>
    /// <param name="attributes">Of the file.</param>
    public FeatureStream(string path, IPatchSource source, int[] patches, int width, int? slide, Dictionary<string, object> attributes)
    {
        (_path, _source, _patches, _width, _slide, _attributes) = (Path.GetFullPath(path), source, patches, width, slide, attributes);
        string folder = Path.GetDirectoryName(_path)!;
        Directory.CreateDirectory(folder);
        // What a process left that was killed; another one at the same file would be lost work in any case.
        foreach (string stale in Directory.EnumerateFiles(folder, Path.GetFileName(_path) + ".*.partial"))
            File.Delete(stale);
        _temporary = $"{_path}.{Environment.ProcessId}.partial";
        _writing = new(_temporary, FileOf(patches, 0), patches.Length, width);
    }

    public bool IsFull => _row == _patches.Length;

    public void Add(ReadOnlySpan<float> features, ReadOnlySpan<bool> read)
    {
        for (int i = 0; i < read.Length; i++)
            if (!read[i])
                _unread.Add(_row + i);
        _writing!.Write(_row, features);
        _row += read.Length;
    }

    public void Complete()
    {
        _writing!.Dispose();
        _writing = null;
        string whole = _temporary;
        if (_unread.Count > 0)
            whole = WithoutUnread();
        using (FileStream stream = new(whole, FileMode.Open, FileAccess.ReadWrite))
            stream.Flush(flushToDisk: true);
        File.Move(whole, _path, overwrite: true);
        if (whole != _temporary)
            File.Delete(_temporary);
    }

    public void Dispose()
    {
        if (_writing is null)
            return;
        _writing.Dispose();
        _writing = null;
        File.Delete(_temporary);
    }

    private string WithoutUnread()
    {
        string path = $"{_path}.{Environment.ProcessId}.rows.partial";
        var unread = new HashSet<int>(_unread);
        int[] rows = [.. Enumerable.Range(0, _patches.Length).Where(row => !unread.Contains(row))];
        using NativeFile file = H5File.OpenRead(_temporary);
        IH5Dataset features = file.Dataset("features");
        using var writing = new Writing(path, FileOf([.. rows.Select(row => _patches[row])], _unread.Count), rows.Length, _width);
        var kept = new List<float>();
        for (int first = 0, next = 0; first < _patches.Length; first += CopyRows)
        {
            int count = Math.Min(CopyRows, _patches.Length - first);
            float[] block = features.Read<float[]>(Rows(first, count, _width));
            kept.Clear();
            for (int row = first; row < first + count; row++)
                if (!unread.Contains(row))
                    kept.AddRange(block.AsSpan((row - first) * _width, _width));
            writing.Write(next, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(kept));
            next += kept.Count / _width;
        }
        return path;
    }

    /// <summary>All but the features.</summary>
    private H5File FileOf(int[] patches, int unread)
    {
        PatchTable table = _source.Table;
        ulong n = (ulong)patches.Length;
        long[]? origins = FeatureFile.OriginsOf(_source, patches);
        int[] grid = new int[2 * patches.Length];
        for (int i = 0; i < patches.Length; i++)
            (grid[2 * i], grid[(2 * i) + 1]) = (table.Col[patches[i]], table.Row[patches[i]]);
        Dictionary<string, object> attributes = _slide is { } slide && _source.GeometryOf(slide) is { } geometry
            ? CoordinateFiles.Attributes(geometry, Path.GetFileNameWithoutExtension(table.Slides[slide])) : [];
        attributes["coords_unit"] = origins is null ? FeatureFile.GridUnit : FeatureFile.Level0Unit;
        var file = new H5File
        {
            ["coords"] = new H5Dataset(origins ?? Array.ConvertAll(grid, value => (long)value),
                fileDims: [n, 2])
            { Attributes = attributes },
            ["grid"] = new H5Dataset(grid, fileDims: [n, 2]) { Attributes = new() { ["known"] = table.HasCoordinates ? 1 : 0 } },
            ["slide"] = new H5Dataset(Gather(table.SlideOf, patches, _slide is null ? null : 0), fileDims: [n]),
            ["slide_names"] = _slide is { } only ? new[] { table.Slides[only] }
                : table.HasSlides ? table.Slides.ToArray() : SlideOutputNames.Below(table.Slides),
            Attributes = new(_attributes) { ["unread"] = (long)unread, ["patches"] = (long)_patches.Length },
        };
        if (table.Classes is { } classes)
            (file["label"], file["label_names"]) = (new H5Dataset(Gather(table.LabelOf, patches, null), fileDims: [n]), classes.ToArray());
        if (table.Splits is { } splits)
            (file["split"], file["split_names"]) = (new H5Dataset(Gather(table.SplitOf, patches, null), fileDims: [n]), splits.ToArray());
        return file;
    }

    private static int[] Gather(ReadOnlySpan<int> column, int[] patches, int? instead)
    {
        int[] gathered = new int[patches.Length];
        for (int i = 0; i < gathered.Length; i++)
            gathered[i] = instead ?? column[patches[i]];
        return gathered;
    }

    private static HyperslabSelection Rows(int first, int count, int width) => new(2, [(ulong)first, 0], [(ulong)count, (ulong)width]);

    /// <summary>An open file whose features are still to come.</summary>
    private sealed class Writing : IDisposable
    {
        private readonly FileStream _stream;
        private readonly H5NativeWriter _writer;
        private readonly H5Dataset<float[]> _features;
        private readonly int _width;

        public Writing(string path, H5File file, int rows, int width)
        {
            _width = width;
            file["features"] = _features = new H5Dataset<float[]>(fileDims: [(ulong)rows, (ulong)width]);
            _stream = new(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 1 << 16);
            // Compact storage puts small data sets into the object header; readers that map the file want them contiguous.
            _writer = file.BeginWrite(_stream, new H5WriteOptions(PreferCompactDatasetLayout: false));
        }

        public void Write(int row, ReadOnlySpan<float> values)
        {
            if (values.Length > 0)
                _writer.Write(_features, values.ToArray(), fileSelection: Rows(row, values.Length / _width, _width));
        }

        public void Dispose()
        {
            _writer.Dispose();
            _stream.Dispose();
        }
    }
}
