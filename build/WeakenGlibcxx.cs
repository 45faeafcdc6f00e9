// Compiled and run by MSBuild (WeakenGlibcxx.targets); see there for the reason.
using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Marks one needed symbol version of an ELF64 little-endian library as weak (VER_FLG_WEAK), so that a C++ runtime
/// without that version still loads it. The file is replaced, never written in place: it may be a hard link into the
/// package cache. A file that does not need the version, or has it weak already, is left alone.
/// </summary>
public sealed class WeakenGlibcxx : Task
{
    private const uint SectionTypeVersionNeed = 0x6ffffffe;
    private const ushort VersionFlagWeak = 2;

    [Required]
    public string Library { get; set; }

    [Required]
    public string SymbolVersion { get; set; }

    public override bool Execute()
    {
        byte[] elf = File.ReadAllBytes(Library);
        int flags = FindFlags(elf, SymbolVersion);
        if (flags < 0 || (BitConverter.ToUInt16(elf, flags) & VersionFlagWeak) != 0)
            return true;
        elf[flags] |= (byte)VersionFlagWeak;
        string temporary = Library + ".weak";
        File.WriteAllBytes(temporary, elf);
        File.Delete(Library);
        File.Move(temporary, Library);
        Log.LogMessage(MessageImportance.Normal, "{0}: {1} is now a weak need", Path.GetFileName(Library), SymbolVersion);
        return true;
    }

    /// <summary>Offset of vna_flags of the needed version, or -1 (System V gABI, GNU symbol versioning).</summary>
    private static int FindFlags(byte[] elf, string wanted)
    {
        if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[4] != 2 || elf[5] != 1)
            return -1;
        long sections = BitConverter.ToInt64(elf, 0x28);
        int size = BitConverter.ToUInt16(elf, 0x3A), count = BitConverter.ToUInt16(elf, 0x3C);
        for (int s = 0; s < count; s++)
        {
            int header = checked((int)(sections + (long)s * size));
            if (BitConverter.ToUInt32(elf, header + 4) != SectionTypeVersionNeed)
                continue;
            int need = (int)BitConverter.ToInt64(elf, header + 24);
            int link = checked((int)(sections + (long)BitConverter.ToUInt32(elf, header + 40) * size));
            int strings = (int)BitConverter.ToInt64(elf, link + 24);
            for (; ; need += BitConverter.ToInt32(elf, need + 12))
            {
                int entry = need + BitConverter.ToInt32(elf, need + 8);
                for (int e = BitConverter.ToUInt16(elf, need + 2); e > 0; e--, entry += BitConverter.ToInt32(elf, entry + 12))
                    if (Name(elf, strings + BitConverter.ToInt32(elf, entry + 8)) == wanted)
                        return entry + 4;
                if (BitConverter.ToInt32(elf, need + 12) == 0)
                    break;
            }
        }
        return -1;
    }

    private static string Name(byte[] elf, int offset)
    {
        int end = Array.IndexOf(elf, (byte)0, offset);
        return Encoding.ASCII.GetString(elf, offset, end - offset);
    }
}
