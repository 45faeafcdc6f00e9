using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using SSLP.Data.Patches;

namespace SSLP.Engine.Runs;

/// <summary>What identifies a run's patches: their slides, places and size. A checkpoint's bank rows mean nothing with others.</summary>
internal static class InputFingerprint
{
    /// <summary>SHA-256 of names, columns and patch size, in hex.</summary>
    public static string Of(IPatchSource source)
    {
        PatchTable table = source.Table;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string slide in table.Slides)
            hash.AppendData(Encoding.UTF8.GetBytes(slide + "\n"));
        hash.AppendData(MemoryMarshal.AsBytes(table.SlideOf));
        hash.AppendData(MemoryMarshal.AsBytes(table.Col));
        hash.AppendData(MemoryMarshal.AsBytes(table.Row));
        hash.AppendData(BitConverter.GetBytes(source.PatchSize));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
