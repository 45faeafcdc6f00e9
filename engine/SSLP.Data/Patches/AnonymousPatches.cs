using SSLP.Data.Files;
using SSLP.Data.Slides;

namespace SSLP.Data.Patches;

/// <summary>A source whose slides and patients go by <see cref="Pseudonyms"/>, in its table and in what it says. Owns nothing.</summary>
public sealed class AnonymousPatches : IPatchSource
{
    private readonly IPatchSource _patches;
    private readonly Pseudonyms _names;

    /// <param name="patches">The source behind; must stay open as long as this is read.</param>
    /// <param name="names">Gives the names; knows those of the source from here on.</param>
    /// <exception cref="Fault">The patches name no slides.</exception>
    public AnonymousPatches(IPatchSource patches, Pseudonyms names)
    {
        PatchTable table = patches.Table;
        if (!table.HasSlides)
            throw new Fault(FaultKind.Usage,
                "The patches name no slides, and their own file names would stand in what is written: give them slides in patches.csv.");
        foreach (string slide in table.Slides)
            names.Know(slide);
        (_patches, _names) = (patches, names);
        Table = table.WithNames([.. table.Slides.Select(names.OfSlide)], table.PatientOfSlide?.Select(names.OfPatient).ToArray());
        Describe = $"{table.Count} patches of {patches.PatchSize} px on {table.Slides.Count} slides whose names are hashed";
    }

    public PatchTable Table { get; }

    public int PatchSize => _patches.PatchSize;

    public double? Mpp => _patches.Mpp;

    public string Describe { get; }

    public bool IsCheapAtRandom => _patches.IsCheapAtRandom;

    public SlideGeometry? GeometryOf(int slide) => _patches.GeometryOf(slide);

    public (long X, long Y)? OriginLevel0(int patch) => _patches.OriginLevel0(patch);

    public void Read(int patch, Span<byte> rgb)
    {
        try
        {
            _patches.Read(patch, rgb);
        }
        catch (PatchReadException fault)
        {
            throw new PatchReadException(patch, Table.SlideName(patch), _names.In(fault.Reason));
        }
    }

    public void Dispose() { }
}
