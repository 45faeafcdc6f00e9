using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using SSLP.Data.Files;

namespace SSLP.Data.Slides;

/// <summary>
/// Names that stand for slides' and patients' own: the first 8 bytes of HMAC-SHA-256 of the name under a key in a file of its own. With the
/// key the same slide has the same name in every run and file; without it a name can be neither read back nor found by trying names, as it
/// could be with a plain hash, or with a salt that lies beside it. So the key stays with whoever may know the slides, and goes out with
/// nothing.
/// </summary>
public sealed class Pseudonyms
{
    private const int KeyBytes = 32;

    private readonly byte[] _key;
    private readonly SortedDictionary<string, string> _known = new(Comparer<string>.Create((a, b) =>
        a.Length != b.Length ? b.Length.CompareTo(a.Length) : string.CompareOrdinal(a, b)));

    private Pseudonyms(byte[] key, bool isNew) => (_key, IsNew) = (key, isNew);

    /// <summary>Whether <see cref="Open"/> made the key.</summary>
    public bool IsNew { get; }

    /// <summary>Reads a key of 64 hexadecimal digits, or makes one that only its owner may read.</summary>
    /// <exception cref="Fault">The file is there and holds no key.</exception>
    public static Pseudonyms Open(string path)
    {
        if (Directory.Exists(path))
            throw new Fault(FaultKind.Usage, $"'{path}' is a folder; the key is a file, which is made where it is not there.");
        if (!File.Exists(path))
        {
            byte[] made = RandomNumberGenerator.GetBytes(KeyBytes);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var writer = new StreamWriter(path, options);
            writer.WriteLine(Convert.ToHexStringLower(made));
            return new(made, isNew: true);
        }
        string text = new FileInfo(path).Length > 4 * KeyBytes ? "" : File.ReadAllText(path).Trim();
        return text.Length == 2 * KeyBytes && text.All(char.IsAsciiHexDigit)
            ? new(Convert.FromHexString(text), isNew: false)
            : throw new Fault(FaultKind.Input,
                $"'{path}' holds no key of {2 * KeyBytes} hexadecimal digits; name the file of one, or a file that is not there, which " +
                $"then gets one.");
    }

    /// <summary>"slide-" and 16 digits.</summary>
    public string OfSlide(string name) => Of("slide", name.Replace('\\', '/'));

    /// <summary>"patient-" and 16 digits.</summary>
    public string OfPatient(string name) => Of("patient", name);

    /// <summary>Notes a slide's name, so that <see cref="In"/> finds it.</summary>
    public void Know(string slide)
    {
        string own = OfSlide(slide);
        // As logs write it: with its folder, without, and without its ending.
        foreach (string form in (string[])[slide, Path.GetFileName(slide), Path.ChangeExtension(slide, null),
            Path.GetFileNameWithoutExtension(slide)])
            if (form.Length > 0)
                _known[form] = own;
    }

    /// <summary>A text with every known slide's name replaced, and with it the path before it.</summary>
    public string In(string text)
    {
        foreach ((string name, string own) in _known)
            if (text.Contains(name, StringComparison.Ordinal))
                text = Regex.Replace(text, $@"(?<![\w.-])(?:[^\s'""(:]*[\\/])?{Regex.Escape(name)}(?![\w-])", own);
        return text;
    }

    private string Of(string kind, string name) =>
        $"{kind}-{Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{kind} {name}")).AsSpan(0, 8))}";
}
