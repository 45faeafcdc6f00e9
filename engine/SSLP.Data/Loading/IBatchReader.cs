using SSLP.Data.Patches;

namespace SSLP.Data.Loading;

/// <summary>How the ring reads a patch, and what it does with one that does not read. Thread-safe.</summary>
public interface IBatchReader
{
    /// <summary>Fills <paramref name="rgb"/>.</summary>
    /// <param name="patch">Id of the patch that is asked for.</param>
    /// <param name="batch">Number of the batch that it is for, counted over all epochs.</param>
    /// <param name="rgb">Where its pixels go.</param>
    /// <returns>Id of the patch that was read, or −1 where none was.</returns>
    int Read(int patch, long batch, Span<byte> rgb);

    /// <summary>Called with each batch in order, before its consumer has it: all of it has been read.</summary>
    void Delivered(long batch)
    {
    }
}

/// <summary>Leaves a patch that does not read black and says −1: for features, where nothing else can stand in for it.</summary>
public sealed class SkippingReader(IPatchSource source) : IBatchReader
{
    public int Read(int patch, long batch, Span<byte> rgb)
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
