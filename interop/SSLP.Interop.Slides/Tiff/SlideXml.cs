using System.Xml;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// XML of a slide's description, read as it comes: no DTD, nothing outside of the file, no more than <see cref="TiffLimits.XmlBytes"/>.
/// </summary>
internal static class SlideXml
{
    private static readonly XmlReaderSettings Settings = new()
    {
        // Passed over and never followed.
        DtdProcessing = DtdProcessing.Ignore,
        XmlResolver = null,
        MaxCharactersInDocument = TiffLimits.XmlBytes,
        MaxCharactersFromEntities = TiffLimits.XmlBytes,
        CheckCharacters = false,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        IgnoreWhitespace = true,
    };

    /// <summary>Reads a directory's description.</summary>
    /// <param name="directory">Where the text is.</param>
    /// <param name="read">Takes what it wants; what it has when the text breaks off is kept.</param>
    /// <returns>Null, or why the text could not be read to its end, as a clause.</returns>
    public static string? Read(TiffDirectory directory, Action<XmlReader> read)
    {
        string text = directory.Text(TiffTag.ImageDescription, TiffLimits.XmlBytes) ?? "";
        try
        {
            // As text and not as bytes: what the declaration says of the encoding is often not so.
            using var reader = XmlReader.Create(new StringReader(text.TrimStart('\uFEFF', ' ', '\r', '\n', '\t')), Settings);
            read(reader);
            return null;
        }
        catch (XmlException e)
        {
            return $"line {e.LineNumber}, column {e.LinePosition}";
        }
    }
}
