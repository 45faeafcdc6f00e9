using System.Globalization;
using nietras.SeparatedValues;
using SSLP.Data.Files;
using SSLP.Data.Tiling;

namespace SSLP.Data.Synth;

/// <summary>
/// Procedural H&amp;E-like slides for demonstrations and tests: real tiled JPEG pyramids that any slide reader opens, and
/// <c>labels.csv</c> with the true class of every patch of their grid.
/// </summary>
public static class SynthSlides
{
    public const string LabelsName = "labels.csv";

    /// <summary>Writes <c>synth_01.tif</c> … (<c>.tiff</c> as Philips, <c>.svs</c> with JPEG 2000) and labels.csv (slide,col,row,label,x,y;
    /// x and y are a patch's centre, level-0 px).</summary>
    /// <param name="folder">Made where it is missing.</param>
    /// <param name="options">How many, which seed, which patches to label.</param>
    /// <param name="progress">Told the path of every slide when it is written.</param>
    /// <param name="threads">Slides at once; each takes about 25 bytes a pixel. Default all cores.</param>
    /// <param name="cancel">Stops between slides.</param>
    /// <returns>Paths of the slides, in order.</returns>
    /// <exception cref="Fault">An option that means nothing.</exception>
    public static IReadOnlyList<string> Write(
        string folder, SynthOptions options, IProgress<string>? progress = null, int? threads = null, CancellationToken cancel = default)
    {
        Check(options);
        Directory.CreateDirectory(folder);
        string[] paths = new string[options.Slides];
        var labels = new List<LabelledPatch>[options.Slides];
        var parallel = new ParallelOptions
        {
            CancellationToken = cancel,
            MaxDegreeOfParallelism = Math.Max(1, threads ?? Environment.ProcessorCount),
        };
        Parallel.For(0, options.Slides, parallel, i =>
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"synth_{i + 1:00}{EndingOf(options.Format)}");
            var slide = SyntheticSlide.Make(options.Seed, i, options.Size);
            paths[i] = Path.Combine(folder, name);
            AtomicFile.WriteTo(paths[i], path => WriteSlide(path, slide.Rgb, options));
            labels[i] = Labels(name, slide.Layout, options);
            progress?.Report(paths[i]);
        });
        AtomicFile.Write(Path.Combine(folder, LabelsName), stream => WriteLabels(stream, labels.SelectMany(slide => slide)));
        return paths;
    }

    private static void WriteSlide(string path, byte[] rgb, SynthOptions options)
    {
        switch (options.Format)
        {
            case SynthFormat.Philips:
                new PhilipsTiff(options.Size, options.Size, SyntheticSlide.Mpp,
                    SyntheticSlide.Mpp)
                { Quality = options.JpegQuality }.Write(path, rgb);
                break;
            case SynthFormat.Jpeg2000:
                Jpeg2000Svs.Write(path, rgb, options.Size, options.Size, SyntheticSlide.Mpp);
                break;
            default:
                PyramidTiff.Write(path, rgb, options.Size, options.Size, SyntheticSlide.Mpp, options.JpegQuality);
                break;
        }
    }

    private static string EndingOf(SynthFormat format) =>
        format switch { SynthFormat.Philips => ".tiff", SynthFormat.Jpeg2000 => ".svs", _ => ".tif" };

    private static List<LabelledPatch> Labels(string name, TissueLayout layout, SynthOptions options)
    {
        var grid = new SlideGrid(options.PatchSize, options.Mpp, SyntheticSlide.Mpp, SyntheticSlide.Mpp, options.Size, options.Size);
        var labels = new List<LabelledPatch>();
        for (int row = 0; row < grid.Rows; row++)
            for (int col = 0; col < grid.Columns; col++)
                labels.Add(new(name, col, row,
                    NameOf(layout.Majority(grid.Left(col), grid.Top(row), grid.Left(col + 1), grid.Top(row + 1))),
                    (grid.Left(col) + grid.Left(col + 1)) / 2, (grid.Top(row) + grid.Top(row + 1)) / 2));
        return labels;
    }

    private static void WriteLabels(Stream stream, IEnumerable<LabelledPatch> labels)
    {
        using SepWriter writer = Csv.Writer(stream);
        foreach (LabelledPatch patch in labels)
        {
            using SepWriter.Row row = writer.NewRow();
            row["slide"].Set(patch.Slide);
            row["col"].Format(patch.Col);
            row["row"].Format(patch.Row);
            row["label"].Set(patch.Label);
            row["x"].Set(patch.X.ToString("0.###", CultureInfo.InvariantCulture));
            row["y"].Set(patch.Y.ToString("0.###", CultureInfo.InvariantCulture));
        }
    }

    private static string NameOf(SynthClass label) => label switch
    {
        SynthClass.Background => "background",
        SynthClass.Fat => "fat",
        SynthClass.Stroma => "stroma",
        SynthClass.Lymphocytes => "lymphocytes",
        SynthClass.Tumour => "tumour",
        _ => throw new ArgumentOutOfRangeException(nameof(label), label, null),
    };

    private static void Check(SynthOptions options)
    {
        if (options.Slides < 1)
            throw new Fault(FaultKind.Usage, $"{options.Slides} slides cannot be made; choose 1 or more.");
        if (options.Size is < 512 or > 8192)
            throw new Fault(FaultKind.Usage, $"A slide of {options.Size} px cannot be made; choose 512 to 8192.");
        if (options.JpegQuality is < 1 or > 100)
            throw new Fault(FaultKind.Usage, $"A JPEG quality of {options.JpegQuality} means nothing; choose 1 to 100.");
        if (options.PatchSize < 1 || !(options.Mpp > 0))
            throw new Fault(FaultKind.Usage,
                string.Create(CultureInfo.InvariantCulture, $"Patches of {options.PatchSize} px at {options.Mpp} µm cannot be labelled."));
    }

    private readonly record struct LabelledPatch(string Slide, int Col, int Row, string Label, double X, double Y);
}
