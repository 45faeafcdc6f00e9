using Microsoft.Win32.SafeHandles;

namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>DICOM slides: a folder of files, one a level, any of which names the slide. Only OpenSlide 4 reads them.</summary>
internal static class DicomSlides
{
    /// <summary>Where DICOM puts its mark, behind a preamble of any bytes.</summary>
    private const int MarkAt = 128;

    /// <summary>Files of a folder that are looked at; a slide has ten or twenty.</summary>
    private const int MostFiles = 1000;

    /// <summary>How far into a file its series is looked for: some hundred bytes of patient and study come before it.</summary>
    private const int HeadBytes = 64 << 10;

    /// <summary>SeriesInstanceUID (0020,000E) of the kind UI, explicit and little-endian, as slides are written.</summary>
    private static ReadOnlySpan<byte> SeriesTag => [0x20, 0, 0x0E, 0, (byte)'U', (byte)'I'];

    private static readonly Version FirstWithDicom = new(4, 0);

    public static bool IsDicom(string path)
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(path);
            Span<byte> mark = stackalloc byte[4];
            return RandomAccess.Read(handle, mark, MarkAt) == 4 && mark.SequenceEqual("DICM"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The largest DICOM file of a folder, which holds its finest level; null where there is none.</summary>
    public static string? LargestIn(string folder)
    {
        try
        {
            IEnumerable<FileInfo> files = new DirectoryInfo(folder).EnumerateFiles().Take(MostFiles);
            return files.Where(file => IsDicom(file.FullName)).MaxBy(file => file.Length)?.FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>How many series the DICOM files of a folder are of; files that do not say theirs count as none.</summary>
    private static int SeriesIn(string folder)
    {
        var series = new HashSet<string>(StringComparer.Ordinal);
        byte[] head = new byte[HeadBytes];
        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles().Take(MostFiles).Where(file => IsDicom(file.FullName)))
        {
            using SafeFileHandle handle = File.OpenHandle(file.FullName);
            ReadOnlySpan<byte> bytes = head.AsSpan(0, RandomAccess.Read(handle, head, 0));
            int at = bytes.IndexOf(SeriesTag) + SeriesTag.Length;
            if (at < SeriesTag.Length || at + 2 > bytes.Length || at + 2 + BitConverter.ToUInt16(bytes[at..]) > bytes.Length)
                continue;
            series.Add(System.Text.Encoding.ASCII.GetString(bytes.Slice(at + 2, BitConverter.ToUInt16(bytes[at..]))).TrimEnd('\0', ' '));
        }
        return series.Count;
    }

    /// <summary>Opens a DICOM slide, or says what is missing.</summary>
    /// <param name="file">One of its files.</param>
    /// <param name="named">What the caller named: the file or its folder.</param>
    public static Slide Open(string file, string named, OpenSlideCache cache)
    {
        if (named != file && SeriesIn(named) is > 1 and var series)
        {
            throw new SlideException(named, SlideFault.UnsupportedFormat,
                $"holds DICOM files of {series} series, of which one would be read; put each slide into a folder of its own");
        }
        if (!Version.TryParse(OpenSlideLibrary.Version, out Version? version) || version < FirstWithDicom)
        {
            string has = version is null ? "there is none on this machine" : $"this machine has {OpenSlideLibrary.Version}";
            throw new SlideException(named, SlideFault.UnsupportedFormat,
                $"is a DICOM slide, which needs OpenSlide 4 or later ({has}); install it (conda-forge and Debian 13 have it), or convert " +
                $"the slide to a TIFF pyramid");
        }
        return OpenSlideSlide.OpenFile(file, cache, named);
    }
}
