using SSLP.Data.Patches;

namespace SSLP.Data.Loading;

/// <summary>How the ring reads a patch, and what it does with one that does not read. Thread-safe.</summary>
public interface IBatchReader
{
    /// <summary>Fills <paramref name="rgb"/>.</summary>
    /// <returns>Id of the patch that was read, or −1 where none was.</returns>
    int Read(int patch, Span<byte> rgb);
}

/// <summary>Leaves a patch that does not read black and says −1: for features, where nothing else can stand in for it.</summary>
public sealed class SkippingReader(IPatchSource source) : IBatchReader
{
    public int Read(int patch, Span<byte> rgb)
    {
        try
        {
            source.Read(patch, rgb);
            return patch;
        }
        catch (PatchReadException)
        {
            rgb.Clear();
            return -1;
        }
    }
}
