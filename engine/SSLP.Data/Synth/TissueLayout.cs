namespace SSLP.Data.Synth;

/// <summary>
/// Which tissue lies where: a blob of tissue on glass, divided into irregular regions of several hundred µm, so that patches share
/// their class with their neighbours as in real sections. Kept at half the resolution.
/// </summary>
internal sealed class TissueLayout
{
    /// <summary>Full-resolution pixels per cell of the class map.</summary>
    public const int Step = 2;

    /// <summary>Mean distance of regions' centres, px: 600 µm.</summary>
    private const float RegionSpacing = 1200;

    private readonly byte[] _classes;
    private readonly int[] _regions;

    public TissueLayout(Random random, int size)
    {
        Size = size;
        Cells = (size + Step - 1) / Step;
        _classes = new byte[Cells * Cells];
        _regions = new int[Cells * Cells];
        var pattern = new CellPattern(random, size, RegionSpacing);
        SynthClass[] classOf = DrawClasses(random, pattern.Count);
        ValueNoise warpX = new(random), warpY = new(random), outline = new(random);
        float radius = size * (0.46f + (0.06f * random.NextSingle()));
        for (int y = 0; y < Cells; y++)
            for (int x = 0; x < Cells; x++)
            {
                float px = x * Step, py = y * Step;
                float dx = px + (140 * warpX.Rough(px / 260, py / 260)), dy = py + (140 * warpY.Rough(px / 260, py / 260));
                (int region, _) = pattern.At(dx, dy);
                float fromCentre = MathF.Sqrt(((px - (size / 2f)) * (px - (size / 2f))) + ((py - (size / 2f)) * (py - (size / 2f))));
                bool isTissue = fromCentre < radius * (1 + (0.22f * outline.Rough(px / 500, py / 500)));
                _classes[(y * Cells) + x] = (byte)(isTissue ? classOf[region] : SynthClass.Background);
                _regions[(y * Cells) + x] = region;
            }
        Regions = pattern.Count;
    }

    /// <summary>Side of the slide, px.</summary>
    public int Size { get; }

    /// <summary>Side of the class map.</summary>
    public int Cells { get; }

    /// <summary>Number of regions, one above the largest index.</summary>
    public int Regions { get; }

    /// <summary>Class and region at a pixel of the slide; clamped at the edges.</summary>
    public (SynthClass Class, int Region) At(float x, float y)
    {
        int at = (Math.Clamp((int)y / Step, 0, Cells - 1) * Cells) + Math.Clamp((int)x / Step, 0, Cells - 1);
        return ((SynthClass)_classes[at], _regions[at]);
    }

    /// <summary>The commonest class of a rectangle, px.</summary>
    public SynthClass Majority(double left, double top, double right, double bottom)
    {
        Span<int> counts = stackalloc int[5];
        for (int y = (int)(top / Step); y < Math.Min(Cells, Math.Max((int)(top / Step) + 1, bottom / Step)); y++)
            for (int x = (int)(left / Step); x < Math.Min(Cells, Math.Max((int)(left / Step) + 1, right / Step)); x++)
                counts[_classes[(y * Cells) + x]]++;
        int best = 0;
        for (int i = 1; i < counts.Length; i++)
            if (counts[i] > counts[best])
                best = i;
        return (SynthClass)best;
    }

    /// <summary>Tissue classes in equal parts but for fat, in random order: every slide holds every class.</summary>
    private static SynthClass[] DrawClasses(Random random, int count)
    {
        SynthClass[] deck =
            [SynthClass.Stroma, SynthClass.Tumour, SynthClass.Lymphocytes, SynthClass.Stroma, SynthClass.Tumour, SynthClass.Lymphocytes,
                SynthClass.Fat];
        var classes = new SynthClass[count];
        for (int i = 0; i < count; i++)
        {
            if (i % deck.Length == 0)
                random.Shuffle(deck);
            classes[i] = deck[i % deck.Length];
        }
        return classes;
    }
}
