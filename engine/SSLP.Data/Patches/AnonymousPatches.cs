using SSLP.Data.Files;
using SSLP.Data.Slides;

namespace SSLP.Data.Patches;

/// <summary>A source whose slides and patients go by <see cref="Pseudonyms"/>, in its table and in what it says. Owns nothing.</summary>
public sealed class AnonymousPatches : PatchesOver
{
    private readonly Pseudonyms _names;

    /// <param name="patches">The source behind; must stay open as long as this is read.</param>
    /// <param name="names">Gives the names; knows those of the source from here on.</param>
    /// <exception cref="Fault">The patches name no slides.</exception>
    public AnonymousPatches(IPatchSource patches, Pseudonyms names)
        : base(patches)
    {
        PatchTable table = patches.Table;
        if (!table.HasSlides)
            throw new Fault(FaultKind.Usage,
                "The patches name no slides, and their own file names would stand in what is written: give them slides in patches.csv.");
        foreach (string slide in table.Slides)
            names.Know(slide);
        _names = names;
        Table = table.WithNames([.. table.Slides.Select(names.OfSlide)], table.PatientOfSlide?.Select(names.OfPatient).ToArray());
        Describe = $"{Counted.Patches(table.Count)} of {patches.PatchSize} px on {Counted.Slides(table.Slides.Count)}, names hashed";
    }

    public override PatchTable Table { get; }

    public override string Describe { get; }

    public override void Read(int patch, Span<byte> rgb)
    {
        try
        {
            Under.Read(patch, rgb);
        }
        catch (PatchReadException fault)
        {
            throw new PatchReadException(patch, Table.SlideName(patch), _names.In(fault.Reason));
        }
    }
}
