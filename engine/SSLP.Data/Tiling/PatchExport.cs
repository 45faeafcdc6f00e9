using System.Globalization;
using nietras.SeparatedValues;
using SkiaSharp;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;

namespace SSLP.Data.Tiling;

/// <summary>File format of patches that are written out.</summary>
public enum PatchFormat
{
    /// <summary>Pixels are kept bit for bit.</summary>
    Png,

    /// <summary>Quality 95 with full chroma: a fifth of the bytes, a grey level or two off.</summary>
    Jpeg,
}

/// <summary>Writes the patches of a source as image files for other programs, in the form that <see cref="PatchFolder"/> reads
/// back.</summary>
public static class PatchExport
{
    private const int JpegQuality = 95;

    /// <summary>Writes <c>&lt;slide&gt;/&lt;col&gt;_&lt;row&gt;.png</c> or <c>.jpg</c>, and patches.csv.</summary>
    /// <param name="source">The patches.</param>
    /// <param name="folder">Made where it is missing; must hold no patches.csv yet.</param>
    /// <param name="format">PNG or JPEG.</param>
    /// <param name="progress">Told the number written so far; thread is any.</param>
    /// <param name="cancel">Stops between patches; what was written stays, without patches.csv.</param>
    /// <param name="shares">How much of every patch its class covers, for a column of patches.csv; empty where that is not known.</param>
    /// <returns>Patches that did not read, each with the reason; they are in no file.</returns>
    /// <exception cref="Fault">The folder holds patches already.</exception>
    public static IReadOnlyList<PatchReadException> Write(
        IPatchSource source, string folder, PatchFormat format = PatchFormat.Png, IProgress<int>? progress = null,
        CancellationToken cancel = default,
        ReadOnlyMemory<float> shares = default)
    {
        string csv = Path.Combine(folder, PatchFolderListing.CsvName);
        if (File.Exists(csv))
            throw new Fault(FaultKind.Input, $"{folder} holds a {PatchFolderListing.CsvName} already; write to another folder.");
        PatchTable table = source.Table;
        string[] slideFolders = SlideOutputNames.Flat(table.Slides);
        foreach (string slide in slideFolders)
            Directory.CreateDirectory(Path.Combine(folder, slide));
        var faults = new PatchReadException?[table.Count];
        int written = 0;
        Parallel.For(0, table.Count, new ParallelOptions { CancellationToken = cancel },
            () => new byte[source.PatchSize * source.PatchSize * 3], (i, _, rgb) =>
            {
                try
                {
                    source.Read(i, rgb);
                    WriteImage(Path.Combine(folder, FileOf(i)), rgb, source.PatchSize, format);
                    progress?.Report(Interlocked.Increment(ref written));
                }
                catch (PatchReadException e)
                {
                    faults[i] = e;
                }
                return rgb;
            }, _ => { });
        AtomicFile.Write(csv, stream => WriteTable(stream, table, FileOf, faults, shares));
        return [.. faults.OfType<PatchReadException>()];

        string FileOf(int i) => string.Create(CultureInfo.InvariantCulture,
            $"{slideFolders[table.SlideOf[i]]}/{table.Col[i]}_{table.Row[i]}.{(format == PatchFormat.Png ? "png" : "jpg")}");
    }

    private static void WriteTable(Stream stream, PatchTable table, Func<int, string> fileOf, PatchReadException?[] faults,
        ReadOnlyMemory<float> shares)
    {
        using SepWriter writer = Csv.Writer(stream);
        for (int i = 0; i < table.Count; i++)
        {
            if (faults[i] is not null)
                continue;
            using SepWriter.Row row = writer.NewRow();
            row["file"].Set(fileOf(i));
            row["slide"].Set(table.SlideName(i));
            row["col"].Format(table.Col[i]);
            row["row"].Format(table.Row[i]);
            row["label"].Set(table.Classes is { } classes && table.LabelOf[i] >= 0 ? classes[table.LabelOf[i]] : "");
            row["split"].Set(table.Splits is { } splits && table.SplitOf[i] >= 0 ? splits[table.SplitOf[i]] : "");
            if (table.PatientOfSlide is { } patients)
                row["patient"].Set(patients[table.SlideOf[i]]);
            if (!shares.IsEmpty)
                row["share"].Format(shares.Span[i]);
        }
    }

    private static void WriteImage(string path, byte[] rgb, int side, PatchFormat format)
    {
        byte[] rgba = new byte[side * side * 4];
        for (int from = 0, to = 0; from < rgb.Length; from += 3, to += 4)
            (rgba[to], rgba[to + 1], rgba[to + 2], rgba[to + 3]) = (rgb[from], rgb[from + 1], rgb[from + 2], 255);
        using var image = SKImage.FromPixelCopy(new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba);
        using SKPixmap pixels = image.PeekPixels();
        using SKData? encoded = format == PatchFormat.Png
            ? pixels.Encode(new SKPngEncoderOptions())
            : pixels.Encode(new SKJpegEncoderOptions(JpegQuality, SKJpegEncoderDownsample.Downsample444, SKJpegEncoderAlphaOption.Ignore));
        if (encoded is null)
            throw new InvalidOperationException($"A patch of {side} px could not be encoded as {format}.");
        using FileStream file = File.Create(path);
        encoded.SaveTo(file);
    }
}
