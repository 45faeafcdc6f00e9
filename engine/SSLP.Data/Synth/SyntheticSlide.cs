namespace SSLP.Data.Synth;

/// <summary>One synthetic slide: its pixels and the class of every place. A function of seed, index and size.</summary>
internal sealed class SyntheticSlide
{
    /// <summary>Pixel size, µm.</summary>
    public const double Mpp = 0.5;

    private SyntheticSlide(TissueLayout layout, byte[] rgb)
    {
        Layout = layout;
        Rgb = rgb;
    }

    public TissueLayout Layout { get; }

    /// <summary>Size × Size × 3 bytes, row by row.</summary>
    public byte[] Rgb { get; }

    public static SyntheticSlide Make(ulong seed, int index, int size)
    {
        // Each stage has its own generator: a change to one leaves the others' draws as they are.
        var layout = new TissueLayout(Generator(seed, index, 0), size);
        var stain = new StainMap(size);
        byte[] shown = new byte[size * size];
        var tissue = new TissuePainter(Generator(seed, index, 1), layout);
        tissue.Paint(stain, shown);
        new NucleusPainter(Generator(seed, index, 2), tissue, stain).Paint();
        StainBalance.Apply(stain, shown, Generator(seed, index, 3));
        return new(layout, new SlideStain(Generator(seed, index, 4)).Render(stain));
    }

    /// <summary>A generator for one stage of one slide (SplitMix64 of the three numbers as its seed).</summary>
    private static Random Generator(ulong seed, int index, int stage)
    {
        ulong z = seed + ((ulong)index * 0x9E3779B97F4A7C15) + ((ulong)(stage + 1) * 0xD1B54A32D192ED03);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return new Random((int)(z >> 33));
    }
}
