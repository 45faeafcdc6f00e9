using System.Net;

namespace SSLP.Evaluation.Report;

/// <summary>Text and numbers as a page takes them.</summary>
internal static class Html
{
    /// <summary>Names come from files and folders: nothing of them may act as markup.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A coordinate, to a tenth of a pixel.</summary>
    public static string Number(double value) => value.ToString("0.#");

    /// <summary>Bytes of an image as an address within the page.</summary>
    public static string DataUri(string type, ReadOnlySpan<byte> bytes) => $"data:{type};base64,{Convert.ToBase64String(bytes)}";
}

/// <summary>Colours that stay apart for colour-blind eyes (Okabe and Ito 2008, the yellow darkened for white paper).</summary>
internal static class Palette
{
    private static readonly string[] Colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a7a00", "#444444"];

    public static string Line(int index) => Colours[index % Colours.Length];

    public static (byte R, byte G, byte B) Rgb(int index)
    {
        int value = Convert.ToInt32(Line(index)[1..], 16);
        return ((byte)(value >> 16), (byte)(value >> 8), (byte)value);
    }
}
